"""How far back a chart looks: the last 24 hours by the half-hour, or whole local days up to a year."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from dashboards.board.strips import CELL_MS, window

DAY_MS: Final = 86_400_000
ZONE_MS: Final = 7 * 3_600_000  # Vietnam, without summer time since 1975
DAYS: Final[Mapping[str, int]] = {"24h": 1, "7d": 7, "30d": 30, "90d": 90, "365d": 365}
FIRST: Final = "24h"


@dataclass(frozen=True, slots=True)
class Span:
    """[from_ms, to_ms). The rows of its table, and the columns of its strips, are `cell_ms` wide."""

    name: str
    from_ms: int
    to_ms: int
    cell_ms: int

    @property
    def daily(self) -> bool:
        return self.cell_ms == DAY_MS


def span_of(query: Mapping[str, str], now_ms: int) -> Span:
    """What `?range=` asks for, ending now; what is none of `DAYS` is the first."""
    name = query.get("range", FIRST)
    days = DAYS.get(name, 1)
    if days == 1:
        return Span(FIRST, window(now_ms)[0], now_ms, CELL_MS)
    today = (now_ms + ZONE_MS) // DAY_MS * DAY_MS - ZONE_MS
    return Span(name, today - (days - 1) * DAY_MS, now_ms, DAY_MS)
