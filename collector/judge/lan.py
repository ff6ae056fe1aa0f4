"""A centre's own network: trains to its gateway, with what the anchors behind it say of a gateway that is mute."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from collector.api import State
from collector.judge import beside, trains
from collector.judge.beside import Beside
from collector.judge.facts import Fact
from collector.judge.moments import Moment
from collector.judge.timeline import Detail, Segment
from collector.judge.trains import Trains
from collector.judge.walk import Needs, Question, Symptom, walk
from collector.judging.policy import Version

PORT: Final = "motcua_device_network_speed_bps"


def judge_lan(question: Question, *, behind: Sequence[Fact], ports: Sequence[Fact] = ()) -> list[Segment]:
    """`behind`: facts of the centre's lines, in order; `ports`: of the devices that hold the agents."""
    facts = trains.only(question.facts)
    agents = {fact.agent for fact in facts}
    signals = beside.of_probe(trains.others(question.facts), "wifi")
    return walk(replace(question, facts=facts), _Lan(list(trains.only(behind)), _Ports.of(ports), agents, signals))


@dataclass(slots=True)
class _Ports:
    """The slowest port seen lately, walked through in order of time."""

    facts: Sequence[Fact]
    lowest_bps: float
    next: int = 0
    newest: dict[str, Fact] = field(default_factory=dict)

    @classmethod
    def of(cls, facts: Sequence[Fact]) -> _Ports:
        speeds = [r.value for fact in facts for r in fact.readings if r.metric == PORT and r.value > 0]
        return cls(facts, min(speeds, default=math.inf))

    def slow(self, moment: Moment, nominal_bps: float) -> Symptom | None:
        if self.lowest_bps >= nominal_bps:
            return None
        while self.next < len(self.facts) and self.facts[self.next].at <= moment.at:
            fact = self.facts[self.next]
            self.newest[fact.agent] = fact
            self.next += 1
        for agent in sorted({fact.agent for fact in moment.facts} & self.newest.keys()):
            fact = self.newest[agent]
            for reading in fact.readings:
                if reading.metric == PORT and 0 < reading.value < nominal_bps:
                    detail: Detail = {"port": reading.of, "speed_bps": reading.value, "limit": nominal_bps}
                    return Symptom("port_slow", detail, (fact.id,))
        return None


@dataclass(slots=True)
class _Lan:
    behind: list[Fact]
    ports: _Ports
    agents: set[str]
    signals: Beside
    trains: Trains = field(default_factory=Trains)

    def needs(self, version: Version) -> Needs:
        rules = version.policy.lan
        return Needs(rules.lost_trains, rules.good_trains, rules.good_trains)

    def loss(self, first: int, last: int, held: Segment) -> tuple[State, str | None]:
        # A gateway known to be mute says nothing when the anchors fall silent too: the line may be dead as well.
        if held.reason == "gateway_mute" or trains.answered(self.behind, agents=self.agents, first=first, last=last):
            return "unknown", "gateway_mute"
        return "down", None

    def calm(self, version: Version) -> bool:
        well = self.trains.well() and self.ports.lowest_bps >= version.policy.lan.port_bps
        return well and all(beside.plain(fact, version, ()) for fact in self.signals.facts)

    def plain(self, fact: Fact, version: Version) -> bool:
        return fact.received == fact.sent

    def take(self, facts: Sequence[Fact], version: Version) -> None:
        self.trains.take(facts, version.policy.lan.window_s)

    def symptoms(self, moment: Moment, version: Version) -> list[Symptom]:
        rules = version.policy.lan
        found: list[Symptom | None] = []
        if not self.trains.well():
            found.append(trains.loss(self.trains.telling(rules.min_trains), rules.loss))
        found.append(self.ports.slow(moment, rules.port_bps))
        if self.signals.facts:
            found.append(beside.weak_wifi(self.signals, moment.at, rules.window_s, rules.wifi_dbm))
        return [symptom for symptom in found if symptom is not None]
