"""The board at 1, 99 and 3,321 centres: the first byte, how heavy a page is as it travels, and when a flip is shown.

Pages are asked for further apart than the board shares one between readers, without an ETag, while agents report (a
batch a minute each) and another process flips a centre every second. A flip is looked for as a browser does: the live
part, every 3 s, at a phase of its own.
"""

from __future__ import annotations

import gzip
import http.client
import random
import re
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

import msgspec

from bench.agenthome import plan, settle
from bench.country import Hand, flipping, hand, populate
from bench.frame import Report, main, percentile
from bench.home import Home, furnish
from bench.place import ROOT, scratch
from bench.process import BenchError, must_live, program, wait_until
from bench.shared import SYSTEMS, share
from bench.troubles import LARGEST, trouble
from wire.messages import PlanItem

FIRST_BYTE_MS: Final = 50.0
FAR_FIRST_BYTE_MS: Final = 150.0
WEIGHT_KB: Final = 200.0
SHOWN_S: Final = 5.0
POLL_S: Final = 3.0  # as the page itself does
FLIP_EVERY_S: Final = 1.0
APART_S: Final = 1.1  # longer than the board shares a page between readers
_ASSET: Final = re.compile(rb'(?:src|href)="(/static/[^"]+)"')


@dataclass(frozen=True, slots=True)
class Got:
    """One answer: milliseconds to its first byte, its body as it travelled, and as it is read."""

    first_byte_ms: float
    sent: bytes
    body: bytes
    status: int
    tag: str


def run(report: Report) -> None:
    _at_one(report)
    _at(report, 99, FIRST_BYTE_MS)
    _at(report, 3_321, FAR_FIRST_BYTE_MS, apart=True)


def _at_one(report: Report) -> None:
    """A newcomer's: one centre whose agent reports every second."""
    asked = 10 if report.quick else 30
    with ExitStack() as stack:
        folder = stack.enter_context(scratch("board"))
        home = Home(folder / "home")
        (one,) = furnish(home, 1)
        plan(home, one.agent, [PlanItem("pc", one.device, "pc", "self", 1, 0.9)])
        stack.enter_context(home.running(home.serve("ingest,judge,history,board")))
        agent = settle(folder / "agent", home, one, "cut_s = 1.0\nlog_level = 'warning'\n")
        log = folder / "agent.log"
        process = stack.enter_context(program(agent.command(), log, cwd=ROOT))
        pages = {"province": "/", "centre": f"/centres/{one.centre}"}
        wait_until(lambda: all(_is_there(home, path) for path in pages.values()), what="the board's pages")
        got = _ask_in_turn(home, pages, asked)
        must_live("the agent", process, log)
        how = "no ETag sent, gzip, a new connection each, live agent"
        for name, answers in got.items():
            _judge(report, home, f"{name} page at 1 centre", answers, bar_ms=FIRST_BYTE_MS, how=how)


