"""A whole centre judged in order, as far around what came in as it can matter.

case = what is known of a centre around a span; judge(case) = its subjects' timelines there
settle(load, ...) asks for ever more of a centre until its new timelines agree with those it had
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from collector.judge.agent import Condition, judge_agent
from collector.judge.centre import judge_centre
from collector.judge.device import judge_device
from collector.judge.facts import Fact
from collector.judge.lan import judge_lan
from collector.judge.line import judge_line
from collector.judge.retired import without_service
from collector.judge.timeline import Segment, Span, Timeline
from collector.judge.walk import Question
from collector.judging.policy import Policies

Timelines = dict[str, Timeline]
_NEVER: Final = Timeline()


@dataclass(frozen=True, slots=True)
class Case:
    """What is known of one centre. Keys are subjects, but of `presence` and `conditions`: there they are agents.

    `subjects` maps each subject to its kind. `facts` are in order (`facts.in_order`). `owners` names the agents that
    measure a subject: where all of them are silent, its gaps are silence. `retired` are the spans in which a subject
    was out of service; `stays` those in which an agent stood here, where it was carried: elsewhere it is not heard.
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
        court.put(key, judge_line(court.ask(key), lan=lan))
    for key in case.of("device"):
        court.put(key, judge_device(court.ask(key), lan=lan))
    for key in case.of("centre"):
        court.put(key, court.centre(key, lan))
    return court.timelines


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
        behind = sorted((f for key in case.of("line") for f in case.facts.get(key, ())), key=lambda f: f.at)
        ports = sorted((f for key in case.of("device") for f in case.facts.get(key, ())), key=lambda f: f.at)
        lans = [self.put(key, judge_lan(self.ask(key), behind=behind, ports=ports)) for key in case.of("lan")]
        return lans[0] if lans else _NEVER

    def centre(self, key: str, lan: Timeline) -> list[Segment]:
        lines = {line: self.timelines[line] for line in self.case.of("line")}
        devices = {device: self.timelines[device] for device in self.case.of("device")}
        before = self.case.before.get(key, _NEVER)
        return judge_centre(before=before, span=self.span, lan=lan, lines=lines, devices=devices)


# --- how far --------------------------------------------------------------------------------------------------------

Load = Callable[[Span], Case]


@dataclass(frozen=True, slots=True)
class Settled:
    """Timelines that hold within `span`; outside of it nothing changes. `case` is what they were judged from."""

    case: Case
    span: Span
    timelines: Timelines


def settle(load: Load, touched: Span, *, now: int, policies: Policies, valid_ms: int) -> Settled:
    """Judge a centre again around `touched`, where something came to be known.

    `load(span)` gives the case with all facts of that span, and with the last fact before it where it begins in a gap.
    `valid_ms` is how long any fact of this centre may hold. Begins early enough for every moment that could look ahead
    to what was touched; ends where the new timelines have agreed with the old ones for a whole window, or now.
    """
    decide, reach = policies.decide_ms, max(policies.reach_ms, valid_ms)
    start, end = touched.start - 2 * decide, touched.end + 2 * reach + decide
    while True:
        if end + 2 * decide >= now:
            end = now
        loaded = Span(start - reach, min(now, end + 2 * decide) if end < now else now)
        case = load(loaded)
        timelines = judge(case, Span(start, end if end == now else end + decide))
        if end >= now or _agree(case.before, timelines, end - reach, end):
            return Settled(case, Span(start, end), timelines)
        end = start + 4 * (end - start)


def _agree(before: Mapping[str, Timeline], after: Timelines, first: int, last: int) -> bool:
    return all(timeline.agrees(before.get(key, _NEVER), first, last) for key, timeline in after.items())
