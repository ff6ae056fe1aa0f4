"""The board at one centre: how long until the first byte, and how heavy a page is as it travels.

One centre whose agent reports every second, so that pages are made anew and never taken from what another reader was
just given. 99 and 3,321 centres, and a flip shown within 5 s, come with the board's own issue.
"""

from __future__ import annotations

import gzip
import http.client
import re
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

from bench.agenthome import plan, settle
from bench.frame import Report, main, percentile
from bench.home import Home, furnish
from bench.place import ROOT, scratch
from bench.process import BenchError, must_live, program, wait_until
from wire.messages import PlanItem

FIRST_BYTE_MS: Final = 50.0
WEIGHT_KB: Final = 200.0
APART_S: Final = 1.1  # longer than the board shares a page between readers
_ASSET: Final = re.compile(rb'(?:src|href)="(/static/[^"]+)"')


@dataclass(frozen=True, slots=True)
class Got:
    """One answer: milliseconds to its first byte, its body as it travelled, and as it is read."""

    first_byte_ms: float
    sent: bytes
    body: bytes


def run(report: Report) -> None:
    asked = 10 if report.quick else 30
    with ExitStack() as stack:
        folder = stack.enter_context(scratch("board"))
        home = Home(folder / "home")
        (one,) = furnish(home, 1)
        plan(home, one.agent, [PlanItem("pc", one.device, "pc", "self", 1, 0.9)])
        stack.enter_context(home.running(home.serve("ingest,judge,board")))
        agent = settle(folder / "agent", home, one, "cut_s = 1.0\nlog_level = 'warning'\n")
        log = folder / "agent.log"
        process = stack.enter_context(program(agent.command(), log, cwd=ROOT))
        pages = {"province": "/", "centre": f"/centres/{one.centre}"}
        wait_until(lambda: all(_is_there(home, path) for path in pages.values()), what="the board's pages")
        got = _ask_in_turn(home, pages, asked)
        must_live("the agent", process, log)
        for name, answers in got.items():
            _judge(report, home, name, answers)


def _ask_in_turn(home: Home, pages: dict[str, str], asked: int) -> dict[str, list[Got]]:
    got: dict[str, list[Got]] = {name: [] for name in pages}
    for _ in range(asked):
        time.sleep(APART_S)
        for name, path in pages.items():
            got[name].append(_get(home, path))
    return got


def _judge(report: Report, home: Home, name: str, answers: list[Got]) -> None:
    times = [answer.first_byte_ms for answer in answers]
    p95, anew = percentile(times, 0.95), len({answer.body for answer in answers})
    report.keep({f"{name}_p50_ms": round(percentile(times, 0.5), 2), f"{name}_made_anew": anew})
    report.judge(
        f"board, {name} page at 1 centre: first byte p95", f"≤ {FIRST_BYTE_MS:.0f} ms",
        f"{p95:.1f} ms ({min(times):.1f} to {max(times):.1f}, {len(times)} asked)", holds=p95 <= FIRST_BYTE_MS,
        how=f"no ETag sent, gzip, a new connection each, live agent; {anew} of {len(times)} pages differed",
    )  # fmt: skip
    page, assets = answers[-1], {m.decode() for m in _ASSET.findall(answers[-1].body)}
    other = sum(len(_get(home, path).sent) for path in assets)
    report.judge(
        f"board, {name} page at 1 centre: weight", f"≤ {WEIGHT_KB:.0f} kB",
        f"{(len(page.sent) + other) / 1000:.0f} kB: page {len(page.sent) / 1000:.1f} kB, {len(assets)} files"
        f" {other / 1000:.0f} kB", holds=len(page.sent) + other <= 1000 * WEIGHT_KB, how="as it travels, gzip",
    )  # fmt: skip


def _is_there(home: Home, path: str) -> bool:
    try:
        return bool(_get(home, path).body)
    except (OSError, BenchError):
        return False


def _get(home: Home, path: str) -> Got:
    connection = http.client.HTTPConnection("127.0.0.1", home.board_port, timeout=10)
    try:
        connection.connect()
        began = time.perf_counter()
        connection.request("GET", path, headers={"Accept-Encoding": "gzip"})
        answer = connection.getresponse()
        first = (time.perf_counter() - began) * 1000
        sent = answer.read()
    except http.client.HTTPException as error:
        raise BenchError(f"{path}: {error!r}") from error
    finally:
        connection.close()
    if answer.status != 200:
        raise BenchError(f"{path}: {answer.status}")
    packed = answer.getheader("Content-Encoding") == "gzip"
    return Got(first, sent, gzip.decompress(sent) if packed else sent)


if __name__ == "__main__":
    main("board", run, __doc__)
