"""Questions answered: `collector.api.Reader` over the stores, each with one or a few indexed queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from sqlalchemy import bindparam, func, select

from collector.api import (
    MAX_PHASED,
    Actor,
    AgentInfo,
    Carrying,
    Centre,
    Chronicle,
    DayFigure,
    Duty,
    Expected,
    Flip,
    Interval,
    LineInfo,
    NormCheck,
    Overview,
    PathView,
    PhaseTimes,
    Place,
    PlannedItem,
    PolicyVersion,
    Ranking,
    Series,
    Standing,
    StoredObservation,
    SubjectInfo,
    SuiteHealth,
    SystemInfo,
    TaskInfo,
    Team,
    Unproved,
    Window,
)
from collector.history import charts
from collector.history.buckets import TIERS
from collector.history.daily import read_daily
from collector.hub import Hub
from collector.judging import flips
from collector.judging.policy import read_policies
from collector.judging.versions import read_versions
from collector.lifecycle import windows
from collector.reading import suite
from collector.reading.chronicle import read_chronicle
from collector.reading.evidence import find_observation, newest_observations, observations_before
from collector.reading.intervals import intervals
from collector.reading.inventory import Shelves
from collector.reading.kept import kept_before, kept_by_id
from collector.reading.lines import LineBook
from collector.reading.onsite import OnSiteQuestions
from collector.reading.overview import Province, standing, whole
from collector.reading.paths import read_path
from collector.reading.revision import read_revision
from collector.reading.systems import read_phases
from collector.reading.troubles import TroubleQuestions
from collector.register import actors, tasks
from collector.register.places import plan_versions
from collector.store.tables import agent, centre, heard, latest, subject, task
from collector.store.whole import Whole

MAX_FLIPS: Final = 5_000
MAX_OBSERVATIONS: Final = 1_000
MAX_POLICIES: Final = 500
AT_ONCE: Final = 500


_AS_OF: Final = Whole(
    select(latest.c.subject, func.max(latest.c.at_ms))
    .where(latest.c.subject.in_(bindparam("subjects", expanding=True)))
    .group_by(latest.c.subject),
    list[tuple[str, int]],
)
_PLACED: Final = Whole(
    select(subject.c.key, subject.c.centre).where(subject.c.centre.in_(bindparam("centres", expanding=True))),
    list[tuple[str, str]],
)


class HubReader(TroubleQuestions, OnSiteQuestions):
    """Plain synchronous calls; each sees one moment of the store. Implements `collector.api.Reader`."""

    def __init__(self, hub: Hub) -> None:
        super().__init__(hub)
        self._shelves = Shelves(hub)
        self._province = Province(hub, self._shelves.town)
        self._lines = LineBook(hub, self._shelves)

    def now_ms(self) -> int:
        return self._hub.clock.wall_ms()

    def revision(self) -> str:
        return read_revision(self._hub.store)

    # --- the register -----------------------------------------------------------------------------------------------

    def centres(self) -> list[Centre]:
        return self._province.centres()

    def subjects(self, centre: str | None = None) -> list[SubjectInfo]:
        if centre is None:
            return self._province.subjects()
        query = select(subject).where(subject.c.centre == centre).order_by(subject.c.key)
        with self._hub.store.reading() as conn:
            return [SubjectInfo(r.key, r.kind, r.centre, r.label, r.agent) for r in conn.execute(query)]

    def places(self) -> Mapping[str, Place]:
        return self._shelves.places()

    def opening(self, centre: str) -> tuple[str, ...] | None:
        return self._shelves.opening(centre, self.now_ms())

    def open_spans(self, centre: str, from_ms: int, to_ms: int) -> list[tuple[int, int]] | None:
        return self._shelves.open_spans(centre, from_ms, to_ms)

    def rota(self, at_ms: int) -> Mapping[str, Sequence[Duty]]:
        return self._shelves.rota(at_ms)

    def lines(self, centre: str) -> list[LineInfo]:
        return self._shelves.lines(centre)

    def carrying(self) -> Mapping[str, Carrying]:
        return self._lines.carrying()

    def ranking(self, from_ms: int, to_ms: int) -> Ranking:
        return self._lines.ranking(from_ms, to_ms)

    def unproved(self, within_ms: int) -> list[Unproved]:
        return self._lines.unproved(within_ms)

    def norms(self, line: str) -> list[NormCheck]:
        return self._lines.norms(line)

    def path(self, line: str) -> PathView:
        with self._hub.store.reading_ts() as conn:
            return read_path(conn, line)

    def every_line(self) -> Mapping[str, Sequence[LineInfo]]:
        return self._shelves.every_line()

    def teams(self) -> Sequence[Team]:
        return self._shelves.teams()

    def systems(self) -> list[SystemInfo]:
        return self._shelves.systems()

    def agents(self, centre: str | None = None, *, role: str | None = None) -> list[AgentInfo]:
        with self._hub.store.reading() as conn:
            return suite.read_agents(conn, self.now_ms(), centre, role)

    def expected(self) -> list[Expected]:
        with self._hub.store.reading() as conn:
            return suite.read_expected(conn)

    def windows(self, from_ms: int, to_ms: int, limit: int = 5_000) -> list[Window]:
        with self._hub.store.reading() as conn:
            return windows.within(conn, from_ms, to_ms, limit)

    def chronicle(self, centre: str) -> Chronicle:
        with self._hub.store.reading() as conn:
            return read_chronicle(conn, centre)

    def planned(self, centre: str) -> list[PlannedItem]:
        with self._hub.store.reading() as conn:
            return suite.read_planned(conn, centre)

    def tasks(self, centre: str, limit: int = 20) -> list[TaskInfo]:
        mine = select(agent.c.id).where(agent.c.centre == centre)
        query = select(task).where(task.c.agent.in_(mine)).order_by(task.c.created_ms.desc()).limit(max(0, limit))
        with self._hub.store.reading() as conn:
            return [tasks.info(row) for row in conn.execute(query)]

    def actor(self, session: str) -> Actor | None:
        with self._hub.store.reading() as conn:
            return actors.actor_of(conn, session, self.now_ms())

    # --- states -----------------------------------------------------------------------------------------------------

    def standings(self, centre: str | None = None) -> dict[str, Standing]:
        if centre is None:
            return self._province.standings()
        mine = select(agent.c.id).where(agent.c.centre == centre)
        with self._hub.store.reading() as conn:
            query = select(subject.c.key, subject.c.created_ms).where(subject.c.centre == centre)
            rows = conn.execute(query).all()
            held = flips.newest(conn, centre)
            ever = conn.execute(select(heard.c.agent, heard.c.last_ms).where(heard.c.agent.in_(mine)))
            last = {f"agent:{row.agent}": row.last_ms for row in ever}
        as_of = whole(self._as_of([row.key for row in rows]), ((row.key, centre) for row in rows), last)
        return {row.key: standing(row.key, held.get(row.key), row.created_ms, as_of.get(row.key)) for row in rows}

    def _as_of(self, keys: Sequence[str]) -> dict[str, int]:
        with self._hub.store.reading_ts() as conn:
            return dict(_AS_OF.read(conn, subjects=keys))

    def overview(self) -> Overview:
        return self._province.overview()

    def system_standings(self, system: str) -> dict[str, Standing]:
        return self._province.seen(system)

    def newest(self, subjects: Sequence[str]) -> dict[str, int]:
        found: dict[str, int] = {}
        for some in _parts(subjects):
            found |= self._as_of(some)
        return found

    def phase_times(self, subjects: Sequence[str]) -> dict[str, PhaseTimes]:
        with self._hub.store.reading_ts() as conn:
            return read_phases(conn, subjects[:MAX_PHASED])

    def measured(self, centres: list[str]) -> dict[str, int]:
        with self._hub.store.reading() as conn:
            rows = [row for row in _PLACED.read(conn, centres=centres) if not row[0].startswith("agent:")]
        found = whole(self._as_of([key for key, _ in rows]), rows, {})
        return {key: found[f"centre:{key}"] for key in centres if f"centre:{key}" in found}

    def flips(self, after_seq: int = 0, limit: int = 500) -> list[Flip]:
        with self._hub.store.reading() as conn:
            return flips.after(conn, after_seq, max(0, min(limit, MAX_FLIPS)))

    def flips_of(self, subject: str, limit: int = 100) -> list[Flip]:
        with self._hub.store.reading() as conn:
            return flips.history_of(conn, subject, max(0, min(limit, MAX_FLIPS)))

    def intervals(self, subjects: list[str], from_ms: int, to_ms: int) -> dict[str, list[Interval]]:
        with self._hub.store.reading() as conn:
            held = flips.effective(conn, subjects, from_ms, to_ms)
        return {key: intervals(key, rows, from_ms, to_ms) for key, rows in held.items()}

    # --- measurements -----------------------------------------------------------------------------------------------

    def latest(self, centre: str) -> list[StoredObservation]:
        keys = [info.key for info in self.subjects(centre)]
        query = select(latest.c.observation).where(latest.c.subject.in_(keys))
        with self._hub.store.reading_ts() as conn:
            ids = list(conn.scalars(query.order_by(latest.c.subject, latest.c.probe, latest.c.target)))
        with self._hub.store.reading() as conn:
            found = {stored.id: stored for stored in newest_observations(conn, ids)}
        if missing := [key for key in ids if key not in found]:
            with self._hub.store.reading_ts() as conn:
                found |= kept_by_id(conn, missing)
        return [found[key] for key in ids if key in found]

    def observations(self, subject: str, before_ms: int, limit: int = 50) -> list[StoredObservation]:
        limit = max(0, min(limit, MAX_OBSERVATIONS))
        with self._hub.store.reading() as conn:
            found = {stored.id: stored for stored in observations_before(conn, subject, before_ms, limit)}
        with self._hub.store.reading_ts() as conn:
            found |= {stored.id: stored for stored in kept_before(conn, subject, before_ms, limit)}
        return sorted(found.values(), key=lambda stored: (stored.at_ms, stored.id), reverse=True)[:limit]

    def observation(self, observation_id: str) -> StoredObservation:
        with self._hub.store.reading_ts() as conn:
            whole = kept_by_id(conn, [observation_id])
        if observation_id in whole:
            return whole[observation_id]
        with self._hub.store.reading() as conn:
            return find_observation(conn, observation_id)

    def history(self, subject: str, metrics: list[str], from_ms: int, to_ms: int, points: int = 288) -> list[Series]:
        now_ms = self.now_ms()
        with self._hub.store.reading() as conn:
            plans = plan_versions(conn, suite.agents_beside(conn, subject))
            centres = conn.scalar(select(func.count()).select_from(centre)) or 0
        edges = {tier: tier.edge_ms(now_ms, centres) for tier in TIERS}
        with self._hub.store.reading_ts() as conn:
            found = charts.read_charts(
                conn, subject, metrics, from_ms=from_ms, to_ms=to_ms, points=points, edges=edges
            )  # fmt: skip
        span = {"from_ms": found.window.from_ms, "to_ms": min(found.window.to_ms, now_ms)}
        shares = {
            target: charts.share(found.counts.get(target, 0), charts.planned(plans, subject, target, **span))
            for target in {series.target for series in found.series}
        }
        return [replace(series, coverage=shares[series.target]) for series in found.series]

    def daily(self, subject: str, metric: str, from_day: str, to_day: str) -> list[DayFigure]:
        with self._hub.store.reading_ts() as conn:
            return read_daily(conn, subject, metric, from_day, to_day)

    # --- the suite --------------------------------------------------------------------------------------------------

    def limits(self) -> dict[str, float]:
        with self._hub.store.reading() as conn:
            device = read_policies(conn).at(self.now_ms()).policy.device
        return {
            "motcua_device_disk_used_ratio": device.disk_used,
            "motcua_device_inodes_used_ratio": device.inodes_used,
            "motcua_device_memory_used_ratio": device.memory_used,
            "motcua_device_temperature_celsius": device.temperature_c,
        }

    def policies(self, limit: int = 50) -> list[PolicyVersion]:
        with self._hub.store.reading() as conn:
            return read_versions(conn, max(0, min(limit, MAX_POLICIES)))

    def health(self) -> SuiteHealth:
        return suite.read_health(self._hub)


def _parts(keys: Sequence[str]) -> list[Sequence[str]]:
    return [keys[n : n + AT_ONCE] for n in range(0, len(keys), AT_ONCE)]
