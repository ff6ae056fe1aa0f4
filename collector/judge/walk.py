"""The one walk through a subject's measurements that lan, line and device share; a `Kind` says what differs.

First every moment gets its footing (ok, down, unknown) by looking ahead: an outage begins with the first of the losses
that prove it and ends with the first of the answers that prove its end. Then symptoms (loss, slowness, conditions) of
the moments on firm ground make degraded of ok. A moment's footing depends on the one before it and on what follows
within `decide_ms`, or within as many periods as a row needs, on nothing else: so judging may begin anywhere, from what
was judged before.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Final, Protocol

from msgspec import Struct

from collector.api import State
from collector.judge.facts import Fact
from collector.judge.gaps import GAPS, unknown_from
from collector.judge.moments import Moment, Moments
from collector.judge.stretch import Calm, calm_until, valid_ms
from collector.judge.timeline import Detail, Segment, Span, Timeline, absences
from collector.judge.windows import MAX_EVIDENCE
from collector.judging.policy import Policies, Version

_WORKS: Final = ("ok", "degraded")


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be judged: `facts` of one subject in order, from well before `span` to well behind it.

    `before` is how the subject was judged so far; it is trusted up to `span.start` and for nothing behind it.
    """

    facts: Sequence[Fact]
    before: Timeline
    presence: Sequence[Span]
    span: Span
    policies: Policies


@dataclass(frozen=True, slots=True)
class Symptom:
    """Why a subject that works is not well. One that is not `sure` keeps it degraded, and does not make it so."""

    reason: str
    detail: Detail
    evidence: tuple[str, ...]
    sure: bool = True


@dataclass(frozen=True, slots=True)
class Needs:
    """How many in a row: losses for down, answers for the way back, moments without a symptom for well again."""

    lost: int
    good: int
    calm: int


class Kind(Calm, Protocol):
    """What differs between the kinds of subject. Asked in order of time."""

    def needs(self, version: Version) -> Needs: ...
    def loss(self, first: int, last: int, held: Segment) -> tuple[State, str | None]:
        """What losses from `first` to `last` mean while `held` held; no reason: the measurement's own."""
        ...

    def take(self, facts: Sequence[Fact], version: Version) -> None:
        """Take in facts on firm ground, in order, at least one; one version is in force at them."""
        ...

    def symptoms(self, moment: Moment, version: Version) -> Sequence[Symptom]:
        """What is wrong at the moment that was taken in last, the worst first."""
        ...


class _Step(Struct):
    """A moment, its number, its footing, and what had become unknown before it."""

    k: int
    moment: Moment
    version: Version
    footing: Segment
    gaps: Sequence[Segment]
    symptoms: Sequence[Symptom]


def ahead_ms(rows: int, period_ms: int, version: Version) -> int:
    """How far ahead of a moment is looked for `rows` in a row of what is measured every `period_ms`."""
    return max(version.decide_ms, rows * min(period_ms, version.hold_ms))


def walk(question: Question, kind: Kind) -> list[Segment]:
    """The states that begin within the question's span, each different from the one before it."""
    return _Walk(question, kind).run()


