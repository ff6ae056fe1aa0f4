"""The facts of an incident's page: the verdict with its evidence, what became of it, who was told, what can be done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from alerts.api import Evidence, Happened, Incident, Stage, Told, Verdict
from alerts.api import Reader as Alerts
from collector.api import Reader
from dashboards.board.incidents.calling import Namer
from dashboards.board.incidents.proof import Proof, proof_of
from dashboards.board.incidents.rows import Row, Teller, centre_of
from dashboards.board.incidents.sites import Site, Sites
from dashboards.board.incidents.testing import Tests, tests_of
from dashboards.board.names import observation_href, subject_href
from dashboards.board.numbers import span
from dashboards.board.order import collation_key
from dashboards.board.sentences import capital
from dashboards.board.times import minute
from dashboards.board.words import Words

NAMES_LISTED: Final = 200
CIRCUITS_LISTED: Final = 100
_TOLD_WHOLE: Final = frozenset({"opened", "revised"})
"""Events of which both is told: what it was, and the sentence."""

_PAGED: Final = frozenset({"line", "lan", "device", "agent", "service", "signing"})

NEXT: Final[Mapping[Stage, tuple[Stage, ...]]] = {
    "open": ("acknowledged",),
    "notified": ("acknowledged",),
    "acknowledged": ("on_the_way", "on_site"),
    "on_the_way": ("on_site",),
    "on_site": ("repaired",),
    "repaired": ("closed",),
    "closed": (),
}
"""What a person may say next; the alerts decide whether it may be said now."""


@dataclass(frozen=True, slots=True)
class Proven:
    """One piece of evidence. `place` where it is not clear from the page; `after_s`: how much later it was known."""

    text: str
    place: str
    href: str
    at_ms: int
    arrived_ms: int

    @property
    def after_s(self) -> float:
        return max(0, self.arrived_ms - self.at_ms) / 1000


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that was tried, and why it spoke or did not."""

    name: str
    fired: bool
    why: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One event of the history. `text` are a person's own words."""

    at_ms: int
    what: str
    by: str
    said: str
    text: str


@dataclass(frozen=True, slots=True)
class Side:
    """A verdict as it stood before or after a revision."""

    title: str
    owner: str
    span: str
    go: str
    confidence: str


@dataclass(frozen=True, slots=True)
class Revision:
    """Old beside new, when it was known, and why."""

    at_ms: int
    why: str
    old: Side | None
    new: Side


@dataclass(frozen=True, slots=True)
class Message:
    """Who was told, by which channel, and what came of it."""

    told: Told
    audience: str
    kind: str
    state: str


@dataclass(frozen=True, slots=True)
class Circuit:
    """One line of an incident as its carrier knows it."""

    subject: str
    name: str
    place: str
    carrier: str
    circuit: str


@dataclass(frozen=True, slots=True)
class IncidentPage:
    row: Row
    sub: list[str]
    evidence: list[Proven]
    rules: list[Rule]
    entries: list[Entry]
    revisions: list[Revision]
    told: list[Message]
    sites: list[Site]
    more_sites: int
    affected: list[tuple[str, str]]  # key, name
    circuits: list[Circuit]
    tests: Tests
    proof: Proof
    next: tuple[Stage, ...]
    muted_until_ms: int | None
    now_ms: int
    teller: Teller

    @property
    def i(self) -> Incident:
        return self.row.i


def look(alerts: Alerts, reader: Reader, key: str, words: Words) -> IncidentPage:
    """Everything the page of an incident shows. Raises NotFound of `alerts.api`."""
    held, now_ms = alerts.incident(key), reader.now_ms()
    teller = Teller(words, Namer(reader), now_ms)
    story, row, verdict = alerts.story(held.id), teller.row(held), held.verdict
    shown = Sites(alerts, reader, teller).of(held)
    muted = held.muted_until_ms
    return IncidentPage(
        row=row,
        sub=_sub(row, teller),
        evidence=[_proven(one, held, teller) for one in sorted(verdict.evidence, key=lambda one: -one.at_ms)],
        rules=[Rule(capital(teller.called("rule", c.rule)), c.fired, teller.say(c.why)) for c in verdict.considered],
        entries=[entry(one, teller) for one in reversed(story)],
        revisions=revisions(story, teller),
        told=[message(one, teller) for one in alerts.told(held.id)],
        sites=shown,
        more_sites=len(verdict.centres) - len(shown),
        affected=_named(verdict.affected, teller),
        circuits=_circuits(held, teller),
        tests=tests_of(reader, held),
        proof=proof_of(reader, held, story, teller),
        next=next_of(held),
        muted_until_ms=muted if muted is not None and muted > now_ms else None,
        now_ms=now_ms,
        teller=teller,
    )


