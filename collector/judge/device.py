"""A device: whether it answers, and the conditions it reports of itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from collector.api import State
from collector.judge.facts import Fact
from collector.judge.line import blame
from collector.judge.moments import Moment
from collector.judge.timeline import Detail, Segment, Timeline
from collector.judge.walk import Needs, Question, Symptom, walk
from collector.judging.policy import Device, Version


def judge_device(question: Question, *, lan: Timeline) -> list[Segment]:
    """`lan`: the centre's network as judged; a device that does not answer is down only while the lan does."""
    return walk(question, _Device(lan))


@dataclass(frozen=True, slots=True)
class _Device:
    lan: Timeline

    def needs(self, version: Version) -> Needs:
        rules = version.policy.device
        return Needs(rules.failed, rules.good, rules.good)

    def loss(self, first: int, last: int, held: Segment) -> tuple[State, str | None]:
        return blame(self.lan, first, last)

    def calm(self, version: Version) -> bool:
        return True

    def plain(self, fact: Fact, version: Version) -> bool:
        return next(conditions(fact, version.policy.device), None) is None

    def take(self, facts: Sequence[Fact], version: Version) -> None:
        """A report speaks for itself alone."""

    def symptoms(self, moment: Moment, version: Version) -> list[Symptom]:
        found = [s for fact in moment.facts for s in conditions(fact, version.policy.device)]
        return sorted(found, key=lambda s: _ORDER.index(s.reason))


_ORDER = ("disk_low", "memory_low", "temperature", "on_battery")


def conditions(fact: Fact, rules: Device) -> Iterator[Symptom]:
    """What a device's own numbers say is wrong, one symptom a number."""
    limits = {
        "motcua_device_disk_used_ratio": ("disk_low", rules.disk_used),
        "motcua_device_inodes_used_ratio": ("disk_low", rules.inodes_used),
        "motcua_device_memory_used_ratio": ("memory_low", rules.memory_used),
        "motcua_device_temperature_celsius": ("temperature", rules.temperature_c),
    }
    for reading in fact.readings:
        reason, limit = limits.get(reading.metric, ("", 0.0))
        if reason and reading.value > limit:
            detail: Detail = {"metric": reading.metric, "of": reading.of, "value": reading.value, "limit": limit}
            yield Symptom(reason, detail, (fact.id,))
        elif reading.metric == "motcua_device_battery_plugged" and reading.value == 0 and rules.on_battery:
            yield Symptom("on_battery", {}, (fact.id,))