def _at(report: Report, count: int, first_byte_ms: float, *, apart: bool = False) -> None:
    """All bars at `count` centres in one run. The last tenth does not report: its flips are the hand's alone.

    `apart`: the board has a process of its own, as a country's has.
    """
    with ExitStack() as stack:
        folder = stack.enter_context(scratch("board"))
        home = Home(folder / "home")
        known = populate(home, count)
        share(home, known)
        trouble(home, known)
        fed, flipped = known[: -count // 10], known[-count // 10 :]
        if apart:
            stack.enter_context(home.running(home.serve("ingest,judge,history")))
        stack.enter_context(home.running(home.serve("board" if apart else "ingest,judge,board")))
        listed, log = folder / "agents.json", folder / "feed.log"
        listed.write_bytes(msgspec.json.encode(fed))
        command = [sys.executable, "-m", "bench.feed", str(listed), str(home.port), f"{len(fed) / 60:.2f}"]
        feed = stack.enter_context(program(command, log, cwd=ROOT))
        pages = {
            "province": "/", "list": "/?view=list", "map": "/?view=map", "areas": "/?group=area", "fleet": "/fleet",
            "centre": f"/centres/{fed[0].centre}", "systems": "/systems", "system": f"/systems/{SYSTEMS[0]}",
            "lines": "/lines", "line": f"/lines/{fed[0].centre}/a", "incidents": "/incidents",
            "incident": f"/incidents/{LARGEST}", "work": "/work",
        }  # fmt: skip
        wait_until(lambda: all(_is_there(home, path) for path in pages.values()), what="the board's pages")
        wait_until(lambda: b"taken" in log.read_bytes(), what="agents that report", within_s=60)
        at = stack.enter_context(hand(home, flipped))
        with flipping(at, FLIP_EVERY_S):
            got = _ask_in_turn(home, pages, 15 if report.quick else 60)
        must_live("the agents", feed, log)
        where = "the board in a process of its own" if apart else "one process"
        how = f"{where}; no ETag sent, gzip, a new connection each; {len(fed) / 60:.0f} batches/s, {at.committed} flips"
        for name, answers in got.items():
            _judge(report, home, f"{name} page at {count:,} centres", answers, bar_ms=first_byte_ms, how=how)
        _shown(report, home, at, count)


def _shown(report: Report, home: Home, at: Hand, count: int) -> None:
    """From the return of a COMMIT until a browser that polls has it."""
    phases, took = random.Random(count), list[float]()
    for _ in range(3 if report.quick else 10):
        tag = _get(home, "/?part=live").tag
        time.sleep(phases.random() * POLL_S)
        key, state = at.flip()
        began = time.perf_counter()
        time.sleep(phases.random() * POLL_S)
        while (page := _get(home, "/?part=live", tag)).status == 304 or not _stands(page.body, key, state):
            tag = page.tag or tag
            time.sleep(POLL_S)
            if time.perf_counter() - began > 30:
                break
        took.append(time.perf_counter() - began)
    report.judge(
        f"board, a flip shown at {count:,} centres", f"≤ {SHOWN_S:.0f} s after its COMMIT",
        f"{max(took):.1f} s at worst ({percentile(took, 0.5):.1f} in the middle, {len(took)} flips)",
        holds=max(took) <= SHOWN_S, how=f"live part asked for every {POLL_S:.0f} s, at a phase of its own",
    )  # fmt: skip


def _stands(body: bytes, key: str, state: str) -> bool:
    return f'class="t {state}" id="t{key}"'.encode() in body


def _ask_in_turn(home: Home, pages: dict[str, str], asked: int) -> dict[str, list[Got]]:
    got: dict[str, list[Got]] = {name: [] for name in pages}
    for _ in range(asked):
        time.sleep(APART_S)
        for name, path in pages.items():
            got[name].append(_get(home, path))
    return got


def _judge(report: Report, home: Home, name: str, answers: list[Got], *, bar_ms: float, how: str) -> None:
    times = [answer.first_byte_ms for answer in answers]
    p95, anew = percentile(times, 0.95), len({answer.body for answer in answers})
    short = name.replace(" page at ", "_").replace(",", "").replace(" ", "_")
    report.keep({f"{short}_p50_ms": round(percentile(times, 0.5), 2), f"{short}_made_anew": anew})
    report.judge(
        f"board, {name}: first byte p95", f"≤ {bar_ms:.0f} ms",
        f"{p95:.1f} ms ({min(times):.1f} to {max(times):.1f}, {len(times)} asked)", holds=p95 <= bar_ms,
        how=f"{how}; {anew} of {len(times)} pages differed",
    )  # fmt: skip
    page, assets = answers[-1], {m.decode() for m in _ASSET.findall(answers[-1].body)}
    other = sum(len(_get(home, path).sent) for path in assets)
    report.judge(
        f"board, {name}: weight", f"≤ {WEIGHT_KB:.0f} kB",
        f"{(len(page.sent) + other) / 1000:.0f} kB: page {len(page.sent) / 1000:.1f} kB, {len(assets)} files"
        f" {other / 1000:.0f} kB", holds=len(page.sent) + other <= 1000 * WEIGHT_KB, how="as it travels, gzip",
    )  # fmt: skip


def _is_there(home: Home, path: str) -> bool:
    try:
        return bool(_get(home, path).body)
    except (OSError, BenchError):
        return False


def _get(home: Home, path: str, tag: str = "") -> Got:
    connection = http.client.HTTPConnection("127.0.0.1", home.board_port, timeout=10)
    try:
        connection.connect()
        began = time.perf_counter()
        connection.request("GET", path, headers={"Accept-Encoding": "gzip", "If-None-Match": tag})
        answer = connection.getresponse()
        first = (time.perf_counter() - began) * 1000
        sent = answer.read()
    except http.client.HTTPException as error:
        raise BenchError(f"{path}: {error!r}") from error
    finally:
        connection.close()
    if answer.status not in {200, 304 if tag else 200}:
        raise BenchError(f"{path}: {answer.status}")
    packed = answer.getheader("Content-Encoding") == "gzip"
    return Got(first, sent, gzip.decompress(sent) if packed else sent, answer.status, answer.getheader("ETag") or "")


if __name__ == "__main__":
    main("board", run, __doc__)
