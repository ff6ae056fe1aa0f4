"""What is measured beside the trains of a lan or a line and makes it degraded while they answer: port, resolver, Wi-Fi.

Only what was measured within the window of the trains counts, so that judging may begin anywhere.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from collector.judge.facts import Fact
from collector.judge.speed import Contract, contracted
from collector.judge.timeline import Detail
from collector.judge.walk import Symptom
from collector.judge.windows import MAX_EVIDENCE
from collector.judging.policy import Line, Version

_PORT: Final = "motcua_line_port_bps"
_DUPLEX: Final = "motcua_line_port_duplex_ratio"
_ASKED: Final = "motcua_line_dns_seconds"
_SIGNAL: Final = "motcua_lan_wifi_signal_dbm"
_FOUND_NOTHING: Final = "not_resolved"  # the resolver answered: the name, or its zone, may be at fault


@dataclass(slots=True)
class Beside:
    """Facts of one probe, walked through in order of time."""

    facts: Sequence[Fact]
    next: int = 0
    held: deque[Fact] = field(default_factory=deque)

    def within(self, at: int, window_s: float) -> deque[Fact]:
        """What was measured in the window that ends at `at`; asked for in order."""
        while self.next < len(self.facts) and self.facts[self.next].at <= at:
            self.held.append(self.facts[self.next])
            self.next += 1
        while self.held and self.held[0].at <= at - round(1000 * window_s):
            self.held.popleft()
        return self.held


def of_probe(facts: Sequence[Fact], probe: str) -> Beside:
    """The facts of one probe among those of a subject."""
    return Beside([fact for fact in facts if fact.probe == probe])


def plain(fact: Fact, version: Version, contracts: Sequence[Contract]) -> bool:
    """Whether no rule finds anything in a fact of these probes; facts of others are not judged here."""
    lan, line = version.policy.lan, version.policy.line
    read = {reading.metric: reading.value for reading in fact.readings}
    if fact.probe == "use":
        due = max([lan.port_bps, *(one.bps or 0.0 for one in contracts)])
        return read.get(_DUPLEX, 1.0) in {0.0, 1.0} and not 0 < read.get(_PORT, 0.0) < due
    if fact.probe == "dns":
        return fact.outcome == "unknown" or (fact.outcome == "ok" and read.get(_ASKED, 0.0) <= line.dns_s)
    return fact.probe != "wifi" or not lan.wifi_dbm or read.get(_SIGNAL, 0.0) >= lan.wifi_dbm


def slow_port(use: Beside, at: int, rules: Line, nominal_bps: float, contracts: Sequence[Contract]) -> Symptom | None:
    """`port_slow` where the line's port runs in half duplex, below its nominal speed or below what was contracted."""
    last = next((fact for fact in reversed(use.within(at, rules.window_s)) if fact.readings), None)
    if last is None:
        return None
    read = {reading.metric: reading.value for reading in last.readings}
    limit, speed = max(nominal_bps, contracted(contracts, at) or 0.0), read.get(_PORT, 0.0)
    detail: Detail = {"metric": _PORT, "value": speed, "limit": limit}
    if 0 < read.get(_DUPLEX, 1.0) < 1:
        return Symptom("port_slow", {**detail, "duplex": "half"}, (last.id,))
    return Symptom("port_slow", detail, (last.id,)) if 0 < speed < limit else None


def failed_resolver(asked: Beside, at: int, rules: Line) -> Symptom | None:
    """`dns_failed` where no resolver answered so many times in a row; `dns_slow` by the median over the window."""
    facts = [fact for fact in asked.within(at, rules.window_s) if fact.outcome != "unknown"]
    last = facts[-rules.dns_failed :]
    if len(last) < rules.dns_failed:
        return None
    if all(fact.outcome == "fail" and fact.reason != _FOUND_NOTHING for fact in last):
        detail: Detail = {"in_a_row": rules.dns_failed, "why": last[-1].reason or ""}
        return Symptom("dns_failed", detail, tuple(f.id for f in reversed(last))[:MAX_EVIDENCE])
    took = [(min(r.value for r in f.readings), f.id) for f in facts if f.outcome == "ok" and f.readings]
    middle = median(value for value, _ in took) if len(took) >= rules.dns_failed else 0.0
    if middle <= rules.dns_s:
        return None
    slow = tuple(id_ for value, id_ in reversed(took) if value > rules.dns_s)
    detail = {"metric": _ASKED, "value": round(middle, 6), "limit": rules.dns_s}
    return Symptom("dns_slow", detail, slow[:MAX_EVIDENCE])


def weak_wifi(signals: Beside, at: int, window_s: float, limit_dbm: float) -> Symptom | None:
    """`wifi_weak` by the median over the window; fewer than half of its measurements say nothing."""
    facts = [fact for fact in signals.within(at, window_s) if fact.readings]
    if not limit_dbm or not facts or 2 * len(facts) * facts[-1].period_ms < 1000 * window_s:
        return None
    read = [(fact.readings[0].value, fact.id) for fact in facts]
    middle = median(value for value, _ in read)
    if middle >= limit_dbm:
        return None
    weak = tuple(id_ for value, id_ in reversed(read) if value < limit_dbm)
    return Symptom("wifi_weak", {"metric": _SIGNAL, "value": middle, "limit": limit_dbm}, weak[:MAX_EVIDENCE])
