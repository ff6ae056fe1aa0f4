"""Facts written by hand, and a desk that judges them as they come: the judge without store or loop."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from random import Random
from typing import Final

from collector.api import Flip, State
from collector.judge.agent import Condition
from collector.judge.court import Case
from collector.judge.edits import Edit, edits, timeline_of
from collector.judge.egress import Carried
from collector.judge.facts import Fact, Reading, in_order
from collector.judge.findings import Finding
from collector.judge.service import Limit
from collector.judge.settling import Part, Settled, parts_of, review
from collector.judge.speed import Contract
from collector.judge.timeline import ALWAYS, Span, Timeline
from collector.judge.vantage import Company, Names, slots, within
from collector.judging.policy import Policies, Version, parse_policy
from wire.outcomes import Outcome

T0: Final = 1_763_700_000_000
"""Second 0 of every story."""

BOX: Final = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
DEVICE: Final = "device:01ARZ3NDEKTSV4RRFFQ69G5FAW"
VANTAGE: Final = "01ARZ3NDEKTSV4RRFFQ69G5FVA"
LAN: Final = "lan:00000-1"
LINE: Final = "line:00000-1/a"
SECOND_LINE: Final = "line:00000-1/b"
THIRD_LINE: Final = "line:00000-1/c"
CENTRE: Final = "centre:00000-1"
AGENT: Final = f"agent:{BOX}"
PORTAL: Final = "service:portal@00000-1"
MAIL: Final = "service:mail@00000-1"
KINDS: Final[Mapping[str, str]] = {
    AGENT: "agent", LAN: "lan", LINE: "line", SECOND_LINE: "line", DEVICE: "device", CENTRE: "centre",
    PORTAL: "service", MAIL: "service",
}  # fmt: skip
PERIODS_S: Final[Mapping[str, float]] = {PORTAL: 60.0, MAIL: 300.0}
"""How often the services are asked in these stories."""

POLICY: Final = parse_policy((resources.files("province") / "policy.toml").read_bytes(), "province/policy.toml")
POLICIES: Final = Policies((Version(1, 0, POLICY),))


def ms(second: float) -> int:
    """A story's second as UTC milliseconds."""
    return T0 + round(second * 1000)


def train(
    second: float, subject: str = LINE, *, lost: int = 0, sent: int = 5, rtt_s: float = 0.01, target: str = "collector",
    outcome: Outcome | None = None, reason: str | None = None, period_s: float = 10.0, agent: str = BOX,
) -> Fact:  # fmt: skip
    """A train of packets; lost whole it is a fail."""
    whole = lost >= sent
    said: Outcome = outcome or ("fail" if whole else "ok")
    why = reason or {"ok": None, "fail": "no_answer", "unknown": "no_permission"}[said]
    asked, back = (0, 0) if said == "unknown" else (sent, sent - lost)
    name = f"{agent}/{subject}/{target}/{round(second * 1000)}"
    rtt = None if whole or said == "unknown" else rtt_s
    period_ms = round(period_s * 1000)
    return Fact(ms(second), subject, agent, "reach", target, said, why, period_ms, name, 0, asked, back, rtt)


def report(second: float, *readings: tuple[str, str, float], subject: str = DEVICE, outcome: Outcome = "ok") -> Fact:
    """A device's or an agent's report of itself, once a minute."""
    told = tuple(Reading(*reading) for reading in readings)
    why = {"ok": None, "fail": "no_answer", "unknown": "probe_error"}[outcome]
    name = f"{BOX}/{subject}/self/{round(second * 1000)}"
    return Fact(ms(second), subject, BOX, "pc", "self", outcome, why, 60_000, name, 0, readings=told)


def beside(
    second: float, subject: str, probe: str, *readings: tuple[str, float], outcome: Outcome = "ok",
    reason: str | None = None, period_s: float = 60.0,
) -> Fact:  # fmt: skip
    """What another probe measured of a lan or a line: its port, its resolver, its Wi-Fi."""
    told = tuple(Reading(metric, "", value) for metric, value in readings)
    why = reason or {"ok": None, "fail": "no_answer", "unknown": "probe_error"}[outcome]
    name = f"{BOX}/{subject}/{probe}/{round(second * 1000)}"
    return Fact(ms(second), subject, BOX, probe, "it", outcome, why, round(period_s * 1000), name, 0, readings=told)


def run(
    second: float, subject: str = PORTAL, *, total_s: float = 0.3, outcome: Outcome = "ok", reason: str | None = None,
    certificate_s: float | None = None, agent: str = BOX,
) -> Fact:  # fmt: skip
    """A service asked once."""
    why = reason or {"ok": None, "fail": "timeout_answer", "unknown": "resolver_failed"}[outcome]
    left = () if certificate_s is None else (Reading("motcua_service_certificate_left_seconds", "ipv4", certificate_s),)
    name, period_ms = f"{agent}/{subject}/{round(second * 1000)}", round(1000 * PERIODS_S.get(subject, 60.0))
    took = total_s if outcome == "ok" else None
    target = f"https://{subject.partition(':')[2].partition('@')[0]}.example/"
    return Fact(
        ms(second), subject, agent, "service", target, outcome, why, period_ms, name, 0, readings=left, total_s=took,
    )  # fmt: skip


def every(seconds: Iterable[float], subject: str = LINE, *, lost: int = 0, target: str = "collector") -> list[Fact]:
    """Trains at these seconds, all alike."""
    return [train(second, subject, lost=lost, target=target) for second in seconds]


