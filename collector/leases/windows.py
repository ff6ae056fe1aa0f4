"""When a line may be tested by itself: within opening hours outside the rush, or outside opening hours. Pure.

Spans are pairs of UTC milliseconds, from and to before, in order and apart.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

Span = tuple[int, int]

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 86_400_000
BEFORE_HOUR_MS: Final = 60_000
AFTER_HOUR_MS: Final = 180_000
"""Everything that has a timetable of its own starts at full hours (backups, updates, other people's tests)."""


@dataclass(frozen=True, slots=True)
class Windows:
    """Both kinds of time that a slot may lie in."""

    working: Sequence[Span]
    quiet: Sequence[Span]


def windows(opening: Iterable[Span], rush_ms: int, within: Span) -> Windows:
    """`opening`: the hours of a centre on every day that `within` touches."""
    hours = [span for span in opening if span[0] < within[1] and span[1] > within[0]]
    calm = [(start + rush_ms, end) for start, end in hours if start + rush_ms < end]
    return Windows(clip(calm, within), without([within], hours))


def clip(spans: Iterable[Span], within: Span) -> list[Span]:
    """What of the spans lies within."""
    cut = [(max(a, within[0]), min(b, within[1])) for a, b in spans]
    return [(a, b) for a, b in cut if a < b]


def without(spans: Iterable[Span], holes: Sequence[Span]) -> list[Span]:
    """The spans with the holes cut out of them; holes are in order."""
    left: list[Span] = []
    for start, end in spans:
        at = start
        for hole_start, hole_end in holes:
            if hole_end > at and hole_start < end:
                if hole_start > at:
                    left.append((at, hole_start))
                at = hole_end
        if at < end:
            left.append((at, end))
    return left


def starts(spans: Iterable[Span], slot_ms: int) -> list[Span]:
    """Where slots of this length may begin so as to end in time, away from full hours."""
    room = [(a, b - slot_ms + 1) for a, b in spans if b - a >= slot_ms]
    if not room:
        return []
    first, last = room[0][0] // HOUR_MS, room[-1][1] // HOUR_MS + 1
    hours = [(h * HOUR_MS - BEFORE_HOUR_MS, h * HOUR_MS + AFTER_HOUR_MS) for h in range(first, last + 1)]
    return without(room, hours)


class Lots:
    """Instants drawn by lot, each as likely as any other; the same seed draws the same."""

    def __init__(self, spans: Sequence[Span], chance: random.Random) -> None:
        self._spans, self._chance = spans, chance
        self._ends = list(accumulate(b - a for a, b in spans))

    def draw(self) -> int:
        """Raises IndexError where there is no span."""
        at = self._chance.randrange(self._ends[-1])
        n = bisect_right(self._ends, at)
        return self._spans[n][1] - (self._ends[n] - at)
