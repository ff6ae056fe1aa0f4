"""Roll-ups' loop: hours and days that were marked are computed from raw, what came later is folded in, what is too old
goes.

Everything is read and computed outside of the writer; a job takes marks and writes their rows, so that none is long.
A row is a function of the samples alone: computed twice it is the same, and a kill leaves the mark for the next step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from sqlalchemy import Connection, func, select

from collector.history import quantiles
from collector.history.buckets import DAY_MS, HOUR_MS, QUARTER_MS, Sums, merged, summed
from collector.history.lasting import Lasting
from collector.history.late import Late
from collector.history.marks import Mark, due, mark_days, take
from collector.history.pruning import Pruning
from collector.history.retention import Sweep
from collector.history.writing import PUT, PUT_DAY, PUT_SKETCH, day_row, row
from collector.hub import Hub
from collector.loops import Loop
from collector.store.rolled import hour, quarter
from collector.store.tables import raw

NAME: Final = "rollups"
IDLE_S: Final = 5.0
HOURS: Final = 250
HOURS_A_JOB: Final = 25
DAYS: Final = 24
POINTS_A_STEP: Final = 60_000


@dataclass(frozen=True, slots=True)
class _Day:
    sums: Sums
    quantiles: tuple[float, float, float]
    sketch: bytes


class Rollups:
    """`step()` does a bite of everything there is to do."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._bites = [self._hours, self._days, Late(hub).bite, Sweep(hub).bite]
        self._bites += [Lasting(hub).bite, Pruning(hub).bite]

    def loop(self) -> Loop:
        return Loop(NAME, "history", self.step, single=True)

    def step(self) -> float:
        more = [self._bitten(bite) for bite in self._bites]
        return 0.0 if any(more) else IDLE_S

    def _bitten(self, bite: Callable[[], bool]) -> bool:
        self._hub.courtesy.after_you()
        return bite()

    def _hours(self) -> bool:
        now_ms = self._hub.clock.wall_ms()
        with self._hub.store.reading_ts() as conn:
            marks = due(conn, HOUR_MS, now_ms, HOURS)
            sums = _read_quarters(conn, marks)
        for n in range(0, len(marks), HOURS_A_JOB):
            part = marks[n : n + HOURS_A_JOB]
            self._hub.store.ts_writer.do(partial(_put_hours, marks=part, sums=sums, now_ms=now_ms))
        return len(marks) == HOURS

    def _days(self) -> bool:
        with self._hub.store.reading_ts() as conn:
            marks = due(conn, DAY_MS, self._hub.clock.wall_ms(), DAYS)
            days = _read_days(conn, marks)
        if days:
            done = [mark for mark in marks if mark in days]
            self._hub.store.ts_writer.do(partial(_put_days, marks=done, days=days))
        return len(marks) == DAYS or len(days) < len(marks)


# --- hours, with their quarters -------------------------------------------------------------------------------------


def _read_quarters(conn: Connection, marks: Sequence[Mark]) -> dict[Mark, dict[int, Sums]]:
    """The quarters of each marked hour that hold samples."""
    by_start: dict[int, dict[int, Mark]] = {}
    for mark in marks:
        by_start.setdefault(mark.start_ms, {})[mark.sid] = mark
    found: dict[Mark, dict[int, Sums]] = {mark: {} for mark in marks}
    number, value = (raw.c.at_ms // QUARTER_MS).label("number"), raw.c.value
    for start, mine in by_start.items():
        query = (
            select(raw.c.sid, number, func.count(), func.sum(value), func.min(value), func.max(value))
            .where(raw.c.sid.in_(mine), raw.c.at_ms >= start, raw.c.at_ms < start + HOUR_MS)
            .group_by(raw.c.sid, number)
        )
        for sid, n, count, total, low, high in conn.execute(query):
            found[mine[sid]][n * QUARTER_MS] = Sums(count, total, low, high)
    return found


def _put_hours(
    conn: Connection, *, marks: Sequence[Mark], sums: Mapping[Mark, Mapping[int, Sums]], now_ms: int
) -> None:
    mine = [mark for mark in take(conn, HOUR_MS, marks) if sums[mark]]
    if mine:
        conn.execute(PUT[quarter.name], [row(m.sid, start, one) for m in mine for start, one in sums[m].items()])
        conn.execute(PUT[hour.name], [row(m.sid, m.start_ms, merged(sums[m].values())) for m in mine])
        mark_days(conn, mine, now_ms)


# --- days, with their quantiles -------------------------------------------------------------------------------------


def _read_days(conn: Connection, marks: Sequence[Mark]) -> dict[Mark, _Day | None]:
    """The first of the marked days, as many as a step may hold; None for one without a sample."""
    found: dict[Mark, _Day | None] = {}
    points = 0
    for mark in marks:
        if points >= POINTS_A_STEP:
            break
        inside = (raw.c.sid == mark.sid) & (raw.c.at_ms >= mark.start_ms) & (raw.c.at_ms < mark.start_ms + DAY_MS)
        values = sorted(conn.scalars(select(raw.c.value).where(inside)))
        points += len(values)
        found[mark] = _rolled(values) if values else None
    return found


def _rolled(ordered: Sequence[float]) -> _Day:
    return _Day(summed(ordered), quantiles.exact(ordered), quantiles.encoded(quantiles.sketch_of(ordered)))


def _put_days(conn: Connection, *, marks: Sequence[Mark], days: Mapping[Mark, _Day | None]) -> None:
    mine = [(mark, one) for mark in take(conn, DAY_MS, marks) if (one := days[mark]) is not None]
    if mine:
        conn.execute(PUT_DAY, [day_row(m.sid, m.start_ms, one.sums, one.quantiles, exact=True) for m, one in mine])
        conn.execute(PUT_SKETCH, [{"sid": m.sid, "start_ms": m.start_ms, "body": one.sketch} for m, one in mine])