def batches(facts: list[Fact], dice: Random) -> list[list[Fact]]:
    """Cut as agents cut, once a minute, some torn apart, some there twice, in any order."""
    cut: dict[tuple[int, int], list[Fact]] = {}
    torn = dice.randint(1, 3)
    for n, fact in enumerate(facts):
        cut.setdefault((fact.at // 60_000, n % torn), []).append(fact)
    pieces = list(cut.values())
    pieces += dice.sample(pieces, 3)
    dice.shuffle(pieces)
    return pieces


@dataclass(slots=True)
class Seen:
    """What one vantage knows, as `collector.judge.vantage.Far`."""

    every: Sequence[Fact]
    room: Sequence[Span]
    asked: dict[str, Sequence[Fact]] = field(default_factory=dict)

    def facts(self, line: str) -> Sequence[Fact]:
        self.asked[line] = in_order([fact for fact in self.every if fact.subject == line])
        return self.asked[line]

    def presence(self, line: str) -> Sequence[Span]:
        return self.room

    def company(self, line: str, lately: Span, now: Span) -> Sequence[Company]:
        by_slot = slots([fact for fact in self.every if fact.subject != line], Names())
        return [Company(within(by_slot, lately).answered, *within(by_slot, now))]


@dataclass(slots=True)
class Desk:
    """Takes facts as they come and keeps flips as the store does: append-only, with `supersedes`."""

    presence: Sequence[Span] = (Span(ms(-10), ALWAYS),)
    conditions: Sequence[Condition] = ()
    policies: Policies = POLICIES
    kinds: Mapping[str, str] = field(default_factory=lambda: dict(KINDS))
    limits: Mapping[str, Sequence[Limit]] = field(default_factory=dict)
    planned: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    seen: list[Fact] = field(default_factory=list)
    """What the vantage measured: of this centre's lines, and of all else it asks."""
    room: Sequence[Span] = (Span(ms(-10), ALWAYS),)
    contracts: Mapping[str, Sequence[Contract]] = field(default_factory=dict)
    findings: Mapping[str, Sequence[Finding]] = field(default_factory=dict)
    carried: Sequence[Carried] = ()
    facts: list[Fact] = field(default_factory=list)
    rows: list[Flip] = field(default_factory=list)

    def take(self, facts: Iterable[Fact], now_s: float) -> list[Edit]:
        """Facts have come; judge what they touch. The edits made."""
        came = list(facts)
        self.facts.extend(came)
        times = [fact.at for fact in came]
        return self.look(Span(min(times), max(times)), now_s, timed=False) if times else []

    def look(self, touched: Span, now_s: float, *, timed: bool = True) -> list[Edit]:
        """Judge again around `touched`, as at `now_s`."""
        return self.write(review(self.load, touched, now=ms(now_s), centre=CENTRE, parts=self.parts(), timed=timed))

    def write(self, found: Sequence[Settled]) -> list[Edit]:
        """Keep what was judged. The edits made."""
        made: list[Edit] = []
        for settled in found:
            for key, timeline in settled.timelines.items():
                made += edits(key, self.effective(key), timeline, settled.span)
        for edit in made:
            self.rows.append(_flip(len(self.rows) + 1, edit))
        return made

    def see(self, facts: Iterable[Fact], now_s: float) -> list[Edit]:
        """The vantage's facts have come."""
        came = list(facts)
        self.seen.extend(came)
        times = [fact.at for fact in came]
        return self.look(Span(min(times), max(times)), now_s)

    def effective(self, subject: str) -> list[Flip]:
        """The flips of a subject that hold, in order of time."""
        over = {row.supersedes for row in self.rows}
        held = [row for row in self.rows if row.subject == subject and row.to is not None and row.seq not in over]
        return sorted(held, key=lambda row: row.at_ms)

    def told(self, subject: str) -> list[tuple[float, State, str | None]]:
        """A subject's states as (second of the story, state, reason)."""
        return [((row.at_ms - T0) / 1000, row.to, row.reason) for row in self.effective(subject) if row.to is not None]

    def everything(self) -> dict[str, list[tuple[object, ...]]]:
        """All that the effective flips tell, without the numbers of their rows."""
        return {key: [_content(flip) for flip in self.effective(key)] for key in self.kinds}

    def parts(self) -> list[Part]:
        """As the casebook parts a centre."""
        periods = {key: round(1000 * PERIODS_S.get(key, 60.0)) for key, kind in self.kinds.items() if kind == "service"}
        return parts_of(self.kinds, periods, self.policies)

    def load(self, span: Span, keys: Collection[str]) -> Case:
        """As the casebook loads a case."""
        inside = [fact for fact in self.facts if span.start <= fact.at <= span.end]
        newest = max((fact.at for fact in self.facts if fact.at < span.start), default=None)
        quiet = max(part.pace.period_ms for part in self.parts() if part.keys & set(keys))
        if newest is not None:
            inside += [fact for fact in self.facts if newest - quiet <= fact.at < span.start]
        facts = {key: [fact for fact in in_order(inside) if fact.subject == key] for key in self.kinds}
        before: dict[str, Timeline] = {key: timeline_of(self.effective(key)) for key in self.kinds}
        owners = {key: frozenset([BOX]) for key in self.kinds}
        far = Seen(self.seen, self.room)
        return Case(
            {key: self.kinds[key] for key in keys}, facts, before, owners, self.policies, {BOX: self.presence},
            {BOX: self.conditions}, limits=self.limits, way=before.get(CENTRE, Timeline()), planned=self.planned,
            far=far, contracts=self.contracts, findings=self.findings, carried=self.carried,
        )  # fmt: skip


def _flip(seq: int, e: Edit) -> Flip:
    return Flip(seq, e.subject, e.at, e.from_state, e.to, e.reason, e.detail, e.policy, e.evidence, 0, e.supersedes)


def _content(flip: Flip) -> tuple[object, ...]:
    return (flip.at_ms, flip.from_state, flip.to, flip.reason, sorted(flip.detail.items()), flip.evidence)
