"""A whole centre judged in order.

case = what is known of a centre around a span; judge(case) = its subjects' timelines there
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Final

from collector.judge.agent import Condition, judge_agent
from collector.judge.centre import Parts, judge_centre
from collector.judge.device import judge_device
from collector.judge.egress import Backups, Carried, settled
from collector.judge.facts import Fact
from collector.judge.findings import LAID, Finding, bare, laid
from collector.judge.lan import judge_lan
from collector.judge.line import judge_line
from collector.judge.retired import without_service
from collector.judge.service import Limit, judge_service
from collector.judge.speed import Contract
from collector.judge.timeline import Segment, Span, Timeline
from collector.judge.vantage import REASONS, Far, Gaps, Nobody, own
from collector.judge.walk import Question
from collector.judging.policy import Policies

Timelines = dict[str, Timeline]
_NEVER: Final = Timeline()
_BY_TIME: Final = attrgetter("at")


@dataclass(frozen=True, slots=True)
class Case:
    """What is known of one centre. Keys are subjects, but of `presence` and `conditions`: there they are agents.

    `subjects` maps each subject to its kind. `facts` are in order (`facts.in_order`). `owners` names the agents that
    measure a subject: where all of them are silent, its gaps are silence. `retired` are the spans in which a subject
    was out of service; `stays` those in which an agent stood here, where it was carried: elsewhere it is not heard.
    `limits`: how slow a service may be, by time. `way`: the centre's timeline, where it is not among the subjects to be
    judged. `planned`: since when a plan holds a subject. `far`: what vantages of the province know of its lines.
    `contracts` of its lines, by time; `findings` about them from more than these facts; `carried`: by which its traffic
    left.
    """

    subjects: Mapping[str, str]
    facts: Mapping[str, Sequence[Fact]]
    before: Mapping[str, Timeline]
    owners: Mapping[str, frozenset[str]]
    policies: Policies
    presence: Mapping[str, Sequence[Span]] = field(default_factory=dict)
    conditions: Mapping[str, Sequence[Condition]] = field(default_factory=dict)
    retired: Mapping[str, Sequence[Span]] = field(default_factory=dict)
    stays: Mapping[str, Sequence[Span]] = field(default_factory=dict)
    limits: Mapping[str, Sequence[Limit]] = field(default_factory=dict)
    way: Timeline = _NEVER
    planned: Mapping[str, int] = field(default_factory=dict)
    far: Far = field(default_factory=Nobody)
    contracts: Mapping[str, Sequence[Contract]] = field(default_factory=dict)
    findings: Mapping[str, Sequence[Finding]] = field(default_factory=dict)
    carried: Sequence[Carried] = ()

    def of(self, kind: str) -> list[str]:
        """The subjects of a kind, in the order of their keys."""
        return sorted(key for key, its in self.subjects.items() if its == kind)


def judge(case: Case, span: Span) -> Timelines:
    """Every subject's timeline, judged anew within `span` and as it was outside of it."""
    court = _Court(case, span)
    for key in case.of("agent"):
        court.put(key, judge_agent(court.ask(key), conditions=case.conditions.get(key.removeprefix("agent:"), ())))
    lan = court.lan()
    for key in case.of("line"):
        court.put(key, court.line(key, lan))
    for key in case.of("device"):
        court.put(key, judge_device(court.ask(key), lan=lan))
    for key in case.of("centre"):
        court.put(key, court.centre(key, lan))
    court.services()
    return court.timelines


def laid_on_record(case: Case, key: str, told: Timeline, span: Span) -> Timeline:
    """What is told of a subject where bodies are gone, with what was found of it: that does not depend on them."""
    findings = case.findings.get(key, ())
    if not findings and not any(segment.reason in LAID for segment in told.starting(span.start, span.end)):
        return told
    return told.spliced(span.start, span.end, laid(bare(told), findings, span, case.policies))


def _since(facts: Sequence[Fact], start: int) -> Sequence[Fact]:
    return facts[bisect_left(facts, start, key=_BY_TIME) :]


