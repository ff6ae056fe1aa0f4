"""A data line: trains to the anchors behind it, believed against the line only while the centre's network answers.

While it answers, its port and its resolver may make it degraded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from collector.api import State
from collector.judge import beside, trains
from collector.judge.beside import Beside
from collector.judge.facts import Fact
from collector.judge.moments import Moment
from collector.judge.speed import Contract
from collector.judge.timeline import Segment, Timeline
from collector.judge.trains import Trains
from collector.judge.walk import Needs, Question, Symptom, walk
from collector.judging.policy import Version


def judge_line(question: Question, *, lan: Timeline, contracts: Sequence[Contract] = ()) -> list[Segment]:
    """`lan`: the centre's network as judged, to the end of what the question holds; `contracts` by time."""
    others = trains.others(question.facts)
    use, asked = (beside.of_probe(others, probe) for probe in ("use", "dns"))
    return walk(replace(question, facts=trains.only(question.facts)), _Line(lan, use, asked, contracts))


def blame(lan: Timeline, first: int, last: int) -> tuple[State, str | None]:
    """What it means that nothing behind the lan answered from `first` to `last`."""
    states = {segment.state for segment in lan.between(first, last)}
    if "down" in states:
        return "unknown", "lan_down"
    return ("unknown", "lan_unknown") if "unknown" in states else ("down", None)


@dataclass(slots=True)
class _Line:
    lan: Timeline
    use: Beside
    asked: Beside
    contracts: Sequence[Contract]
    trains: Trains = field(default_factory=Trains)

    def needs(self, version: Version) -> Needs:
        rules = version.policy.line
        return Needs(rules.lost_trains, rules.good_trains, rules.good_trains)

    def loss(self, first: int, last: int, held: Segment) -> tuple[State, str | None]:
        return blame(self.lan, first, last)

    def calm(self, version: Version) -> bool:
        besides = (fact for one in (self.use, self.asked) for fact in one.facts)
        well = self.trains.well(version.policy.line.rtt_s)
        return well and all(beside.plain(fact, version, self.contracts) for fact in besides)

    def plain(self, fact: Fact, version: Version) -> bool:
        return fact.received == fact.sent and (fact.rtt_s is None or fact.rtt_s <= version.policy.line.rtt_s)

    def take(self, facts: Sequence[Fact], version: Version) -> None:
        self.trains.take(facts, version.policy.line.window_s)

    def symptoms(self, moment: Moment, version: Version) -> list[Symptom]:
        rules = version.policy.line
        found: list[Symptom | None] = []
        if not self.trains.well(rules.rtt_s):
            windows = self.trains.telling(rules.min_trains)
            found += (trains.loss(windows, rules.loss), trains.slow(windows, rules.rtt_s))
        if self.use.facts:
            found.append(beside.slow_port(self.use, moment.at, rules, version.policy.lan.port_bps, self.contracts))
        if self.asked.facts:
            found.append(beside.failed_resolver(self.asked, moment.at, rules))
        return [symptom for symptom in found if symptom is not None]
