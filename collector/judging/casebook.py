"""What the judge reads: facts from stored bodies, and everything else that a case is made of."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import BindParameter, Connection, Row, bindparam, func, or_, select

from collector.api import Flip
from collector.judge.agent import Condition
from collector.judge.court import Case
from collector.judge.edits import timeline_of
from collector.judge.facts import Fact, fact_of, in_order
from collector.judge.settling import Part, parts_of
from collector.judge.timeline import ALWAYS, Span
from collector.judging import flips
from collector.judging.findings import Findings
from collector.judging.policy import Policies, Policy
from collector.judging.resting import Rests
from collector.judging.spoken import Spoken
from collector.judging.views import Look, Seen, Views
from collector.register.places import Key, Place, Places
from collector.store.bodies import InboxRow, observations, read_seqs
from collector.store.tables import condition, heard, inbox, presence
from wire.messages import Observation

MAX_FACTS: Final = 300_000
"""Facts kept in memory, about 100 MB: half an hour of 800 centres. What is not there is read again."""

_CHUNK: Final = 500


@dataclass(frozen=True, slots=True)
class Loaded:
    """A case with the flips it was made from; `pruned` where some of what was measured is no longer kept."""

    case: Case
    flips: Mapping[str, Sequence[Flip]]
    gone: bool
    far: Look

    @property
    def pruned(self) -> bool:
        return self.gone or self.far.pruned


@dataclass(frozen=True, slots=True)
class _Known:
    """What follows from a place's register alone, worked out once."""

    place: Place
    parts: list[Part]
    owners: Mapping[str, frozenset[str]]
    planned: Mapping[str, int]


