"""A subject's states over time, and spans of presence: the two shapes that judges take and give."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from collector.api import State

Detail = dict[str, str | float | int]

ALWAYS: Final = 2**62
"""Further than any time: the end of a presence that is open, the beginning of what never began."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A state that holds from `at` until the next segment. `evidence` are ids of observations."""

    at: int
    state: State
    reason: str | None = None
    detail: Detail = field(default_factory=dict)
    evidence: tuple[str, ...] = ()
    policy: int = 0

    def says(self, other: Segment) -> bool:
        """Whether both tell the same of the subject."""
        return self.state == other.state and self.reason == other.reason


BEGINNING: Final = Segment(-ALWAYS, "unknown", "never_measured")


@dataclass(frozen=True, slots=True)
class Span:
    """From `start` to `end`, the end excluded."""

    start: int
    end: int


class Timeline:
    """Segments in order of time, each saying something else than the one before it; before them, never measured."""

    __slots__ = ("_starts", "segments")

    def __init__(self, segments: Iterable[Segment] = ()) -> None:
        self.segments: Final[tuple[Segment, ...]] = tuple(_without_echoes(segments))
        self._starts: Final = [segment.at for segment in self.segments]

    def at(self, when: int) -> Segment:
        """What holds at a moment."""
        n = bisect_right(self._starts, when)
        return self.segments[n - 1] if n else BEGINNING

    def between(self, first: int, last: int) -> Sequence[Segment]:
        """Everything that holds at some moment from `first` to `last`, both included."""
        return (self.at(first), *self.segments[bisect_right(self._starts, first) : bisect_right(self._starts, last)])

    def starting(self, first: int, last: int) -> Sequence[Segment]:
        """Segments that begin from `first` to `last`, both included."""
        return self.segments[bisect_left(self._starts, first) : bisect_right(self._starts, last)]

    def spliced(self, first: int, last: int, new: Iterable[Segment]) -> Timeline:
        """This timeline with what begins from `first` to `last` replaced by `new`."""
        before = self.segments[: bisect_left(self._starts, first)]
        behind = self.segments[bisect_right(self._starts, last) :]
        return Timeline((*before, *(s for s in new if first <= s.at <= last), *behind))

    def agrees(self, other: Timeline, first: int, last: int) -> bool:
        """Whether both tell the same, since the same moments, all the way from `first` to `last`."""
        mine, its = self.between(first, last), other.between(first, last)
        return len(mine) == len(its) and all(
            a.says(b) and (n == 0 or a.at == b.at) for n, (a, b) in enumerate(zip(mine, its, strict=True))
        )


def _without_echoes(segments: Iterable[Segment]) -> Iterator[Segment]:
    said = BEGINNING
    for segment in segments:
        if not segment.says(said):
            yield segment
            said = segment


def absences(presence: Iterable[Span], first: int, last: int) -> list[Span]:
    """The parts of first..last that no span of `presence` covers, in order."""
    missing: list[Span] = []
    seen = first
    for span in sorted(presence, key=lambda s: s.start):
        if span.start > seen:
            missing.append(Span(seen, min(span.start, last)))
        seen = max(seen, span.end)
        if seen >= last:
            break
    if seen < last:
        missing.append(Span(seen, last))
    return [span for span in missing if span.start < span.end]