class _Court:
    def __init__(self, case: Case, span: Span) -> None:
        self.case: Final = case
        self.span: Final = span
        self.timelines: Final[Timelines] = {}

    def ask(self, key: str) -> Question:
        case = self.case
        agents = case.owners.get(key, frozenset())
        here = self._whole if case.subjects.get(key) in {"agent", "device"} else self._here
        presence = [span for agent in sorted(agents) for span in here(agent)]
        return Question(case.facts.get(key, ()), case.before.get(key, _NEVER), presence, self.span, case.policies)

    def _whole(self, agent: str) -> Sequence[Span]:
        """When an agent was heard: its own state, and its machine's, go with it wherever it stands."""
        return self.case.presence.get(agent, ())

    def _here(self, agent: str) -> Sequence[Span]:
        """When an agent was heard at this centre."""
        heard, stays = self._whole(agent), self.case.stays.get(agent)
        if stays is None:
            return heard
        both = (Span(max(a.start, b.start), min(a.end, b.end)) for a in heard for b in stays)
        return [span for span in both if span.start < span.end]

    def put(self, key: str, segments: Sequence[Segment]) -> Timeline:
        before = self.case.before.get(key, _NEVER)
        told = before.spliced(self.span.start, self.span.end, segments)
        self.timelines[key] = without_service(told, self.case.retired.get(key, ()), self.span, self.case.policies)
        return told  # what hangs on it is judged by what was measured until its end

    def lan(self) -> Timeline:
        case = self.case
        start = self.span.start  # a loss that is judged here began here: what answered before says nothing of it
        behind = sorted((f for key in case.of("line") for f in _since(case.facts.get(key, ()), start)), key=_BY_TIME)
        ports = sorted((f for key in case.of("device") for f in case.facts.get(key, ())), key=_BY_TIME)
        lans = [self.put(key, judge_lan(self.ask(key), behind=behind, ports=ports)) for key in case.of("lan")]
        return lans[0] if lans else _NEVER

    def line(self, key: str, lan: Timeline) -> list[Segment]:
        """By the centre's own agents, in the gaps they leave by what the province sees, and what was found besides."""
        question, case = self.ask(key), self.case
        before, start = own(bare(question.before)), self.span.start
        if question.before.at(start - 1).reason in REASONS:  # since when, and why, the gap is open is not on record
            last = next((fact.at for fact in reversed(question.facts) if fact.at < start), start)
            start = min(start, last)
        alone = replace(question, before=before, span=Span(start, self.span.end))
        judged = judge_line(alone, lan=lan, contracts=case.contracts.get(key, ()))
        told = before.spliced(start, self.span.end, judged)
        filled = Gaps(key, question, told, case.far).filled()
        base = bare(question.before).spliced(self.span.start, self.span.end, filled)
        return laid(base, case.findings.get(key, ()), self.span, case.policies)

    def centre(self, key: str, lan: Timeline) -> list[Segment]:
        case = self.case
        agents, lines, devices = (
            {key: self.timelines[key] for key in case.of(kind)} for kind in ("agent", "line", "device")
        )
        policies = case.policies
        hold = settled(case.carried, lambda at: round(1000 * policies.at(at).policy.line.egress_s), self.span.end)
        parts = Parts(lan, lines, devices, agents, case.planned, Backups(hold))
        return judge_centre(before=case.before.get(key, _NEVER), span=self.span, parts=parts)

    def services(self) -> None:
        case, keys = self.case, self.case.of("service")
        way = next((self.timelines[key] for key in case.of("centre")), case.way)
        asked = (fact for key, facts in case.facts.items() if key.startswith("service:") for fact in facts)
        others = sorted(asked, key=lambda fact: (fact.at, fact.subject, fact.batch, fact.i)) if keys else []
        for key in keys:
            limits = case.limits.get(key, ())
            self.put(key, judge_service(self.ask(key), way=way, others=others, limits=limits))
