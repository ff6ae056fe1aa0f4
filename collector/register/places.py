"""The register of a centre as judge and history need it: its subjects, and what every plan of its agents said when."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Final

import msgspec
from sqlalchemy import Connection, func, or_, select

from collector.judge.egress import Declared
from collector.judge.service import Limit
from collector.judge.speed import Contract
from collector.judge.timeline import ALWAYS, Span
from collector.register.contracts import Lines, read_lines
from collector.register.limits import read_limits
from collector.store.inventory_tables import import_run
from collector.store.lifecycle_tables import lifecycle, posting, retirement
from collector.store.tables import agent, plan, subject
from wire.messages import PlanItem

Key = tuple[str, str, str]
"""Subject, probe, target."""

_ITEMS: Final = msgspec.json.Decoder(list[PlanItem])
_VANTAGE: Final = agent.c.role == "vantage"
_BY_TRAINS: Final = ("lan:", "line:")
_JUDGED: Final = frozenset({"centre", "lan", "line", "device", "agent", "service"})


@dataclass(frozen=True, slots=True)
class PlanVersion:
    """What an agent was to measure from `from_ms` to `to_ms` (None: still), with periods in ms."""

    from_ms: int
    to_ms: int | None
    periods: Mapping[Key, int]


@dataclass(frozen=True, slots=True)
class FarLine:
    """A line whose far end is asked from the province: by whom, since when, and how often at least."""

    agents: frozenset[str]
    since_ms: int
    period_ms: int


@dataclass(frozen=True, slots=True)
class Vantages:
    """Who sees which lines from the province. `watches`: by agent; `centres`: where a line is."""

    lines: Mapping[str, FarLine]
    watches: Mapping[str, frozenset[str]]
    centres: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Place:
    """A centre's subjects with their kinds, and its agents with every version of their plans, oldest first.

    Agents that were carried elsewhere belong to it still, for what they measured here: `stays` says when they were
    here, for them and for those that came from elsewhere. `retired` are the spans out of service, by subject.
    `limits`: how slow each of its services may be, by time. `far`: which of its lines are seen from the province.
    `watches`: whose lines its own vantages see, by agent. `contracts` of its lines, by time; `declared`: whence their
    traffic comes; `boxes`: its agents that measure them.
    """

    centre: str
    subjects: Mapping[str, str]
    plans: Mapping[str, Sequence[PlanVersion]]
    retired: Mapping[str, Sequence[Span]] = field(default_factory=dict)
    stays: Mapping[str, Sequence[Span]] = field(default_factory=dict)
    limits: Mapping[str, Sequence[Limit]] = field(default_factory=dict)
    far: Mapping[str, FarLine] = field(default_factory=dict)
    watches: Mapping[str, frozenset[str]] = field(default_factory=dict)
    contracts: Mapping[str, Sequence[Contract]] = field(default_factory=dict)
    declared: Sequence[Declared] = ()
    boxes: frozenset[str] = frozenset()

    def longest_periods(self) -> dict[str, int]:
        """The longest period that any plan ever had for a subject, ms, of what is judged."""
        found = {key: line.period_ms for key, line in self.far.items()}
        for version in (version for versions in self.plans.values() for version in versions):
            for (key, probe, _), period_ms in version.periods.items():
                if probe == "reach" or not key.startswith(_BY_TRAINS):
                    found[key] = max(period_ms, found.get(key, 0))
        return found

    def planned(self) -> dict[str, int]:
        """Since when a plan holds each subject."""
        found = {key: line.since_ms for key, line in self.far.items()}
        for version in (version for versions in self.plans.values() for version in versions):
            for key, probe, _ in version.periods:
                if probe == "reach" or not key.startswith(_BY_TRAINS):
                    found[key] = min(version.from_ms, found.get(key, version.from_ms))
        return found

    def owners(self) -> dict[str, frozenset[str]]:
        """The agents that measure, or once measured, each subject."""
        found: dict[str, set[str]] = {f"agent:{name}": {name} for name in self.plans}
        for name, versions in self.plans.items():
            for version in versions:
                for key, _, _ in version.periods:
                    found.setdefault(key, set()).add(name)
        return {key: frozenset(names) for key, names in found.items()}

    def period_ms(self, name: str, key: Key, at: int) -> int | None:
        """How often an agent measured something at a time; None where no plan of its tells."""
        versions = self.plans.get(name, ())
        if versions and versions[-1].from_ms <= at and key in versions[-1].periods:  # so it is nearly always
            return versions[-1].periods[key]
        n = bisect_right(versions, at, key=lambda version: version.from_ms)
        # What was begun under a plan may be stamped a little before the collector put it in force.
        nearest = (*reversed(versions[:n]), *versions[n:])
        return next((version.periods[key] for version in nearest if key in version.periods), None)


def plan_versions(conn: Connection, agents: Sequence[str]) -> dict[str, list[PlanVersion]]:
    """Every version of the plans of these agents, oldest first."""
    found: dict[str, list[PlanVersion]] = {name: [] for name in agents}
    query = select(plan.c.agent, plan.c.from_ms, plan.c.to_ms, plan.c["items"]).where(plan.c.agent.in_(agents))
    for name, from_ms, to_ms, body in conn.execute(query.order_by(plan.c.agent, plan.c.version)):
        found[name].append(PlanVersion(from_ms, to_ms, _periods(bytes(body))))
    return found


@lru_cache(maxsize=256)
def _periods(body: bytes) -> Mapping[Key, int]:
    """(subject, probe, target) → milliseconds. Kept: every curve of a page asks for all versions of its centre."""
    return MappingProxyType({(i.subject, i.probe, i.target): round(i.period_s * 1000) for i in _ITEMS.decode(body)})


def read_vantages(conn: Connection) -> Vantages:
    """Every vantage with the lines of other places that any plan of it ever held."""
    homes = {row.id: row.centre for row in conn.execute(select(agent.c.id, agent.c.centre).where(_VANTAGE))}
    centres: dict[str, str] = {}
    if homes:
        rows = conn.execute(select(subject.c.key, subject.c.centre).where(subject.c.kind == "line"))
        centres = {row.key: row.centre for row in rows}
    lines: dict[str, FarLine] = {}
    watches: dict[str, set[str]] = {}
    for name, versions in plan_versions(conn, list(homes)).items():
        for version in versions:
            for (key, probe, _), period_ms in version.periods.items():
                if probe == "reach" and centres.get(key, homes[name]) != homes[name]:
                    watches.setdefault(name, set()).add(key)
                    known = lines.get(key, FarLine(frozenset(), version.from_ms, period_ms))
                    since_ms, longest = min(known.since_ms, version.from_ms), max(known.period_ms, period_ms)
                    lines[key] = FarLine(known.agents | {name}, since_ms, longest)
    return Vantages(lines, {name: frozenset(keys) for name, keys in watches.items()}, centres)


def read_place(
    conn: Connection, centre: str, limits: Mapping[str, Sequence[Limit]], vantages: Vantages, lines: Lines
) -> Place:
    """The register of one centre. `limits`: how slow a service may be, by its id; `lines` of the whole inventory."""
    rows = conn.execute(select(subject.c.key, subject.c.kind).where(subject.c.centre == centre))
    subjects = {row.key: row.kind for row in rows if row.kind in _JUDGED} | {f"centre:{centre}": "centre"}
    agents = agents_at(conn, centre)
    own = {key: limits.get(service_of(key), ()) for key, kind in subjects.items() if kind == "service"}
    far = {key: vantages.lines[key] for key in subjects if key in vantages.lines}
    watches = {name: vantages.watches[name] for name in agents if name in vantages.watches}
    return Place(
        centre, subjects, plan_versions(conn, agents), _retired(conn, centre, list(subjects)), _stays(conn, centre),
        own, far, watches, {key: lines.contracts[key] for key in subjects if key in lines.contracts},
        lines.declared.get(centre, ()), frozenset(_boxes(conn, agents)),
    )  # fmt: skip


def _boxes(conn: Connection, agents: Sequence[str]) -> list[str]:
    return list(conn.scalars(select(agent.c.id).where(agent.c.id.in_(agents), agent.c.role == "box")))


def service_of(key: str) -> str:
    """The id of the service in a subject's key."""
    return key.removeprefix("service:").partition("@")[0]


