"""Buckets of time and what a bucket says: pure. They are counted from local midnight, where a day begins."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from sqlalchemy import Table

from collector.store import rolled

QUARTER_MS: Final = 900_000
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 86_400_000
ZONE_MS: Final = 7 * HOUR_MS
"""Asia/Ho_Chi_Minh is seven hours ahead all year round and has been since 1975: no table of time zones is asked."""

SMALL: Final = 150
"""Centres up to which more is kept for longer."""


@dataclass(frozen=True, slots=True)
class Tier:
    """A width of roll-up, its table, and how long it stays in a small and in a large province; None: for ever."""

    table: Table
    width_ms: int
    small_days: int | None
    large_days: int | None

    def edge_ms(self, now_ms: int, centres: int) -> int:
        """Buckets that start from here on are there."""
        days = self.small_days if centres <= SMALL else self.large_days
        return 0 if days is None else start_of(now_ms - days * DAY_MS, DAY_MS)


QUARTER: Final = Tier(rolled.quarter, QUARTER_MS, 35, 10)
HOUR: Final = Tier(rolled.hour, HOUR_MS, 400, 100)
DAY: Final = Tier(rolled.day, DAY_MS, None, None)
TIERS: Final = (QUARTER, HOUR, DAY)


@dataclass(frozen=True, slots=True)
class Sums:
    """What is kept of the samples of a bucket, of which there is at least one."""

    n: int
    total: float
    low: float
    high: float


def start_of(at_ms: int, width_ms: int) -> int:
    """Where the bucket of an instant begins."""
    return (at_ms + ZONE_MS) // width_ms * width_ms - ZONE_MS


def summed(values: Sequence[float]) -> Sums:
    """The sums of samples, in whatever order: `fsum` rounds once. Raises ValueError where there are none."""
    return Sums(len(values), math.fsum(values), min(values), max(values))


def merged(some: Iterable[Sums]) -> Sums:
    """The sums of several buckets as one. Raises ValueError where there are none."""
    every = list(some)
    return Sums(
        sum(s.n for s in every), math.fsum(s.total for s in every), min(s.low for s in every),
        max(s.high for s in every),
    )  # fmt: skip


def day_text(start_ms: int) -> str:
    """The local day that begins at `start_ms`, as 2026-11-21."""
    return (datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=start_ms + ZONE_MS)).date().isoformat()


def day_start(text: str) -> int:
    """Where a local day begins. Raises ValueError for what is not a day as `day_text` writes it."""
    return (date.fromisoformat(text) - date(1970, 1, 1)).days * DAY_MS - ZONE_MS
