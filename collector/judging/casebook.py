"""What the judge reads: facts from stored bodies, and everything else that a case is made of."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from operator import attrgetter
from typing import Final

from sqlalchemy import Connection

from collector.api import Flip
from collector.judge.court import Case
from collector.judge.edits import timeline_of
from collector.judge.facts import Fact, fact_of, in_order
from collector.judge.settling import Part, parts_of
from collector.judge.timeline import Span
from collector.judging.docket import Docket, draw, read_heads, read_presence
from collector.judging.findings import Findings
from collector.judging.policy import Policies, Policy
from collector.judging.resting import Rests
from collector.judging.spoken import Spoken
from collector.judging.views import Look, Seen, Views
from collector.register.places import Key, Place, Places
from collector.store.bodies import InboxRow, accepted, corrected_ms, read_seqs

MAX_FACTS: Final = 300_000
"""Facts kept in memory, some 60 MB; what is not there is read again. A country needs more than that:"""

FACTS_A_CENTRE: Final = 500
"""kept at least: what a centre's box and its lines tell in the time that judging them looks back."""

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
    a_centre: int = FACTS_A_CENTRE
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
        facts = tuple(in_order(self._facts_of(row, place)))
        if watched := place.watches.get(row.agent):
            self._see(row, facts)
            facts = tuple(fact for fact in facts if fact.subject not in watched)
        if row.body is None:  # to be seen as gone whenever it is asked for
            return ()
        self._rows[row.seq] = facts
        self._held += len(facts)
        most = max(self.max_facts, self.a_centre * len(self._known))
        while self._held > most and len(self._rows) > 1:
            self._held -= len(self._rows.popitem(last=False)[1])
        return facts

    def _facts_of(self, row: InboxRow, place: Place) -> tuple[Fact, ...]:
        if row.offset_ms is None:
            return ()
        batch, drawn = f"{row.agent}/{row.epoch}/{row.batch}", []
        for o in accepted(row):
            at = corrected_ms(o, row.offset_ms)
            period_ms = self.period_ms(place, row.agent, at, (o.subject, o.probe, o.target))
            drawn.append(fact_of(o, at, row.agent, batch, period_ms))
        return tuple(drawn)

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

    def docket(self, conn: Connection, places: Iterable[Place], around: Span, *, now_ms: int) -> Docket:
        """What is needed of these places around a span, asked for at once."""
        every = list(places)
        agents = dict.fromkeys(name for place in every for name in place.plans)
        subjects = dict.fromkeys(key for place in every for key in (f"centre:{place.centre}", *place.subjects))
        return draw(conn, list(agents), list(subjects), around, now_ms)

    def load(
        self, conn: Connection, place: Place, span: Span, *, now_ms: int, keys: Collection[str] | None = None,
        docket: Docket | None = None,
    ) -> Loaded:  # fmt: skip
        """The case of a place with every fact of `span`, and the last of each subject before where it begins in a gap.

        `keys`: the subjects that are to be judged; None: all. `docket`: what is known of it and its neighbours already.
        """
        centre = f"centre:{place.centre}"
        subjects = {key: place.subjects[key] for key in (place.subjects if keys is None else keys)}
        core = centre in subjects
        known = self._of(place)
        if docket is None or not docket.covers(span, place.plans, (centre, *subjects)):
            docket = self.docket(conn, [place], span, now_ms=now_ms)
        facts, pruned = self._facts(conn, place, docket, span, subjects)
        far = self._look(conn, place, span, now_ms)
        held = {key: docket.told(key, span.start) for key in {*subjects, centre}}
        before = {key: timeline_of(rows) for key, rows in held.items()}
        case = Case(
            subjects, facts, before, known.owners, self.policies, {name: docket.presence[name] for name in place.plans},
            {name: docket.conditions[name] for name in place.plans} if core else {}, retired=place.retired,
            stays=place.stays, limits=place.limits, way=before[centre], planned=known.planned, far=far,
            contracts=place.contracts, findings=self.findings.of(subjects),
            carried=self.spoken.carried(place) if core else (),
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
        for head in read_heads(conn, [agent], span)[agent]:
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

    def _facts(
        self, conn: Connection, place: Place, docket: Docket, span: Span, keys: Collection[str]
    ) -> tuple[dict[str, Sequence[Fact]], bool]:
        """The facts that these subjects are judged by, in order; and whether some of what was measured is gone."""
        quiet_ms = max(part.pace.period_ms for part in self.parts(place) if not part.keys.isdisjoint(keys))
        core = f"centre:{place.centre}" in keys
        heads = [head for name in place.plans for head in docket.rows(conn, name, span, quiet_ms)]
        missing = [head.seq for head in heads if head.seq not in self._rows]
        read: dict[int, tuple[Fact, ...]] = {}
        pruned = False
        for n in range(0, len(missing), _CHUNK):
            for row in read_seqs(conn, missing[n : n + _CHUNK]):
                pruned = pruned or row.body is None
                read[row.seq] = self.take(row, place)
        heads.sort(key=attrgetter("first", "last"))
        by_subject: dict[str, list[Fact]] = {
            key: [] for key, kind in place.subjects.items() if core or kind == "service"
        }
        for head in heads:
            for fact in read.get(head.seq) or self._rows.get(head.seq, ()):
                if fact.subject in by_subject:
                    by_subject[fact.subject].append(fact)
        mixed = any(one.last >= other.first for one, other in pairwise(heads))
        return {key: _ordered(facts) if mixed else facts for key, facts in by_subject.items()}, pruned

    def period_ms(self, place: Place, name: str, at: int, key: Key) -> int:
        """How often an agent measured something at a time: by its plan, else by the policy of that time."""
        planned = place.period_ms(name, key, at)
        if planned is not None:
            return planned
        periods = _periods(self.policies.at(at).policy)
        return round(1000 * periods.get(key[0].partition(":")[0], max(periods.values())))


def _ordered(facts: list[Fact]) -> list[Fact]:
    """Facts of rows that lie over each other are mostly in order all the same."""
    return facts if all(a.at < b.at for a, b in pairwise(facts)) else in_order(facts)


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
