"""A data line: trains to the anchors behind it, believed against the line only while the centre's network answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from collector.api import State
from collector.judge import trains
from collector.judge.moments import Moment
from collector.judge.timeline import Segment, Timeline
from collector.judge.trains import Trains
from collector.judge.walk import Needs, Question, Symptom, walk
from collector.judging.policy import Version


def judge_line(question: Question, *, lan: Timeline) -> list[Segment]:
    """`lan`: the centre's network as judged, to the end of what the question holds."""
    return walk(replace(question, facts=trains.only(question.facts)), _Line(lan))


def blame(lan: Timeline, first: int, last: int) -> tuple[State, str | None]:
    """What it means that nothing behind the lan answered from `first` to `last`."""
    states = {segment.state for segment in lan.between(first, last)}
    if "down" in states:
        return "unknown", "lan_down"
    return ("unknown", "lan_unknown") if "unknown" in states else ("down", None)


@dataclass(slots=True)
class _Line:
    lan: Timeline
    trains: Trains = field(default_factory=Trains)

    def needs(self, version: Version) -> Needs:
        rules = version.policy.line
        return Needs(rules.lost_trains, rules.good_trains, rules.good_trains)

    def loss(self, first: int, last: int, held: Segment) -> tuple[State, str | None]:
        return blame(self.lan, first, last)

    def take(self, moments: Sequence[Moment], version: Version) -> None:
        self.trains.take(moments, version.policy.line.window_s)

    def symptoms(self, moment: Moment, version: Version) -> list[Symptom]:
        rules = version.policy.line
        windows = self.trains.telling(rules.min_trains)
        found = (trains.loss(windows, rules.loss), trains.slow(windows, rules.rtt_s))
        return [symptom for symptom in found if symptom is not None]