class _Walk:
    def __init__(self, question: Question, kind: Kind) -> None:
        self.q: Final = question
        self.kind: Final = kind
        self.last_at: int | None = None
        self.known_until = 0
        facts = question.facts
        first = bisect_left(facts, question.span.start, key=attrgetter("at"))
        self._warm_up(facts[:first])
        n = self._pass_calm(first)
        self.moments: Final = Moments(
            facts[n:], facts[:n], valid_ms=lambda fact: valid_ms(fact, question.policies),
            held_ms=question.policies.held_ms,
        )  # fmt: skip

    def run(self) -> list[Segment]:
        steps, rest = self._footings()
        return self._states(steps, rest)

    # --- before the span --------------------------------------------------------------------------------------------

    def _warm_up(self, earlier: Sequence[Fact]) -> None:
        for version, facts in self._by_version(earlier):
            self.last_at = facts[-1].at
            newest = {fact.period_ms: fact for fact in facts}  # others hold no longer
            self.known_until = max(self.known_until, *(f.at + valid_ms(f, self.q.policies) for f in newest.values()))
            firm = self._firm(facts)
            if firm:
                self.kind.take(firm, version)

    def _by_version(self, facts: Sequence[Fact]) -> Iterator[tuple[Version, Sequence[Fact]]]:
        """Facts in order, those together at which one version is in force."""
        at = self.q.policies.at
        if facts and at(facts[0].at) is at(facts[-1].at):
            yield at(facts[0].at), facts
            return
        for version, group in groupby(facts, key=lambda fact: at(fact.at)):
            yield version, list(group)

    def _firm(self, facts: Sequence[Fact]) -> list[Fact]:
        """Those on firm ground."""
        seen, before = [fact for fact in facts if fact.outcome != "unknown"], self.q.before
        if all(held.state in _WORKS for held in before.between(facts[0].at, facts[-1].at)):
            return seen
        return [fact for fact in seen if before.at(fact.at).state in _WORKS]

    def _pass_calm(self, first: int) -> int:
        """Where the walk begins: behind the calm beginning of the span, where all was well before."""
        facts, policies = self.q.facts, self.q.policies
        if self.q.before.at(self.q.span.start - 1).state != "ok":
            return first
        n, self.known_until = calm_until(facts, first, self.known_until, kind=self.kind, policies=policies)
        if n > first:
            self.last_at = facts[n - 1].at
            self.kind.take(facts[first:n], policies.at(self.last_at))
        return n

    def _measured(self, moment: Moment) -> None:
        self.last_at = moment.at
        for fact in moment.facts:
            self.known_until = max(self.known_until, moment.at + valid_ms(fact, self.q.policies))

    # --- footing ----------------------------------------------------------------------------------------------------

    def _footings(self) -> tuple[list[_Step], list[Segment]]:
        held = _grounded(self.q.before.at(self.q.span.start - 1))
        steps: list[_Step] = []
        for k, moment in enumerate(self.moments.all):
            gaps = self._gaps(moment.at, closed=True) if moment.at > self.known_until else ()
            version = self.q.policies.at(moment.at)
            if gaps or held.state != "ok" or moment.colour != "good":
                held = self._footing(k, gaps[-1] if gaps else held, version)
            symptoms: Sequence[Symptom] = ()
            if held.state == "ok" and moment.colour != "blind":
                self.kind.take(moment.facts, version)
                symptoms = self.kind.symptoms(moment, version)
            steps.append(_Step(k, moment, version, held, gaps, symptoms))
            self._measured(moment)
        return steps, self._gaps(self.q.span.end, closed=False)

    def _gaps(self, end: int, *, closed: bool) -> list[Segment]:
        if self.last_at is None:  # further back than anything in hand: what was told of a gap then, holds
            known = self.q.before.starting(self.q.span.start, end - 1 if closed else end)
            return [segment for segment in known if segment.reason in GAPS]
        if end <= self.last_at:
            return []
        version = self.q.policies.at(self.last_at)
        found = unknown_from(
            self.last_at, self.known_until - self.last_at, end,
            absent=absences(self.q.presence, self.last_at, end), closed=closed,
            cut_ms=round(version.policy.time.cut_s * 1000),
        )  # fmt: skip
        return [Segment(at, "unknown", reason, policy=version.number) for at, reason in found]

    def _footing(self, k: int, held: Segment, version: Version) -> Segment:
        colour = self.moments.all[k].colour
        if colour == "good":
            return self._answered(k, held, version)
        return self._lost(k, held, version) if colour == "lost" else self._blind(k, held, version)

    def _answered(self, k: int, held: Segment, version: Version) -> Segment:
        if held.state == "ok":
            return held
        need = self.kind.needs(version).good if held.state == "down" else 1
        row = self.moments.good_row(k, need, decide_ms=self._ahead(k, version))
        if row is None:
            return held
        evidence = tuple(fact.id for fact in row[:MAX_EVIDENCE])
        return Segment(self.moments.all[k].at, "ok", None, {}, evidence, version.number)

    def _lost(self, k: int, held: Segment, version: Version) -> Segment:
        need = self.kind.needs(version).lost
        j = self.moments.run(k, "lost", need, decide_ms=self._ahead(k, version))
        if j is None:
            return held
        at = self.moments.all[k].at
        state, reason = self.kind.loss(at, self.moments.all[j].at, held)
        if state == held.state and (reason is None or reason == held.reason):
            return held
        why = reason or next(f.reason for f in self.moments.all[k].facts if f.outcome == "fail")
        return Segment(at, state, why, {"in_a_row": need}, self.moments.ids(k, j, "lost"), version.number)

    def _blind(self, k: int, held: Segment, version: Version) -> Segment:
        moment = self.moments.all[k]
        if held.state != "unknown":
            need = self.kind.needs(version).lost
            if self.moments.run(k, "blind", need, decide_ms=self._ahead(k, version)) is None:
                return held
        reason = moment.facts[0].reason
        if held.state == "unknown" and held.reason == reason:
            return held
        return Segment(moment.at, "unknown", reason, {}, (moment.facts[0].id,), version.number)

    def _ahead(self, k: int, version: Version) -> int:
        needs, facts = self.kind.needs(version), self.moments.all[k].facts
        return ahead_ms(max(needs.lost, needs.good, needs.calm), max(fact.period_ms for fact in facts), version)

    # --- states -----------------------------------------------------------------------------------------------------

    def _states(self, steps: Sequence[_Step], rest: Sequence[Segment]) -> list[Segment]:
        told = self.q.before.at(self.q.span.start - 1)
        found: list[Segment] = []

        def tell(segment: Segment) -> Segment:
            if segment.says(told):
                return told
            found.append(segment)
            return segment

        for n, step in enumerate(steps):
            if step.footing.says(told) and not step.symptoms and not step.gaps:
                continue
            for gap in step.gaps:
                told = tell(gap)
            told = tell(self._state(steps, n, told))
        for gap in rest:
            told = tell(gap)
        return [s for s in found if self.q.span.start <= s.at <= self.q.span.end]

    def _state(self, steps: Sequence[_Step], n: int, told: Segment) -> Segment:
        step = steps[n]
        if step.footing.state != "ok":
            return step.footing
        reasons = [symptom.reason for symptom in step.symptoms]
        if told.state == "degraded" and (told.reason in reasons or step.moment.colour == "blind"):
            return told
        worst = next((symptom for symptom in step.symptoms if symptom.sure), None)
        if worst is not None:
            at, number = step.moment.at, step.version.number
            return Segment(at, "degraded", worst.reason, worst.detail, worst.evidence, number)
        if told.state != "degraded":
            return step.footing
        calm = _calm(steps, n, told, self.kind.needs(step.version).calm, self._ahead(step.k, step.version))
        return told if calm is None else Segment(step.moment.at, "ok", None, {}, calm, step.version.number)


def _grounded(segment: Segment) -> Segment:
    """The footing below a state: degraded stands on ok."""
    return Segment(segment.at, "ok", policy=segment.policy) if segment.state == "degraded" else segment


def _calm(steps: Sequence[_Step], n: int, told: Segment, need: int, limit: int) -> tuple[str, ...] | None:
    """Evidence that from step `n` on nothing is wrong `need` times in a row within `limit` ms; None where it is not so,
    or not yet."""
    evidence: list[str] = []
    start = steps[n].moment.at
    for m in range(n, len(steps)):
        step = steps[m]
        late = step.moment.at - start > limit or (m > n and step.gaps)
        wrong = any(symptom.sure or symptom.reason == told.reason for symptom in step.symptoms)
        if late or wrong or step.footing.state != "ok":
            return None
        if step.moment.colour == "blind":
            continue
        evidence.append(step.moment.facts[0].id)
        if len(evidence) == need:
            return tuple(evidence[:MAX_EVIDENCE])
    return None
