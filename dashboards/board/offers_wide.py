"""The tables of shared systems, each made of what the reader knows, not of what a page has room for."""

from __future__ import annotations

from typing import Final

from collector.api import PHASES, NotFound, Reader
from dashboards.board.centre import CentrePage
from dashboards.board.system import ordered
from dashboards.board.systems import Row, SystemsPage
from dashboards.board.tables import Cell, Column, Table
from dashboards.board.waterfall import Fall
from dashboards.board.words import Words

_FALL: Final = (*(Column(f"{phase}_s", "number") for phase in PHASES), Column("total_s", "number"))
_SYSTEMS: Final = (
    Column("system"), Column("name"), Column("state", "state"), Column("reason", "reason"), Column("why"),
    Column("since", "time"), *(Column(f"centres_{state}", "number") for state in ("ok", "degraded", "down", "unknown")),
    Column("from_province", "state"), *_FALL, Column("province_total_s", "number"), Column("slow_s", "number"),
    Column("owner"), Column("scope"), Column("on"),
)  # fmt: skip
_PLACES: Final = (
    Column("centre"), Column("name"), Column("area"), Column("state", "state"), Column("reason", "reason"),
    Column("since", "time"), *_FALL, Column("at", "time"),
)  # fmt: skip
_HERE: Final = (
    Column("system"), Column("name"), Column("state", "state"), Column("reason", "reason"), Column("elsewhere"),
    Column("since", "time"), *_FALL, Column("at", "time"),
)  # fmt: skip


def systems(page: SystemsPage) -> Table:
    """Every system, those that are switched off too; phases are medians over centres."""
    rows = [_system(row) for row in page.rows]
    blank: tuple[Cell, ...] = (None,) * (len(_SYSTEMS) - 6)
    for quiet in page.quiet:
        info = quiet.info
        rows.append((info.id, quiet.name, *blank, info.slow_s, info.owner, info.scope, False))
    return Table("systems", _SYSTEMS, rows, page.as_of_ms)


def _system(row: Row) -> tuple[Cell, ...]:
    held, counts, info = row.view.shared, row.view.counts, row.info
    stands = (held.reason, row.sentence, held.since_ms) if held else (None, row.sentence, None)
    seen = (counts.get(state, 0) for state in ("ok", "degraded", "down", "unknown"))
    at_room = None if row.room_standing is None else row.room_standing.state
    total = None if row.room is None else row.room.total_s
    return (
        info.id, row.name, row.state, *stands, *seen, at_room, *_fall(row.centres), total, info.slow_s, info.owner,
        info.scope, info.on,
    )  # fmt: skip


def _fall(fall: Fall | None) -> tuple[Cell, ...]:
    if fall is None:
        return (None,) * len(_FALL)
    return (*(fall.seconds.get(phase) for phase in PHASES), fall.total_s)


def seen_here(page: CentrePage) -> Table:
    """The shared systems as one centre sees them."""
    rows: list[tuple[Cell, ...]] = []
    for row in page.systems:
        held, fall = row.standing, row.fall
        stands = (held.state, held.reason, row.elsewhere, held.since_ms) if held else (None, None, row.elsewhere, None)
        rows.append((row.system, row.name, *stands, *_fall(fall), None if fall is None else fall.at_ms))
    return Table("systems", _HERE, rows, page.as_of_ms)


def places(reader: Reader, system: str, words: Words) -> Table:
    """All centres that measure one system, with the phases of as many as the reader tells. Raises NotFound."""
    seen = reader.system_standings(system)
    if not seen and all(info.id != system for info in reader.systems()):
        raise NotFound(system)
    listed = ordered(reader, seen, words)
    keys = [row.standing.subject for row in listed]
    answers, newest = reader.phase_times(keys), reader.newest(keys)
    rows: list[tuple[Cell, ...]] = []
    for row in listed:
        held, times = row.standing, answers.get(row.standing.subject)
        fall = None if times is None else Fall(times.seconds, times.total_s, times.at_ms, 1)
        stands = (held.state, held.reason, held.since_ms)
        rows.append((row.place, row.name, row.area, *stands, *_fall(fall), newest.get(held.subject)))
    return Table("places", _PLACES, rows, max(newest.values(), default=None))
