"""What would have been said against what was: pure. What was withdrawn on either side does not count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from alerts.api import Incident, Told
from alerts.replaying.playing import Message

FOREVER_MS = 2**62


@dataclass(frozen=True, slots=True)
class Audience:
    """Calls to one audience, as they were made and as they would have been."""

    audience: str
    was: int
    now: int


@dataclass(frozen=True, slots=True)
class Difference:
    """`changed`: incidents of the same trouble whose owner or cause differs, as it was and as it would have been."""

    same: int
    added: list[Incident]
    gone: list[Incident]
    changed: list[tuple[Incident, Incident]]
    audiences: list[Audience]


def compare(
    was: Sequence[Incident], told: Iterable[Told], now: Sequence[Incident], messages: Iterable[Message]
) -> Difference:
    """Pair what is about the same trouble: of one cause, else about one subject, at the same time."""
    left = [one for one in was if stands(one)]
    same, added, changed = 0, list[Incident](), list[tuple[Incident, Incident]]()
    for one in (one for one in now if stands(one)):
        other = _counterpart(one, left)
        if other is None:
            added.append(one)
            continue
        left.remove(other)
        if (other.verdict.owner, other.verdict.cause) == (one.verdict.owner, one.verdict.cause):
            same += 1
        else:
            changed.append((other, one))
    return Difference(same, added, left, changed, _audiences(told, messages))


def stands(one: Incident) -> bool:
    """Whether it was neither withdrawn nor taken into another."""
    return one.closed_ms is None or (one.parent is None and one.ended_ms != one.since_ms)


def _counterpart(one: Incident, others: Sequence[Incident]) -> Incident | None:
    near = [other for other in others if _overlap(one, other) > 0]
    own = [other for other in near if other.verdict.cause == one.verdict.cause]
    about = [other for other in near if set(other.verdict.subjects) & set(one.verdict.subjects)]
    return max(own or about, key=lambda other: _overlap(one, other), default=None)


def _overlap(one: Incident, other: Incident) -> int:
    """How long both held, ms; a moment for what merely touches."""
    ends = min(one.ended_ms or FOREVER_MS, other.ended_ms or FOREVER_MS)
    return ends - max(one.since_ms, other.since_ms) + 1


def _audiences(told: Iterable[Told], messages: Iterable[Message]) -> list[Audience]:
    was = Counter(one.audience for one in told if one.kind == "call")
    now = Counter(one.audience for one in messages if one.kind == "call")
    return [Audience(key, was[key], now[key]) for key in sorted(was | now)]
