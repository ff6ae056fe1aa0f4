"""A line as seen from the province: trains to its far end (CPE), asked where no agent of the centre tells anything.

What the centre's own agents measured leads, whenever it comes. In the gaps between, a far end that answers shows that
the line is well so far; one that stops answering while its vantage is well is evidence that the line is down. A far end
that was not seen to answer shortly before is mute, and a vantage that loses most of what it asks speaks of itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

from collector.api import State
from collector.judge.facts import Fact
from collector.judge.gaps import GAPS
from collector.judge.moments import Moment
from collector.judge.timeline import BEGINNING, Detail, Segment, Span, Timeline
from collector.judge.walk import Needs, Question, Symptom, walk
from collector.judging.policy import Policies, Version

SEEN: Final = "seen_from_province"
LOST: Final = "lost_from_province"
MUTE: Final = "mute_to_province"
UNWELL: Final = "vantage_unwell"
REASONS: Final = frozenset({SEEN, LOST, MUTE, UNWELL})
"""What is told of a line by a vantage alone."""

_ASKED_IN: Final = GAPS | {BEGINNING.reason}
_SLOT_MS: Final = 10_000


class Company(NamedTuple):
    """Masks of what a vantage asks besides one line: what answered a while before, what it asked now, what answered."""

    lately: int
    asked: int
    answered: int

    def well(self, share: float) -> bool:
        """Whether so much of what is known to answer, as far as it was asked now, answers still."""
        known = self.asked & (self.lately | self.answered)
        return bool(known) and self.answered.bit_count() >= share * known.bit_count()


class Far(Protocol):
    """What vantages know of the lines of one centre."""

    @property
    def asked(self) -> Mapping[str, Sequence[Fact]]:
        """The facts of those lines that were asked for."""
        ...

    def facts(self, line: str) -> Sequence[Fact]:
        """Trains to the far end of a line, in order."""
        ...

    def presence(self, line: str) -> Sequence[Span]:
        """When those who ask it were heard."""
        ...

    def company(self, line: str, lately: Span, now: Span) -> Sequence[Company]:
        """For each vantage that asked the line within `now`: masks of all else that answered it lately, and of what it
        asked and what answered in `now`; the same bit is the same subject."""
        ...


@dataclass(slots=True)
class Nobody:
    """No vantage measures any line."""

    asked: Mapping[str, Sequence[Fact]] = field(default_factory=dict)

    def facts(self, line: str) -> Sequence[Fact]:
        return ()

    def presence(self, line: str) -> Sequence[Span]:
        return ()

    def company(self, line: str, lately: Span, now: Span) -> Sequence[Company]:
        return ()


def own(record: Timeline) -> Timeline:
    """What is on record of a line without what vantages alone told."""
    return Timeline(
        Segment(s.at, "unknown", str(s.detail.get("box", "silent")), policy=s.policy) if s.reason in REASONS else s
        for s in record.segments
    )


@dataclass(frozen=True, slots=True)
class Gaps:
    """A line with gaps: the question asked of the centre's agents, what these `told`, and who may know more."""

    line: str
    question: Question
    told: Timeline
    far: Far

    def filled(self) -> list[Segment]:
        """The states that begin within the question's span, its gaps filled by what the province saw."""
        found: list[Segment] = []
        for gap, segments in _pieces(self.told, self.question.span):
            found += segments if gap is None else self._filled(gap, segments)
        return found

    def _filled(self, gap: Span, segments: Sequence[Segment]) -> Sequence[Segment]:
        facts = [fact for fact in self.far.facts(self.line) if fact.probe == "reach"]
        if not facts:
            return segments
        question, start, before = self.question, self.question.span.start, Timeline()
        if gap.start < start:
            record = question.before.at(start - 1)
            before = Timeline([_as_seen(record)] if record.reason in REASONS else [])
            span = Span(start, gap.end)
        else:  # what it said shortly before tells whether its silence means anything
            span = Span(gap.start - _answered_ms(question.policies, gap.start), gap.end)
        asked = Question(facts, before, self.far.presence(self.line), span, question.policies)
        seen = before.spliced(span.start, span.end, walk(asked, _Far(self)))
        first = max(gap.start, start)
        edges = {first, *(s.at for s in segments), *(s.at for s in seen.segments)}
        return [_both(at, self.told.at(at), seen.at(at)) for at in sorted(edges) if first <= at <= gap.end]


