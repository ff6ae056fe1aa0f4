"""99 centres that come back at once after three days: receipts, live batches meanwhile, and the readers behind.

A real collector with all its roles, history in a process of its own; the agents send as the real sender does
(`bench.returning`). `--quick`: six hours, held against a twelfth of the bar; days are then rolled up only after the
run, for they rest ten minutes.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Final

import msgspec
from sqlalchemy import Connection, Select, delete, func, insert, select

from bench.frame import Report, main, percentile
from bench.home import Enrolled, Home, furnish
from bench.meter import cpu_s
from bench.place import ROOT, scratch
from bench.process import BenchError, must_live, stop, wait_until
from bench.week import SERVICES, items
from collector.history.buckets import HOUR_MS
from collector.register import plans
from collector.store.databases import Store, open_store
from collector.store.rolled import dirty
from collector.store.tables import cursor, inbox, plan, subject, ts_cursor
from wire.clock import SystemClock

CENTRES: Final = 99
HOURS, QUICK_HOURS = 72.0, 6.0
RECEIPTED_S: Final = 600.0
READ_S: Final = 1_500.0
LIVE_S: Final = 5.0
GIVE_UP: Final = 2.0  # times the bar


@dataclass(slots=True)
class Heard:
    """What the agents have said so far."""

    done: dict[str, float] = field(default_factory=dict)
    live_ms: list[float] = field(default_factory=list)


def run(report: Report) -> None:
    hours = QUICK_HOURS if report.quick else HOURS
    share = hours / HOURS
    with ExitStack() as stack:
        folder = stack.enter_context(scratch("backlog"))
        home = Home(folder / "home")
        known = furnish(home, CENTRES)
        store = stack.enter_context(closing(open_store(home.settings.store, SystemClock())))
        store.writer.do(lambda conn: _plan(conn, known))
        pids = [stack.enter_context(home.running(home.serve("ingest,judge,alert,board")))]
        pids.append(stack.enter_context(home.beside("history")))
        began = time.monotonic()
        start_ms = store.clock.wall_ms()
        heard = stack.enter_context(_returning(folder, known, home.port, hours))
        wait_until(
            lambda: bool(heard.done), what="receipts of the whole backlog", within_s=GIVE_UP * RECEIPTED_S * share + 60,
            every_s=0.5,
        )  # fmt: skip
        last = _last(store)
        taken = _caught_up(store, last, start_ms, began, within_s=GIVE_UP * READ_S * share + 120, days=not report.quick)
        spent = sum(map(cpu_s, pids))
    _tell(report, hours, heard, taken, spent)


def _tell(report: Report, hours: float, heard: Heard, taken: dict[str, float], spent: float) -> None:
    share, batches = hours / HOURS, int(heard.done["batches"])
    how = f"{CENTRES} agents, {hours:g} h, {batches:,} batches of the first plan with services, SQLite, history apart"
    received = heard.done["backlog_s"]
    report.judge(
        f"backlog, {CENTRES} centres × {hours:g} h: receipted", f"≤ {RECEIPTED_S * share:.0f} s",
        f"{received:.0f} s ({batches / received:,.0f} batches/s, {heard.done['refused']:.0f} requests refused)",
        holds=received <= RECEIPTED_S * share, how=how,
    )  # fmt: skip
    last = max(taken.values())
    said = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in taken.items())
    report.judge(
        f"backlog, {CENTRES} centres × {hours:g} h: all readers caught up", f"≤ {READ_S * share:.0f} s", said,
        holds=last <= READ_S * share, how=f"{how}; {spent:.0f} s of processor",
    )  # fmt: skip
    live_s = [ms / 1000 for ms in heard.live_ms]
    report.judge(
        "backlog: a live batch meanwhile, cut to receipt", f"< {LIVE_S:.0f} s",
        f"{max(live_s):.1f} s at worst, p95 {percentile(live_s, 0.95):.2f} s ({len(live_s)} batches)",
        holds=max(live_s) < LIVE_S, how="one a minute of every agent, by turns with its backlog",
    )  # fmt: skip
    report.keep({"processor_s": round(spent, 1), **{f"{name}_s": round(s, 1) for name, s in taken.items()}})


# --- the agents -----------------------------------------------------------------------------------------------------


@contextmanager
def _returning(folder: Path, known: list[Enrolled], port: int, hours: float) -> Iterator[Heard]:
    listed, log, heard = folder / "agents.json", folder / "agents.log", Heard()
    listed.write_bytes(msgspec.json.encode(known))
    command = [sys.executable, "-m", "bench.returning", str(listed), str(port), str(hours)]
    with log.open("wb") as sink:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=sink, cwd=ROOT)
    assert process.stdout is not None
    lines = process.stdout

    def listen() -> None:
        for line in lines:
            said = msgspec.json.decode(line, type=dict[str, float])
            if "live_ms" in said:
                heard.live_ms.append(said["live_ms"])
            else:
                heard.done = said

    listener = Thread(target=listen, name="listener")
    listener.start()
    try:
        yield heard
        must_live("the agents", process, log)
    finally:
        stop(process)
        listener.join()


def _plan(conn: Connection, known: list[Enrolled]) -> None:
    """The one plan they ever had: another before it would tell how often the past was measured."""
    conn.execute(delete(plan))
    for one in known:
        plans.put(conn, one.agent, items(one), SystemClock().wall_ms())
        own = [one.device, f"agent:{one.agent}", f"lan:{one.centre}", f"line:{one.centre}/a", f"centre:{one.centre}"]
        rows = [
            {"key": key, "kind": key.partition(":")[0], "centre": one.centre, "label": "", "agent": one.agent,
             "created_ms": 0}
            for key in (*own, *(f"service:{name}@{one.centre}" for name in SERVICES))
        ]  # fmt: skip
        conn.execute(insert(subject), rows)


# --- the readers ----------------------------------------------------------------------------------------------------


def _last(store: Store) -> int:
    with store.reading() as conn:
        return conn.scalar(select(func.max(inbox.c.seq))) or 0


def _caught_up(
    store: Store, last: int, start_ms: int, began: float, *, within_s: float, days: bool
) -> dict[str, float]:
    """Seconds until each reader has taken the backlog whole. Raises BenchError."""
    taken: dict[str, float] = {}
    while len(taken) < 3:
        now = time.monotonic() - began
        if now > within_s:
            raise BenchError(f"after {now:.0f} s only these have read it all: {taken}; {_where(store, last)}")
        with store.reading() as conn:
            judged = conn.scalar(select(cursor.c.seq).where(cursor.c.name == "judge")) or 0
        with store.reading_ts() as conn:
            kept = conn.scalar(select(ts_cursor.c.seq).where(ts_cursor.c.name == "history")) or 0
            left = conn.scalar(_marks(start_ms, days=days)) or 0
        done = {"judge": judged >= last, "history": kept >= last, "rollups": kept >= last and not left}
        taken |= {name: now for name in done if done[name] and name not in taken}
        time.sleep(0.5)
    return taken


def _marks(start_ms: int, *, days: bool) -> Select[int]:
    """Marks of hours (and days) that were over when the agents came back."""
    over = dirty.c.start_ms + dirty.c.width_s * 1000 <= start_ms
    query = select(func.count()).select_from(dirty).where(over)
    return query if days else query.where(dirty.c.width_s == HOUR_MS // 1000)


def _where(store: Store, last: int) -> str:
    with store.reading() as conn:
        judged = conn.scalar(select(cursor.c.seq).where(cursor.c.name == "judge"))
    with store.reading_ts() as conn:
        kept = conn.scalar(select(ts_cursor.c.seq).where(ts_cursor.c.name == "history"))
        marks = conn.scalar(select(func.count()).select_from(dirty))
    return f"of {last} rows judge {judged}, history {kept}, {marks} marks"


if __name__ == "__main__":
    main("backlog", run, __doc__)
