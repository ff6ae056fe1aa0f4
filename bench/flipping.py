"""3,321 centres flip at once: how long from the COMMIT of the flips to the COMMIT of the last incident and message.

One loop of the incidents, as the collector runs it, over a province with an inventory, on a clock that stands where it
is put. Once every carrier's area loses its line at each centre: one incident a carrier's area. Once something breaks at
every centre for itself: an incident each. What the judge takes before is measured by `bench.judged`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, delete, func, insert, select

from alerts.correlate import correlate
from alerts.desk import Desk
from alerts.incidents.loop import Incidents
from alerts.tables import incident, outbox
from bench import blow
from bench.blow import CENTRES, Took, clock_of, timed, until_idle
from bench.frame import Report, main
from bench.home import Enrolled
from collector import floor
from collector.api import Actor
from collector.hub import Hub
from collector.inventory import importing
from collector.judging.versions import keep_file
from collector.store.tables import flip

GROUPS: Final = 33
"""Areas of a carrier, about a hundred centres in each."""

HOUR_MS: Final = 3_600_000
_Row = dict[str, str | int | None]
_Counts = tuple[int, int]
"""Incidents that live, and messages."""


def run(report: Report) -> None:
    blow.on_both(report, "flipping", lambda folder, database, name: _on(report, folder, database, name))


def _on(report: Report, folder: Path, database: str, name: str) -> None:
    with blow.country(folder, database) as (hub, known):
        _import(hub, folder / "province", known)
        _calm(hub, known)
        desk = Desk(hub.store, floor.reader(hub), floor.commands(hub), hub.clock, hub.wake, folder)
        loop = Incidents(desk, correlate)
        until_idle(loop.step)
        turns = range(1 if report.quick else 3)
        for what, kind, causes in (("carriers' areas", "a", GROUPS), ("a machine at every centre", "", CENTRES)):
            runs = [_blow(hub, loop, known, kind) for _ in turns]
            _tell(report, f"{name}: {what}", f"{hub.store.dialect}_{kind or 'each'}", causes, runs)


def _tell(report: Report, what: str, key: str, causes: int, runs: Sequence[tuple[Took, _Counts]]) -> None:
    said = f"incidents, {CENTRES:,} centres at once, {what}"
    blow.tell(
        report, said, key, [took for took, _ in runs], until="from the flips to the last incident",
        how="correlated, reconciled, written with their messages; add what bench.judged says of judging",
    )  # fmt: skip
    found = {incidents for _, (incidents, _) in runs}
    report.keep({f"{key}_messages": runs[0][1][1]})
    report.judge(
        f"{said}: one incident a cause", f"{causes:,}", ", ".join(f"{count:,}" for count in sorted(found)),
        holds=found == {causes}, how="incidents that live then",
    )  # fmt: skip


def _blow(hub: Hub, loop: Incidents, known: Sequence[Enrolled], kind: str) -> tuple[Took, _Counts]:
    """Everything of a kind falls, is told, and comes back; only the fall is measured."""
    clock = clock_of(hub)
    keys = [f"line:{one.centre}/{kind}" if kind else one.device for one in known]

    def fall() -> None:
        until_idle(loop.step)
        clock.wall += 21_000  # what waits for its grace is told by a second look; both count, the waiting does not
        until_idle(loop.step)

    clock.wall += 35_000
    _flip(hub, keys, "down", clock.wall - 32_000)
    took = timed(hub, fall)
    with hub.store.reading() as conn:
        living = conn.scalar(select(func.count()).select_from(incident).where(incident.c.closed_ms.is_(None))) or 0
        messages = conn.scalar(select(func.count()).select_from(outbox)) or 0
    _flip(hub, keys, "ok", clock.wall)
    clock.wall += 2 * 24 * HOUR_MS  # what returned within a day would be the same incident
    until_idle(loop.step)
    return took, (living, messages)


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