@dataclass(slots=True)
class Casebook:
    """Reads cases; keeps the facts of rows within a bound, the least used given up first."""

    policies: Policies
    places: Places = field(default_factory=Places)
    max_facts: int = MAX_FACTS
    views: Views = field(default_factory=Views)
    rests: Rests = field(default_factory=Rests)
    findings: Findings = field(default_factory=Findings)
    spoken: Spoken = field(default_factory=Spoken)
    _rows: OrderedDict[int, tuple[Fact, ...]] = field(default_factory=OrderedDict)
    _held: int = 0
    _known: dict[str, _Known] = field(default_factory=dict)

    def take(self, row: InboxRow, place: Place) -> tuple[Fact, ...]:
        """The facts of a row about its own place; what a vantage saw of others is put among the views.

        What an unsure clock stamped is no evidence and left out.
        """
        known = self._rows.get(row.seq)
        if known is not None:
            self._rows.move_to_end(row.seq)
            return known
        facts = self._facts_of(row, place)
        if watched := place.watches.get(row.agent):
            self._see(row, facts)
            facts = tuple(fact for fact in facts if fact.subject not in watched)
        self._rows[row.seq] = facts
        self._held += len(facts)
        while self._held > self.max_facts and len(self._rows) > 1:
            self._held -= len(self._rows.popitem(last=False)[1])
        return facts

    def _facts_of(self, row: InboxRow, place: Place) -> tuple[Fact, ...]:
        return tuple(
            fact_of(stored, self.period_ms(place, row.agent, stored.at_ms, _key(stored.observation)))
            for stored in observations(row)
            if not stored.clock_unsure
        )

    def _see(self, row: InboxRow, facts: Sequence[Fact]) -> Seen:
        span = Span(row.at_min_ms, row.at_max_ms)
        return self.views.keep(row.seq, row.agent, span, facts, gone=row.body is None)

    def refresh(self, conn: Connection) -> None:
        """Take in what was found of lines, and whence agents spoke, since the last look."""
        self.findings.refresh(conn)
        self.spoken.refresh(conn)

    def parts(self, place: Place) -> list[Part]:
        """What of a place is settled together: first the centre itself, then its services by their periods."""
        return self._of(place).parts

    def _of(self, place: Place) -> _Known:
        known = self._known.get(place.centre)
        if known is None or known.place is not place:
            drawn = _Known(place, _parts(place, self.policies), place.owners(), place.planned())
            known = self._known[place.centre] = drawn
        return known

    def load(
        self, conn: Connection, place: Place, span: Span, *, now_ms: int, keys: Collection[str] | None = None
    ) -> Loaded:
        """The case of a place with every fact of `span`, and the last of each subject before where it begins in a gap.

        `keys`: the subjects that are to be judged; None: all.
        """
        centre, agents = f"centre:{place.centre}", list(place.plans)
        subjects = {key: place.subjects[key] for key in (place.subjects if keys is None else keys)}
        core = centre in subjects
        known = self._of(place)
        quiet_ms = max(part.pace.period_ms for part in known.parts if keys is None or part.keys & set(keys))
        facts, pruned = self._facts(conn, place, span, quiet_ms)
        by_subject: dict[str, list[Fact]] = {
            key: [] for key, kind in place.subjects.items() if core or kind == "service"
        }
        for fact in in_order([fact for fact in facts if fact.subject in by_subject]):
            by_subject[fact.subject].append(fact)
        far = self._look(conn, place, span, now_ms)
        held = flips.effective(conn, {*subjects, centre}, span.start, ALWAYS)
        before = {key: timeline_of(rows) for key, rows in held.items()}
        case = Case(
            subjects, by_subject, before, known.owners, self.policies, read_presence(conn, agents, span, now_ms),
            read_conditions(conn, agents, span) if core else {}, retired=place.retired, stays=place.stays,
            limits=place.limits, way=before[centre], planned=known.planned, far=far, contracts=place.contracts,
            findings=self.findings.of(subjects), carried=self.spoken.carried(place) if core else (),
        )  # fmt: skip
        return Loaded(case, held, pruned, far)

    def _look(self, conn: Connection, place: Place, span: Span, now_ms: int) -> Look:
        """What the province sees of a place; how well a vantage is, is told by what it saw a while before."""
        wide = Span(span.start - self.policies.reach_ms, span.end)
        return Look(
            self.views, place.far, wide, lambda agent, around: self._seen(conn, agent, around),
            lambda agent, around: read_presence(conn, [agent], around, now_ms)[agent],
        )  # fmt: skip

    def _seen(self, conn: Connection, agent: str, span: Span) -> list[Seen]:
        found: list[Seen] = []
        missing: list[int] = []
        for head in conn.execute(_INSIDE, {"agent": agent, "first": span.start, "last": span.end}):
            seen = self.views.row(head.seq)
            if seen is None:
                missing.append(head.seq)
            else:
                found.append(seen)
        home = self.places.centre_of(conn, agent)
        for n in range(0, len(missing) if home else 0, _CHUNK):
            rows = read_seqs(conn, missing[n : n + _CHUNK])
            found += [self._see(row, self._facts_of(row, self.places.at(conn, home or ""))) for row in rows]
        return found

    # --- facts ------------------------------------------------------------------------------------------------------

    def _facts(self, conn: Connection, place: Place, span: Span, quiet_ms: int) -> tuple[list[Fact], bool]:
        heads = [head for name in place.plans for head in _heads(conn, name, span, quiet_ms)]
        missing = [head.seq for head in heads if head.seq not in self._rows]
        found = [fact for head in heads for fact in self._rows.get(head.seq, ())]
        pruned = False
        for n in range(0, len(missing), _CHUNK):
            for row in read_seqs(conn, missing[n : n + _CHUNK]):
                pruned = pruned or row.body is None
                found += self.take(row, place)
        return found, pruned

    def period_ms(self, place: Place, name: str, at: int, key: Key) -> int:
        """How often an agent measured something at a time: by its plan, else by the policy of that time."""
        planned = place.period_ms(name, key, at)
        if planned is not None:
            return planned
        periods = _periods(self.policies.at(at).policy)
        return round(1000 * periods.get(key[0].partition(":")[0], max(periods.values())))


def _key(o: Observation) -> Key:
    return o.subject, o.probe, o.target


def _periods(policy: Policy) -> dict[str, float]:
    """Seconds between measurements where no plan tells, by the kind of subject."""
    return {
        "lan": policy.lan.period_s, "line": policy.line.period_s, "device": policy.device.period_s,
        "agent": policy.agent.period_s, "service": policy.service.period_s,
    }  # fmt: skip


def _parts(place: Place, policies: Policies) -> list[Part]:
    """Where no plan tells how often something is measured, the policy does."""
    default: dict[str, int] = {}
    for version in policies.versions:
        for kind, period_s in _periods(version.policy).items():
            default[kind] = max(default.get(kind, 0), round(1000 * period_s))
    planned = place.longest_periods()
    periods = {key: planned.get(key, default.get(kind, 0)) for key, kind in place.subjects.items()}
    return parts_of(place.subjects, periods, policies)


