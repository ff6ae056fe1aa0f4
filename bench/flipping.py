"""3,321 centres flip at once: how long from the COMMIT of the flips to the COMMIT of the last incident and message.

One loop of the incidents, as the collector runs it, over a province with an inventory, on a clock that stands where it
is put. Once every carrier's area loses its line at each centre: one incident a carrier's area. Once something breaks at
every centre for itself: an incident each. What the judge takes before is measured by `bench.judged`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, delete, func, insert, select

from alerts.correlate import correlate
from alerts.desk import Desk
from alerts.incidents.loop import Incidents
from alerts.tables import incident, outbox
from bench.country import populate
from bench.frame import Report, main, spread
from bench.home import Enrolled, Home
from bench.place import scratch
from bench.postgres import cluster, programs
from bench.standing import Standing
from collector import floor
from collector.api import Actor
from collector.hub import Hub
from collector.inventory import importing
from collector.judging.versions import keep_file
from collector.store.databases import open_store
from collector.store.tables import flip
from wire.clock import SystemClock

CENTRES: Final = 3_321
GROUPS: Final = 33
"""Areas of a carrier, about a hundred centres in each."""

TOLD_S: Final = 1.0
JOB_MS: Final = 20.0
MINUTE_MS, HOUR_MS = 60_000, 3_600_000
_Row = dict[str, str | int | None]


@dataclass(frozen=True, slots=True)
class Took:
    """One blow: seconds and CPU to the last COMMIT, the longest job of the writer, incidents that live then."""

    seconds: float
    cpu_s: float
    job_ms: float
    incidents: int
    messages: int


def run(report: Report) -> None:
    with ExitStack() as stack:
        folder = stack.enter_context(scratch("flipping"))
        _on(report, folder / "sqlite", "", "SQLite")
        if programs() is None:
            report.judge("incidents, PostgreSQL", "", "PostgreSQL is not installed", holds=None, how="")
            return
        server = stack.enter_context(cluster(folder / "pg"))
        _on(report, folder / "postgresql", server.database("flipping"), f"PostgreSQL {server.version}")


def _on(report: Report, folder: Path, database: str, name: str) -> None:
    home = Home(folder, database)
    folder.mkdir()
    known = populate(home, CENTRES)
    clock = Standing(SystemClock().wall_ms())
    with closing(open_store(home.settings.store, clock)) as store:
        hub = Hub(store, clock, home.settings)
        _import(hub, folder / "province", known)
        _calm(hub, known)
        desk = Desk(store, floor.reader(hub), floor.commands(hub), clock, hub.wake, folder)
        loop = Incidents(desk, correlate)
        _until_idle(loop)
        turns = range(1 if report.quick else 3)
        for what, kind, causes in (("carriers' areas", "a", GROUPS), ("a machine at every centre", "", CENTRES)):
            _tell(report, f"{name}: {what}", f"{store.dialect}_{kind or 'each'}", causes, [
                _blow(hub, loop, known, kind) for _ in turns
            ])  # fmt: skip


def _tell(report: Report, what: str, key: str, causes: int, runs: Sequence[Took]) -> None:
    seconds, jobs = spread([one.seconds for one in runs]), max(one.job_ms for one in runs)
    report.keep(
        {f"{key}_cpu_s": round(spread([one.cpu_s for one in runs]).median, 2), f"{key}_messages": runs[0].messages}
    )
    report.judge(
        f"incidents, {CENTRES:,} centres at once, {what}: from the flips to the last incident", f"≤ {TOLD_S:.0f} s",
        seconds.text(" s", 2), holds=seconds.median <= TOLD_S,
        how="correlated, reconciled, written with their messages; add what bench.judged says of judging",
    )  # fmt: skip
    found = {one.incidents for one in runs}
    report.judge(
        f"incidents, {CENTRES:,} centres at once, {what}: one incident a cause", f"{causes:,}",
        ", ".join(f"{count:,}" for count in sorted(found)), holds=found == {causes}, how="incidents that live then",
    )  # fmt: skip
    report.judge(
        f"incidents, {CENTRES:,} centres at once, {what}: a job of the writer", f"≤ {JOB_MS:.0f} ms",
        f"{jobs:.1f} ms at the longest", holds=jobs <= JOB_MS, how="BEGIN to COMMIT",
    )  # fmt: skip


def _blow(hub: Hub, loop: Incidents, known: Sequence[Enrolled], kind: str) -> Took:
    """Everything of a kind falls, is told, and comes back; only the fall is measured."""
    clock = hub.clock
    assert isinstance(clock, Standing)
    keys = [f"line:{one.centre}/{kind}" if kind else one.device for one in known]
    clock.wall += 35_000
    _flip(hub, keys, "down", clock.wall - 32_000)
    hub.store.writer.commit_s.clear()
    began, spent = time.perf_counter(), time.process_time()
    _until_idle(loop)
    clock.wall += 21_000  # what waits for its grace is told by a second look; both count, the waiting does not
    _until_idle(loop)
    took, cpu_s = time.perf_counter() - began, time.process_time() - spent
    longest = 1000 * max(hub.store.writer.commit_s)
    with hub.store.reading() as conn:
        living = conn.scalar(select(func.count()).select_from(incident).where(incident.c.closed_ms.is_(None))) or 0
        messages = conn.scalar(select(func.count()).select_from(outbox)) or 0
    _flip(hub, keys, "ok", clock.wall)
    clock.wall += 2 * 24 * HOUR_MS  # what returned within a day would be the same incident
    _until_idle(loop)
    return Took(took, cpu_s, longest, living, messages)


def _until_idle(loop: Incidents) -> None:
    while loop.step() == 0.0:
        pass


# --- the province ---------------------------------------------------------------------------------------------------


def _import(hub: Hub, folder: Path, known: Sequence[Enrolled]) -> None:
    """Areas, and two lines a centre of two carriers."""
    folder.mkdir()
    centres = [f"{one.centre},Xã {n},area-{n % GROUPS}" for n, one in enumerate(known)]
    lines = [
        f"{one.centre}/{letter},internet,{carrier},{carrier}-{n % GROUPS},{reach}"
        for n, one in enumerate(known)
        for letter, carrier, reach in (("a", "vnpt", "default"), ("b", "viettel", "pinned:192.0.2.1"))
    ]
    (folder / "centres.csv").write_text("\n".join(["key,name_vi,area", *centres, ""]), "utf-8")
    (folder / "lines.csv").write_text("\n".join(["key,kind,carrier,uplink_group,reach_by", *lines, ""]), "utf-8")
    actor = Actor("bench", "system")
    importing.carry_out(hub, actor, importing.prepare(hub, folder, _quiet), _quiet)


def _quiet(_stage: str, _done: int, _total: int) -> None:
    """No bar."""


def _calm(hub: Hub, known: Sequence[Enrolled]) -> None:
    """All is well since a day."""
    then = hub.clock.wall_ms() - 24 * HOUR_MS
    keys = [
        key
        for one in known
        for key in (
            f"lan:{one.centre}",
            f"line:{one.centre}/a",
            f"line:{one.centre}/b",
            one.device,
            f"agent:{one.agent}",
        )
    ]

    def job(conn: Connection) -> None:
        conn.execute(delete(flip))
        keep_file(conn, hub.settings.home, then)

    hub.store.writer.do(job)
    _flip(hub, keys, "ok", then)


def _flip(hub: Hub, keys: Sequence[str], state: str, at_ms: int) -> None:
    now = hub.clock.wall_ms()
    rows: list[_Row] = [
        {
            "subject": key, "at_ms": at_ms, "from_state": "down" if state == "ok" else "ok", "to_state": state,
            "reason": None if state == "ok" else "no_answer", "detail": "{}", "policy_version": 1, "evidence": "[]",
            "recorded_ms": now, "supersedes": None,
        }
        for key in keys
    ]  # fmt: skip
    hub.store.writer.do(lambda conn: conn.execute(insert(flip), rows))


if __name__ == "__main__":
    main("flipping", run, __doc__)
