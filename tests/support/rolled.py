"""Samples sent through the inbox and rolled up; and what their roll-ups must be, computed from all of them at once."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Table, select

from collector.history.keeping import History
from collector.history.quantiles import exact
from collector.history.rollups import Rollups
from collector.hub import Hub
from collector.store import rolled, tables
from tests.support.handclock import HandClock
from tests.support.measured import DEVICE, T0, report
from tests.support.town import Town

CPU: Final = "motcua_device_cpu_ratio"
ZONE_MS: Final = 7 * 3_600_000
WIDTHS: Final[Mapping[str, int]] = {"quarter": 900_000, "hour": 3_600_000, "day": 86_400_000}

Sample = tuple[int, float]
"""Milliseconds after T0, value."""

Rows = dict[str, dict[int, tuple[float, ...]]]
"""Table → start → n, total, low, high."""


@dataclass(slots=True)
class Mill:
    """A hub whose loops are turned by hand."""

    hub: Hub
    town: Town
    clock: HandClock

    def send(self, samples: Iterable[Sample], subject: str = DEVICE) -> None:
        """One batch with these samples of one metric, received now."""
        facts = [report(at / 1000, (CPU, "", value), subject=subject) for at, value in samples]
        if facts:
            self.town.send(facts, received_ms=self.hub.clock.wall_ms())

    def turn(self) -> None:
        """Both loops, made anew as after a restart, until there is nothing to do."""
        for loop in (History(self.hub), Rollups(self.hub)):
            for _ in range(500):
                if loop.step() > 0:
                    break
            else:
                raise AssertionError("a loop never comes to an end")

    def rest(self) -> None:
        """Time enough for every mark to settle, hours first and then their days."""
        for _ in range(3):
            self.clock.forward(3_600_000)
            self.turn()

    def rows(self, subject: str = DEVICE) -> Rows:
        return {name: self._rows(table, subject) for name, table in TABLES.items()}

    def _rows(self, table: Table, subject: str) -> dict[int, tuple[float, ...]]:
        t = table.c
        query = select(t.start_ms, t.n, t.total, t.low, t.high)
        mine = query.join(tables.serie, tables.serie.c.sid == t.sid).where(tables.serie.c.subject == subject)
        with self.hub.store.reading_ts() as conn:
            return {start: tuple(sums) for start, *sums in conn.execute(mine)}

    def quantiles(self, subject: str = DEVICE) -> dict[int, tuple[tuple[float, float, float], bool]]:
        d = rolled.day.c
        query = select(d.start_ms, d.p50, d.p95, d.p99, d.exact)
        mine = query.join(tables.serie, tables.serie.c.sid == d.sid).where(tables.serie.c.subject == subject)
        with self.hub.store.reading_ts() as conn:
            return {r.start_ms: ((r.p50, r.p95, r.p99), bool(r.exact)) for r in conn.execute(mine)}


TABLES: Final[Mapping[str, Table]] = {"quarter": rolled.quarter, "hour": rolled.hour, "day": rolled.day}


def buckets(samples: Iterable[Sample], width: int) -> dict[int, list[float]]:
    """Values by the start of their bucket, counted from local midnight."""
    found: dict[int, list[float]] = {}
    for at, value in samples:
        start = (T0 + at + ZONE_MS) // width * width - ZONE_MS
        found.setdefault(start, []).append(value)
    return found


def at_once(samples: Iterable[Sample]) -> Rows:
    """What the tables must hold."""
    every = list(samples)
    return {
        name: {
            start: (len(values), math.fsum(values), min(values), max(values))
            for start, values in buckets(every, width).items()
        }
        for name, width in WIDTHS.items()
    }


def exact_days(samples: Iterable[Sample]) -> dict[int, tuple[float, float, float]]:
    return {start: exact(sorted(values)) for start, values in buckets(samples, WIDTHS["day"]).items()}