def agents_at(conn: Connection, centre: str) -> list[str]:
    """Every agent that stands at a centre or stood there once."""
    once = select(posting.c.agent).where(posting.c.centre == centre)
    return list(conn.scalars(select(agent.c.id).where(or_(agent.c.centre == centre, agent.c.id.in_(once)))))


def _stays(conn: Connection, centre: str) -> dict[str, list[Span]]:
    """When agents that were ever carried stood at a centre."""
    found: dict[str, list[Span]] = {}
    rows = conn.execute(select(posting.c.agent, posting.c.from_ms, posting.c.to_ms).where(posting.c.centre == centre))
    for name, from_ms, to_ms in rows:
        found.setdefault(name, []).append(Span(from_ms, ALWAYS if to_ms is None else to_ms))
    return found


def _retired(conn: Connection, centre: str, keys: Sequence[str]) -> dict[str, list[Span]]:
    """Spans out of service of these subjects, by themselves or with their centre."""
    c = retirement.c
    its = {*keys, f"centre:{centre}"}
    spans: dict[str, list[Span]] = {}
    here = c.subject.in_(select(subject.c.key).where(subject.c.centre == centre))  # what came from elsewhere, too
    query = select(c.subject, c.from_ms, c.to_ms).where(or_(c.centre == centre, here))
    for key, from_ms, to_ms in conn.execute(query):
        if key in its:
            spans.setdefault(key, []).append(Span(from_ms, ALWAYS if to_ms is None else to_ms))
    whole = spans.get(f"centre:{centre}", [])
    if not spans:
        return {}
    return {key: joined([*spans.get(key, ()), *(whole if key != f"centre:{centre}" else ())]) for key in its}


