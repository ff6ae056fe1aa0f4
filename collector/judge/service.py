"""A shared system as one centre sees it: asked over the line in use, and believed against it only while that works."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Final

from msgspec import structs

from collector.api import State
from collector.judge.facts import Fact
from collector.judge.gaps import SPEAKS_MS
from collector.judge.moments import Moment
from collector.judge.timeline import ALWAYS, Detail, Segment, Timeline
from collector.judge.walk import Needs, Question, Symptom, walk
from collector.judge.windows import MAX_EVIDENCE
from collector.judging.policy import Version

_CERTIFICATE: Final = "motcua_service_certificate_left_seconds"
_USABLE: Final = ("ok", "degraded")
_NO_LINE: Final = ("never_measured", "nobody_measures")
_ENOUGH: Final = 2


@dataclass(frozen=True, slots=True)
class Limit:
    """How slow a service may be, seconds, from `from_ms` to `to_ms` (None: still): a version of its inventory row."""

    from_ms: int
    to_ms: int | None
    slow_s: float


def judge_service(
    question: Question, *, way: Timeline, others: Sequence[Fact] = (), limits: Sequence[Limit] = ()
) -> list[Segment]:
    """`way`: the centre as judged, whose states tell whether a line of it works; `others`: facts of its other services,
    in order; `limits`: how slow this one may be, by time."""
    facts = [_believed(fact, question, way, others) for fact in question.facts]
    return walk(replace(question, facts=facts), _Service(limits))


# --- what may be concluded ------------------------------------------------------------------------------------------


def _believed(fact: Fact, question: Question, way: Timeline, others: Sequence[Fact]) -> Fact:
    """The fact; where it failed and no line is known to have worked, as one that tells nothing."""
    if fact.outcome != "fail":
        return fact
    held = way.between(fact.at, fact.at + SPEAKS_MS)
    if all(segment.state in _USABLE for segment in held):
        return fact
    if any(segment.state == "down" for segment in held):
        return structs.replace(fact, outcome="unknown", reason="line_down")
    answered, asked = _company(fact, question, others)
    if answered or (asked < _ENOUGH and all(s.state in _USABLE or s.reason in _NO_LINE for s in held)):
        return fact
    return structs.replace(fact, outcome="unknown", reason="line_unknown")


def _company(fact: Fact, question: Question, others: Sequence[Fact]) -> tuple[bool, int]:
    """Whether another service answered the same agent within a period before or after, and how many it asked."""
    near = min(fact.period_ms, question.policies.at(fact.at).hold_ms)
    asked: set[str] = set()
    for n in range(bisect_left(others, fact.at - near, key=lambda other: other.at), len(others)):
        other = others[n]
        if other.at > fact.at + near:
            break
        if other.agent == fact.agent and other.subject != fact.subject and other.outcome != "unknown":
            if other.outcome == "ok":
                return True, 1
            asked.add(other.subject)
    return False, len(asked)


# --- the walk -------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Service:
    limits: Sequence[Limit]
    took: deque[Fact] = field(default_factory=lambda: deque(maxlen=20))

    def needs(self, version: Version) -> Needs:
        rules = version.policy.service
        return Needs(rules.failed, rules.good, rules.good)

    def loss(self, first: int, last: int, held: Segment) -> tuple[State, str | None]:
        return "down", None

    def calm(self, version: Version) -> bool:
        return all(self._quick(fact, version) for fact in self.took)

    def plain(self, fact: Fact, version: Version) -> bool:
        return self._quick(fact, version) and not ends_soon(fact, version)

    def _quick(self, fact: Fact, version: Version) -> bool:
        """Under every limit there ever was."""
        least = min((limit.slow_s for limit in self.limits), default=ALWAYS)
        return fact.total_s is None or fact.total_s <= min(least, version.policy.service.slow_s)

    def take(self, facts: Sequence[Fact], version: Version) -> None:
        self.took.extend(fact for fact in facts if fact.total_s is not None)

    def symptoms(self, moment: Moment, version: Version) -> list[Symptom]:
        found = (self._slow(moment, version), _ending(moment, version))
        return [symptom for symptom in found if symptom is not None]

    def _slow(self, moment: Moment, version: Version) -> Symptom | None:
        """Slow by the median of the last runs; fewer than half of them say nothing."""
        rules = version.policy.service
        period_ms = min(max(fact.period_ms for fact in moment.facts), version.hold_ms)
        last = [f for f in self.took if f.at > moment.at - (rules.window + 1) * period_ms][-rules.window :]
        if 2 * len(last) < rules.window:
            return None
        limit = limit_s(self.limits, moment.at, rules.slow_s)
        middle = median(f.total_s for f in last if f.total_s is not None)
        if middle <= limit:
            return None
        slow = tuple(f.id for f in reversed(last) if f.total_s is not None and f.total_s > limit)
        detail: Detail = {"total_s": round(middle, 6), "limit": limit, "runs": len(last)}
        return Symptom("slow", detail, slow[:MAX_EVIDENCE])


def limit_s(limits: Sequence[Limit], at: int, default_s: float) -> float:
    """How slow a service may be at a moment, seconds."""
    held = (one for one in limits if one.from_ms <= at and (one.to_ms is None or at < one.to_ms))
    return next((one.slow_s for one in held), default_s)


def ends_soon(fact: Fact, version: Version) -> bool:
    """Whether a run saw a certificate that ends soon."""
    return any(r.metric == _CERTIFICATE and r.value < version.policy.service.certificate_s for r in fact.readings)


def _ending(moment: Moment, version: Version) -> Symptom | None:
    limit = version.policy.service.certificate_s
    left = [(r.value, fact.id) for fact in moment.facts for r in fact.readings if r.metric == _CERTIFICATE]
    if not left or min(left)[0] >= limit:
        return None
    return Symptom("cert_ending", {"left_s": round(min(left)[0]), "limit": limit}, (min(left)[1],))
