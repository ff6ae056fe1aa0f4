"""Where all is well and only more of the same came in, nothing need be judged again.

A fact is *plain* where no rule finds anything in it: answered, nothing lost, under every limit. While everything within
the reach of the rules is plain, windows hold nothing that could make a symptom, and no earlier moment waits for what
follows: another plain fact, newer than those of its source and in time, leaves every state as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from collector.judge import beside, trains
from collector.judge.agent import own_state
from collector.judge.court import Case, Timelines
from collector.judge.device import conditions
from collector.judge.facts import Fact
from collector.judge.lan import PORT
from collector.judge.service import ends_soon, limit_s
from collector.judge.stretch import valid_ms
from collector.judge.timeline import ALWAYS, Segment
from collector.judging.policy import Version

_USABLE: Final = ("ok", "degraded")
_BY_TRAINS: Final = ("lan", "line")

Source = tuple[str, str, str]

Meeting = Literal["rest", "news", "behind"]
"""`rest`: everything stays. `news`: it is to be judged from the first of these facts on, and as it was before.
`behind`: some of it may be judged otherwise before them, too."""


@dataclass(slots=True)
class _Held:
    """A subject at rest: what is told of it, the last moment of each source, and how long what was measured holds."""

    kind: str
    told: Segment
    last: dict[Source, int] = field(default_factory=dict)
    valid_ms: int = 0
    newest: int = 0

    @property
    def until(self) -> int:
        return self.newest + self.valid_ms

    def take(self, fact: Fact, valid: int) -> None:
        self.last[_source(fact)] = max(fact.at, self.last.get(_source(fact), 0))
        if self.kind in _BY_TRAINS and fact.probe != trains.PROBE:
            return  # a port that is read, or a resolver, does not keep a line known
        self.newest, self.valid_ms = max(self.newest, fact.at), max(valid, self.valid_ms)


@dataclass(slots=True)
class Rest:
    """Subjects of one centre that are settled together and are at rest."""

    case: Case
    held: dict[str, _Held]
    disturbed: bool = False

    @classmethod
    def of(cls, case: Case, timelines: Timelines, since: int, now: int) -> Rest | None:
        """The subjects of a case that was judged to its end, `now`; None where anything since `since` is not plain."""
        if case.stays or case.retired or any(case.far.asked.values()):
            return None
        way = timelines.get(next(iter(case.of("centre")), ""), case.way).at(now)
        held = {key: _Held(kind, timelines[key].at(now)) for key, kind in case.subjects.items()}
        if "service" in case.subjects.values() and way.state not in _USABLE:
            return None
        rest = cls(_light(case), held)
        newest = (case.facts[key][-1] for key in held if case.facts.get(key))
        if not all(rest._plain(fact) for fact in newest if fact.at >= since):  # mostly it is seen here
            return None
        if all(rest.knows(case.facts.get(key, ()), since) for key in held):
            return rest
        return None

    def knows(self, facts: Sequence[Fact], since: int) -> bool:
        """Take in what was measured of a subject so far. False where something of it, since then, is not plain."""
        for fact in reversed(facts):
            if fact.at >= since and not self._plain(fact):
                return False
            one = self.held[fact.subject]
            if fact.at >= since or _source(fact) not in one.last:
                one.take(fact, valid_ms(fact, self.case.policies))
        return True

    def meets(self, facts: Iterable[Fact]) -> Meeting:
        """What facts that came in do to these subjects, others are not asked about; they are taken in."""
        news, newest = False, 0
        for fact in facts:
            one = self.held.get(fact.subject)
            if one is None:
                continue
            if fact.at <= one.last.get(_source(fact), 0) or (one.newest and fact.at > one.until):
                return "behind"
            news = news or _source(fact) not in one.last or not self._plain(fact)
            one.take(fact, valid_ms(fact, self.case.policies))
            newest = max(newest, fact.at)
        stale_ms = self.due_ms(0)
        if stale_ms is not None and stale_ms <= newest:  # another of them went stale before
            return "behind"
        self.disturbed = self.disturbed or news
        return "news" if self.disturbed else "rest"

    def due_ms(self, cut_ms: int) -> int | None:
        """When the first of its subjects goes stale, as it stands; None where nothing is measured."""
        return min((one.until + cut_ms + 1 for one in self.held.values() if one.newest), default=None)

    def _plain(self, fact: Fact) -> bool:
        """By every version that may still look at it."""
        held, policies = self.held[fact.subject], self.case.policies
        later = (v for v in policies.versions[1:] if v.from_ms > fact.at)
        return all(_PLAIN[held.kind](fact, held.told, v, self.case) for v in (policies.at(fact.at), *later))


def _light(case: Case) -> Case:
    """The case without what was measured: a rest lives long."""
    return Case({}, {}, {}, {}, case.policies, limits=case.limits, contracts=case.contracts)


def _source(fact: Fact) -> Source:
    return fact.agent, fact.probe, fact.target


# --- what is plain, by kind; each beside the rule it answers for ------------------------------------------------------


def _train(fact: Fact, told: Segment, version: Version, case: Case) -> bool:
    """Of a lan or a line: trains that came back whole; of other probes what gives no reason for anything."""
    if fact.probe != trains.PROBE:
        return beside.plain(fact, version, case.contracts.get(fact.subject, ()))
    slow = fact.rtt_s is not None and fact.subject.startswith("line:") and fact.rtt_s > version.policy.line.rtt_s
    return told.state == "ok" and fact.outcome == "ok" and fact.received == fact.sent and not slow


def _report(fact: Fact, told: Segment, version: Version, _case: Case) -> bool:
    """Of a device: what it reports is what is told of it already."""
    if fact.outcome != "ok" or told.state not in _USABLE or _slow_port(fact, version):
        return False
    reasons = {symptom.reason for symptom in conditions(fact, version.policy.device)}
    return told.reason in reasons if told.state == "degraded" else not reasons


def _slow_port(fact: Fact, version: Version) -> bool:
    nominal = version.policy.lan.port_bps
    return any(reading.metric == PORT and 0 < reading.value < nominal for reading in fact.readings)


def _health(fact: Fact, told: Segment, version: Version, _case: Case) -> bool:
    """Of an agent: it is heard, and says that it is well."""
    return told.state == "ok" and own_state(fact.at, fact, version).state == "ok"


def _run(fact: Fact, told: Segment, version: Version, case: Case) -> bool:
    """Of a service: it passed, in time."""
    if told.state != "ok" or fact.outcome != "ok" or ends_soon(fact, version):
        return False
    limits = case.limits.get(fact.subject, ())
    later = [one.slow_s for one in limits if one.to_ms is None or one.to_ms > fact.at]
    limit = min(limit_s(limits, fact.at, version.policy.service.slow_s), *later, ALWAYS)
    return fact.total_s is None or fact.total_s <= limit


def _never(_fact: Fact, _told: Segment, _version: Version, _case: Case) -> bool:
    return False


_PLAIN: Final[dict[str, Callable[[Fact, Segment, Version, Case], bool]]] = {
    "lan": _train, "line": _train, "device": _report, "agent": _health, "service": _run, "centre": _never,
}  # fmt: skip