def next_of(held: Incident) -> tuple[Stage, ...]:
    """What may be said next. Nothing is closed before the measurements say that it is over; one that nobody travels for
    is only taken note of until then."""
    if held.verdict.visit:
        return () if held.stage == "repaired" and held.ended_ms is None else NEXT[held.stage]
    if held.ended_ms is not None:
        return () if held.stage == "closed" else ("closed",)
    return ("acknowledged",) if held.stage in {"open", "notified"} else ()


def _sub(row: Row, teller: Teller) -> list[str]:
    """Since when, who waits, until when it is to be repaired."""
    parts = [capital(row.since), row.where if len(row.i.verdict.centres) > 1 else "", row.waiting]
    if row.i.target_ms is not None and row.i.ended_ms is None:
        key = "incident.target_missed" if row.overdue else "incident.target"
        late_s = (teller.now_ms - row.i.target_ms) / 1000
        parts.append(teller.words(key, at=minute(row.i.target_ms, teller.now_ms), span=span(abs(late_s), teller.words)))
    return [part for part in parts if part]


def _proven(one: Evidence, held: Incident, teller: Teller) -> Proven:
    kind, place = one.subject.partition(":")[0], centre_of(one.subject)
    several = len({*held.verdict.centres, *held.verdict.affected}) > 1
    href = observation_href(one.observation) if one.observation else subject_href(one.subject) if kind in _PAGED else ""
    named = teller.name(f"centre:{place}") if place and several else ""
    return Proven(teller.say(one.said), named, href, one.at_ms, one.arrived_ms)


def entry(one: Happened, teller: Teller) -> Entry:
    """What happened, in words."""
    said = teller.say(one.said)
    stage = capital(teller.called("stage", one.stage or ""))
    what = teller.words(f"happened.{one.what}", **({"stage": stage} if one.what == "stage" else {}))
    if said and one.what not in _TOLD_WHOLE:
        what, said = said, ""  # the sentence of the alerts says it all
    return Entry(one.at_ms, what, teller.person(one.by), said, one.text)


def revisions(story: Sequence[Happened], teller: Teller) -> list[Revision]:
    """Each verdict that took the place of another, newest first."""
    found = list[Revision]()
    before: Verdict | None = None
    for one in story:
        if one.verdict is None:
            continue
        if one.what == "revised":
            old = None if before is None else side(before, teller)
            found.append(Revision(one.at_ms, teller.say(one.said), old, side(one.verdict, teller)))
        before = one.verdict
    return found[::-1]


def side(verdict: Verdict, teller: Teller) -> Side:
    """A verdict in words, for beside another."""
    words = teller.words
    start = minute(verdict.since_ms, teller.now_ms)
    lasted = words("incident.from", at=start)
    if verdict.ended_ms is not None:
        length = span((verdict.ended_ms - verdict.since_ms) / 1000, words)
        lasted = words("incident.from_to", at=start, end=minute(verdict.ended_ms, teller.now_ms), span=length)
    return Side(
        title=teller.say(verdict.said),
        owner=teller.owner(verdict),
        span=lasted,
        go=words("incident.go" if verdict.visit else "incident.no_visit"),
        confidence=capital(teller.called("confidence", verdict.confidence)),
    )


def message(one: Told, teller: Teller) -> Message:
    """A message of the outbox in words."""
    words, (kind, _, own) = teller.words, one.audience.partition(":")
    names = {"team": lambda: teller.namer.team(own, words), "centre": lambda: teller.namer.centre(own, words)}
    audience = names[kind]() if kind in names else words(f"incident.audience_{kind}")
    return Message(one, audience, words(f"told_kind.{one.kind}"), words(f"told_state.{one.state}"))


def _named(keys: Sequence[str], teller: Teller) -> list[tuple[str, str]]:
    named = [(key, teller.namer.centre(key, teller.words)) for key in keys]
    return sorted(named, key=lambda one: collation_key(one[1]))[:NAMES_LISTED]


def _circuits(held: Incident, teller: Teller) -> list[Circuit]:
    """The lines that a carrier is asked about, where there is more than one."""
    lines = [key for key in held.verdict.subjects if key.startswith("line:")][:CIRCUITS_LISTED]
    found = []
    for key in lines if len(lines) > 1 else ():
        line, place = teller.namer.circuit(key), key.removeprefix("line:").partition("/")[0]
        name = teller.namer.centre(place, teller.words)
        carrier, circuit = ("", "") if line is None else (line.carrier.upper(), line.circuit)
        found.append(Circuit(key, teller.name(key), name, carrier, circuit))
    return found
