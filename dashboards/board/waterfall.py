"""Phases on one time axis: each begins where the one before it ended. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from collector.api import PHASES, PhaseTimes

WIDTH: Final = 200.0
ROW: Final = 4.0  # of one phase; five of them make a fall


@dataclass(frozen=True, slots=True)
class Step:
    """One phase of a fall, in units of its drawing."""

    phase: str
    seconds: float
    x: float
    y: float
    width: float


@dataclass(frozen=True, slots=True)
class Fall:
    """The phases of one answer, or of the middle of many."""

    seconds: Mapping[str, float]
    total_s: float | None  # None: it did not pass
    at_ms: int | None
    of: int  # places it is the middle of

    @property
    def length_s(self) -> float:
        return sum(self.seconds.values())

    @property
    def most(self) -> str:
        """The phase that took longest."""
        return max(self.seconds, key=lambda phase: self.seconds[phase], default="")

    def steps(self, axis_s: float) -> list[Step]:
        """In the order in which they happen; what is too short to be seen is drawn a hair wide."""
        found, before = list[Step](), 0.0
        for n, phase in enumerate(PHASES):
            if phase in self.seconds:
                took = self.seconds[phase]
                width = max(1.0, WIDTH * took / axis_s)
                found.append(Step(phase, took, min(WIDTH * before / axis_s, WIDTH - 1), n * ROW, width))
                before += took
        return found


def one(times: PhaseTimes | None) -> Fall | None:
    """The newest answer of one place."""
    return None if times is None else Fall(times.seconds, times.total_s, times.at_ms, 1)


def middle(answers: Iterable[PhaseTimes]) -> Fall | None:
    """The median of each phase over answers that passed; those that did not tell no time."""
    passed = [answer for answer in answers if answer.total_s is not None]
    if not passed:
        return None
    seconds = {
        phase: statistics.median(answer.seconds[phase] for answer in passed if phase in answer.seconds)
        for phase in PHASES
        if any(phase in answer.seconds for answer in passed)
    }
    total = statistics.median(answer.total_s for answer in passed if answer.total_s is not None)
    return Fall(seconds, total, max(answer.at_ms for answer in passed), len(passed))


def axis(falls: Iterable[Fall | None], limit_s: float | None) -> float:
    """How long the common axis is: what was measured, and the limit as soon as that comes near it."""
    longest = max((fall.length_s for fall in falls if fall is not None), default=0.0)
    if limit_s is not None and longest * 2 >= limit_s:
        longest = max(longest, limit_s)
    return longest * 1.05 or 1.0


def spread(keys: Sequence[str], at_most: int) -> list[str]:
    """`at_most` of `keys`, evenly taken: a middle needs no more."""
    if len(keys) <= at_most:
        return list(keys)
    return [keys[n * len(keys) // at_most] for n in range(at_most)]