def _pieces(told: Timeline, span: Span) -> Iterator[tuple[Span | None, Sequence[Segment]]]:
    """The timeline within `span` in pieces: a gap with its span and all reasons it has, or one state."""
    held = told.between(span.start, span.end)
    n = 0
    while n < len(held):
        k = n
        while k < len(held) and held[k].state == "unknown" and held[k].reason in _ASKED_IN:
            k += 1
        if k > n:
            yield Span(held[n].at, held[k].at - 1 if k < len(held) else span.end), held[n:k]
            n = k
        else:
            yield None, held[n : n + 1]
            n += 1


def _as_seen(record: Segment) -> Segment:
    reason = None if record.reason == SEEN else record.reason
    return Segment(record.at, record.state, reason, {}, record.evidence, record.policy)


def _both(at: int, box: Segment, seen: Segment) -> Segment:
    detail: Detail = {"view": "vantage", "box": box.reason or ""}
    if seen.state == "ok":
        return Segment(at, "ok", SEEN, detail, seen.evidence, seen.policy)
    if seen.reason in REASONS:
        return Segment(at, seen.state, seen.reason, {**detail, **seen.detail}, seen.evidence, seen.policy)
    return Segment(at, box.state, box.reason, box.detail, box.evidence, box.policy)


def _answered_ms(policies: Policies, at: int) -> int:
    return round(1000 * policies.at(at).policy.vantage.answered_s)


@dataclass(frozen=True, slots=True)
class _Far:
    gaps: Gaps

    def needs(self, version: Version) -> Needs:
        rules = version.policy.vantage
        return Needs(rules.lost_trains, rules.good_trains, rules.good_trains)

    def loss(self, first: int, last: int, held: Segment) -> tuple[State, str | None]:
        if held.state == "down" or held.reason == MUTE:
            return held.state, held.reason
        told = self.gaps.told
        if told.at(last).state in ("ok", "degraded"):  # the line works, by better evidence
            return "unknown", MUTE
        if "down" in {segment.state for segment in told.between(first, last)}:  # its own agent found it so
            return "down", LOST
        if held.state != "ok" and held.reason != UNWELL:
            return "unknown", MUTE
        return ("down", LOST) if self._well(first, last) else ("unknown", UNWELL)

    def _well(self, first: int, last: int) -> bool:
        """Whether a vantage that lost the line still reaches most of what else answered it lately."""
        policies = self.gaps.question.policies
        share = policies.at(first).policy.vantage.well_share
        lately = Span(first - _answered_ms(policies, first), first)
        return any(one.well(share) for one in self.gaps.far.company(self.gaps.line, lately, Span(first, last)))

    def calm(self, version: Version) -> bool:
        return True

    def plain(self, fact: Fact, version: Version) -> bool:
        return True

    def take(self, facts: Sequence[Fact], version: Version) -> None:
        """Nothing is told of how well a line is by trains from afar."""

    def symptoms(self, moment: Moment, version: Version) -> list[Symptom]:
        return []


# --- who else answered ----------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Names:
    """A bit for every subject that one vantage asks."""

    bits: dict[str, int] = field(default_factory=dict)

    def bit(self, subject: str) -> int:
        return 1 << self.bits.setdefault(subject, len(self.bits))


class Slot(NamedTuple):
    """Masks of the subjects that a vantage asked within ten seconds, and of those that answered."""

    asked: int = 0
    answered: int = 0


def slots(facts: Sequence[Fact], names: Names) -> dict[int, Slot]:
    """By slots of ten seconds, who was asked and who answered. What could not be asked is left out."""
    found: dict[int, Slot] = {}
    for fact in facts:
        if fact.outcome != "unknown":
            number, bit = fact.at // _SLOT_MS, names.bit(fact.subject)
            before = found.get(number, _EMPTY)
            answered = before.answered | bit if fact.outcome == "ok" else before.answered
            found[number] = Slot(before.asked | bit, answered)
    return found


def within(by_slot: Mapping[int, Slot], span: Span) -> Slot:
    """All slots that `span` touches, together."""
    asked = answered = 0
    for number, slot in by_slot.items():
        if span.start // _SLOT_MS <= number <= span.end // _SLOT_MS:
            asked |= slot.asked
            answered |= slot.answered
    return Slot(asked, answered)


_EMPTY: Final = Slot()
