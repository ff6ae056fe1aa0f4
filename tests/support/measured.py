"""Facts written by hand, and a desk that judges them as they come: the judge without store or loop."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from typing import Final

from collector.api import Flip, State
from collector.judge.agent import Condition
from collector.judge.court import Case, settle
from collector.judge.edits import Edit, edits, timeline_of
from collector.judge.facts import Fact, Reading, in_order
from collector.judge.timeline import ALWAYS, Span, Timeline
from collector.judge.walk import valid_ms
from collector.judging.policy import Policies, Version, parse_policy
from wire.outcomes import Outcome

T0: Final = 1_763_700_000_000
"""Second 0 of every story."""

BOX: Final = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
DEVICE: Final = "device:01ARZ3NDEKTSV4RRFFQ69G5FAW"
LAN: Final = "lan:00000-1"
LINE: Final = "line:00000-1/a"
SECOND_LINE: Final = "line:00000-1/b"
CENTRE: Final = "centre:00000-1"
AGENT: Final = f"agent:{BOX}"
KINDS: Final[Mapping[str, str]] = {
    AGENT: "agent", LAN: "lan", LINE: "line", SECOND_LINE: "line", DEVICE: "device", CENTRE: "centre",
}  # fmt: skip

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


def every(seconds: Iterable[float], subject: str = LINE, *, lost: int = 0, target: str = "collector") -> list[Fact]:
    """Trains at these seconds, all alike."""
    return [train(second, subject, lost=lost, target=target) for second in seconds]


@dataclass(slots=True)
class Desk:
    """Takes facts as they come and keeps flips as the store does: append-only, with `supersedes`."""

    presence: Sequence[Span] = (Span(ms(-10), ALWAYS),)
    conditions: Sequence[Condition] = ()
    policies: Policies = POLICIES
    kinds: Mapping[str, str] = field(default_factory=lambda: dict(KINDS))
    facts: list[Fact] = field(default_factory=list)
    rows: list[Flip] = field(default_factory=list)

    def take(self, facts: Iterable[Fact], now_s: float) -> list[Edit]:
        """Facts have come; judge what they touch. The edits made."""
        came = list(facts)
        self.facts.extend(came)
        times = [fact.at for fact in came]
        return self.look(Span(min(times), max(times)), now_s) if times else []

    def look(self, touched: Span, now_s: float) -> list[Edit]:
        """Judge again around `touched`, as at `now_s`."""
        longest = max((valid_ms(fact, self.policies) for fact in self.facts), default=0)
        settled = settle(self._load, touched, now=ms(now_s), policies=self.policies, valid_ms=longest)
        made: list[Edit] = []
        for key, timeline in settled.timelines.items():
            made += edits(key, self.effective(key), timeline, settled.span)
        for edit in made:
            self.rows.append(_flip(len(self.rows) + 1, edit))
        return made

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

    def _load(self, span: Span) -> Case:
        inside = [fact for fact in self.facts if span.start <= fact.at <= span.end]
        earlier = [fact.at for fact in self.facts if fact.at < span.start]
        inside += [fact for fact in self.facts if earlier and fact.at == max(earlier)]
        facts = {key: [fact for fact in in_order(inside) if fact.subject == key] for key in self.kinds}
        before: dict[str, Timeline] = {key: timeline_of(self.effective(key)) for key in self.kinds}
        owners = {key: frozenset([BOX]) for key in self.kinds}
        return Case(
            self.kinds, facts, before, owners, self.policies, {BOX: self.presence}, {BOX: self.conditions},
        )  # fmt: skip


def _flip(seq: int, e: Edit) -> Flip:
    return Flip(seq, e.subject, e.at, e.from_state, e.to, e.reason, e.detail, e.policy, e.evidence, 0, e.supersedes)


def _content(flip: Flip) -> tuple[object, ...]:
    return (flip.at_ms, flip.from_state, flip.to, flip.reason, sorted(flip.detail.items()), flip.evidence)