def joined(spans: Sequence[Span]) -> list[Span]:
    """The same time in spans that do not touch each other, in order."""
    found: list[Span] = []
    for span in sorted(spans, key=lambda s: s.start):
        if found and span.start <= found[-1].end:
            found[-1] = Span(found[-1].start, max(found[-1].end, span.end))
        else:
            found.append(span)
    return found


@dataclass(slots=True)
class Places:
    """Places read once and kept until the register changes."""

    _places: dict[str, Place] = field(default_factory=dict)
    _centres: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _newest: tuple[int, int] = (0, 0)
    _limits: Mapping[str, Sequence[Limit]] | None = None
    _lines: Lines | None = None
    _vantages: Vantages | None = None

    def forget(self, _topic: str = "") -> None:
        """The register changed: read places again when they are needed."""
        self._places, self._centres, self._limits, self._vantages, self._lines = {}, {}, None, None, None

    def refresh(self, conn: Connection) -> None:
        """Forget what another process changed: an import, or what people changed of the register since."""
        newest = (
            conn.scalar(select(func.max(lifecycle.c.id))) or 0,
            conn.scalar(select(func.max(import_run.c.id))) or 0,
        )
        if newest != self._newest:
            self.forget()
            self._newest = newest

    def centre_of(self, conn: Connection, name: str) -> str | None:
        """The centre an agent stands at; None for an agent nobody enrolled."""
        return next(iter(self.centres_of(conn, name)), None)

    def centres_of(self, conn: Connection, name: str) -> tuple[str, ...]:
        """The centre an agent stands at, then those it stood at before; nothing for an agent nobody enrolled."""
        if name not in self._centres:
            now = conn.scalar(select(agent.c.centre).where(agent.c.id == name))
            if now is None:
                return ()
            before = conn.scalars(select(posting.c.centre).where(posting.c.agent == name).order_by(posting.c.from_ms))
            self._centres[name] = tuple(dict.fromkeys([now, *before]))
        return self._centres[name]

    def where(self, conn: Connection, subject: str, centres: Sequence[str]) -> str:
        """Which of these centres a subject belongs to; the first where none knows it."""
        if len(centres) == 1:
            return centres[0]
        return next((centre for centre in centres if subject in self.at(conn, centre).subjects), centres[0])

    def at(self, conn: Connection, centre: str) -> Place:
        """The place of a centre."""
        if centre not in self._places:
            if self._limits is None or self._lines is None:
                self._limits, self._lines = read_limits(conn), read_lines(conn)
            self._places[centre] = read_place(conn, centre, self._limits, self.vantages(conn), self._lines)
        return self._places[centre]

    def vantages(self, conn: Connection) -> Vantages:
        """Who sees which lines from the province."""
        if self._vantages is None:
            self._vantages = read_vantages(conn)
        return self._vantages
