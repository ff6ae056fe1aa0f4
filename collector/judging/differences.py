"""What two judgements of a subject do not share: changes of state that appear, vanish or move, and time in a state."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from collector.api import State
from collector.judge.timeline import BEGINNING, Segment, Timeline

MOVES_WITHIN_MS: Final = 30 * 60_000
"""The same change at most this far away has moved; further away one vanishes and another appears."""

What = Literal["appears", "vanishes", "moves"]


@dataclass(frozen=True, slots=True)
class Difference:
    """A change of state that is not the same: `at_ms` as judged anew, or where it vanishes; `was_ms` where it moves."""

    subject: str
    what: What
    at_ms: int
    was_ms: int | None
    state: State
    reason: str | None


@dataclass(frozen=True, slots=True)
class Told:
    """How one subject was judged: the state before the span, and every change in it."""

    before: Segment
    changes: Sequence[Segment]

    def spent_ms(self, from_ms: int, to_ms: int) -> dict[State, int]:
        """How long each state held in the span; states that never held are left out."""
        spent: dict[State, int] = {}
        timeline = Timeline((*((self.before,) if self.before.at != BEGINNING.at else ()), *self.changes))
        held = timeline.between(from_ms, to_ms)
        ends = [*(segment.at for segment in held[1:]), to_ms]
        for segment, end in zip(held, ends, strict=True):
            spent[segment.state] = spent.get(segment.state, 0) + end - max(segment.at, from_ms)
        return {state: ms for state, ms in spent.items() if ms > 0}


def differences(subject: str, old: Sequence[Segment], new: Sequence[Segment]) -> list[Difference]:
    """What turns `old` into `new`, both in order of time; in the order of their moments."""
    shared = {_key(s) for s in old} & {_key(s) for s in new}
    gone = [s for s in old if _key(s) not in shared]
    come = [s for s in new if _key(s) not in shared]
    twins = _twins(gone, come)
    taken = {id(was) for was in twins.values()}
    found = [_came(subject, s, twins.get(id(s))) for s in come]
    found += [Difference(subject, "vanishes", s.at, None, s.state, s.reason) for s in gone if id(s) not in taken]
    return sorted(found, key=lambda d: d.at_ms)


def _came(subject: str, s: Segment, was: Segment | None) -> Difference:
    what: What = "appears" if was is None else "moves"
    return Difference(subject, what, s.at, None if was is None else was.at, s.state, s.reason)


def _key(s: Segment) -> tuple[int, str, str | None]:
    return s.at, s.state, s.reason


def _twins(gone: Sequence[Segment], come: Sequence[Segment]) -> Mapping[int, Segment]:
    """For each change that came, by its id: the nearest that went and says the same, each taken once."""
    by_word: dict[tuple[str, str | None], list[Segment]] = {}
    for s in gone:
        by_word.setdefault((s.state, s.reason), []).append(s)
    twins: dict[int, Segment] = {}
    for s in come:
        same = by_word.get((s.state, s.reason), [])
        n = bisect_left(same, s.at, key=lambda one: one.at)
        near = [k for k in (n - 1, n) if 0 <= k < len(same)]
        nearest = min(near, key=lambda k: abs(same[k].at - s.at), default=None)
        if nearest is not None and abs(same[nearest].at - s.at) <= MOVES_WITHIN_MS:
            twins[id(s)] = same.pop(nearest)
    return twins
