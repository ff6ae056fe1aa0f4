"""How full a line is: its passive counters, and the value that 95 % of them stay under in seven days (TT 06/2026 Đ5.6).

Each direction for itself. A share is told only with its coverage: half a week says little about a week.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from collector.api import Point, Reader, StoredObservation
from dashboards.board.figures import values

WEEK_MS: Final = 7 * 86_400_000
SAMPLE_MS: Final = 300_000
SAMPLES: Final = WEEK_MS // SAMPLE_MS
METRICS: Final = ("motcua_line_receive_bps", "motcua_line_transmit_bps")
_P: Final = "motcua_line_port_"


@dataclass(frozen=True, slots=True)
class Use:
    """bit/s that 95 % of a week's 5-minute samples stay under, towards the centre and from it, and how many there are.

    None: nothing was counted in that week.
    """

    receive_p95: float | None = None
    transmit_p95: float | None = None
    samples: int = 0

    @property
    def coverage(self) -> float:
        return min(1.0, self.samples / SAMPLES)

    @property
    def most(self) -> float | None:
        """The fuller direction."""
        return max((held for held in (self.receive_p95, self.transmit_p95) if held is not None), default=None)


@dataclass(frozen=True, slots=True)
class Port:
    """The line's port as its counters say; None where they do not."""

    speed_bps: float | None
    full_duplex: bool | None
    up: bool | None
    at_ms: int


def use_of(reader: Reader, line: str, now_ms: int) -> Use:
    """A week of the line's use up to now, at the resolution that the rule asks for."""
    found = {s.metric: s.points for s in reader.history(line, list(METRICS), now_ms - WEEK_MS, now_ms, SAMPLES)}
    receive, transmit = (found.get(metric, ()) for metric in METRICS)
    return Use(p95(receive), p95(transmit), max(len(receive), len(transmit)))


def p95(points: Sequence[Point]) -> float | None:
    """The smallest value that at least 95 % of the samples do not exceed."""
    held = sorted(point.avg for point in points)
    return held[math.ceil(0.95 * len(held)) - 1] if held else None


def port_of(stored: StoredObservation) -> Port | None:
    """Speed, duplex and carrier of the port; None where the run read none of them."""
    found = values(stored)
    speed, duplex, up = (found.get((f"{_P}{name}", "")) for name in ("bps", "duplex_ratio", "up_ratio"))
    if speed is None and duplex is None and up is None:
        return None
    return Port(speed, None if duplex is None else duplex == 1, None if up is None else up == 1, stored.at_ms)