# --- questions, built once: building one costs more than asking it ---------------------------------------------------

_AGENTS: Final[BindParameter[str]] = bindparam("agents", expanding=True)
_FIRST: Final[BindParameter[int]] = bindparam("first")
_LAST: Final[BindParameter[int]] = bindparam("last")

_INSIDE: Final = (
    select(inbox.c.seq, inbox.c.at_min_ms)
    .where(inbox.c.agent == bindparam("agent"), inbox.c.at_max_ms >= _FIRST, inbox.c.at_min_ms <= _LAST)
    .order_by(inbox.c.seq)
)
_EARLIER: Final = (
    select(inbox.c.seq, inbox.c.at_min_ms)
    .where(inbox.c.agent == bindparam("agent"), inbox.c.at_max_ms < _FIRST)
    .where(inbox.c.at_max_ms >= bindparam("since"))
)
_NEWEST: Final = select(func.max(inbox.c.at_max_ms)).where(
    inbox.c.agent == bindparam("agent"), inbox.c.at_max_ms < _FIRST
)
_STARTS_BEFORE: Final = (
    select(func.max(presence.c.from_ms))
    .where(presence.c.agent.in_(_AGENTS), presence.c.from_ms < _FIRST)
    .group_by(presence.c.agent)
)
_NEAR: Final = (presence.c.to_ms >= _FIRST) & (presence.c.from_ms <= _LAST)
_PRESENCE: Final = (
    select(presence)
    .where(presence.c.agent.in_(_AGENTS), or_(_NEAR, presence.c.from_ms.in_(_STARTS_BEFORE)))
    .order_by(presence.c.from_ms)
)
_OPEN: Final = select(heard.c.agent, heard.c.from_ms).where(
    heard.c.agent.in_(_AGENTS), heard.c.alert_after_ms > bindparam("now")
)
_CONDITIONS: Final = (
    select(condition)
    .where(condition.c.agent.in_(_AGENTS), condition.c.from_ms <= _LAST)
    .where(or_(condition.c.to_ms.is_(None), condition.c.to_ms >= _FIRST))
    .order_by(condition.c.from_ms, condition.c.id)
)


def _heads(conn: Connection, name: str, span: Span, quiet_ms: int) -> Sequence[Row[int, int]]:
    """Rows of an agent that may hold something of a span; where that begins in a gap, also its last rows before, as far
    back as something may wait for its turn."""
    given: dict[str, str | int] = {"agent": name, "first": span.start}
    heads = conn.execute(_INSIDE, given | {"last": span.end}).all()
    if min((head.at_min_ms for head in heads), default=span.end) <= span.start:
        return heads
    newest: int | None = conn.scalar(_NEWEST, given)
    if newest is None:
        return heads
    return [*conn.execute(_EARLIER, given | {"since": newest - quiet_ms}).all(), *heads]


def read_presence(conn: Connection, agents: Sequence[str], span: Span, now_ms: int) -> dict[str, list[Span]]:
    """When each agent was heard, around `span`: the last presence before it tells that there was one.

    A presence is open, without end, until its silence is due.
    """
    found: dict[str, list[Span]] = {name: [] for name in agents}
    given = {"agents": agents, "first": span.start, "last": span.end}
    for row in conn.execute(_PRESENCE, given):
        found[row.agent].append(Span(row.from_ms, row.to_ms))
    for row in conn.execute(_OPEN, {"agents": agents, "now": now_ms}):
        found[row.agent] = [s for s in found[row.agent] if s.start != row.from_ms] + [Span(row.from_ms, ALWAYS)]
    return found


def read_conditions(conn: Connection, agents: Sequence[str], span: Span) -> dict[str, list[Condition]]:
    """Conditions of each agent that hold at some moment of `span`."""
    found: dict[str, list[Condition]] = {name: [] for name in agents}
    for row in conn.execute(_CONDITIONS, {"agents": agents, "first": span.start, "last": span.end}):
        end = ALWAYS if row.to_ms is None else row.to_ms
        found[row.agent].append(Condition(row.name, Span(row.from_ms, end)))
    return found
