"""A province in memory behind `collector.api`: what the board's tests look at, and what its screenshots show.

`World` implements Reader and Commands. Change its lists, then `touch()`; nothing here reads a clock: `now` is given.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from collector.api import (
    OWN_ROOMS,
    Act,
    Actor,
    AgentInfo,
    Boot,
    CarriedIn,
    Carrying,
    Centre,
    Chronicle,
    DayFigure,
    Done,
    Duty,
    Expected,
    Flip,
    Interval,
    Ledger,
    LineInfo,
    NormCheck,
    NotAllowed,
    NotFound,
    Overview,
    PathView,
    PhaseTimes,
    PhoneTest,
    Place,
    PlannedItem,
    Point,
    PolicyVersion,
    Ranking,
    Series,
    SpeedTest,
    Standing,
    State,
    StoredObservation,
    SubjectInfo,
    SuiteHealth,
    SystemInfo,
    SystemView,
    TaskInfo,
    Team,
    Unproved,
    Window,
)
from collector.judging.policy import parse_policy, read_policy_file
from collector.judging.thresholds import thresholds
from collector.lifecycle import windows
from wire.messages import Notice, Observation, Value
from wire.outcomes import Outcome

NOW_MS = 1_795_227_245_000  # 2026-11-21 09:14:05 in Vietnam
DAY_MS = 86_400_000
MINUTE_MS = 60_000
_LEVEL = {"motcua_line_rtt_seconds": 0.009, "motcua_lan_rtt_seconds": 0.0006, "motcua_service_total_seconds": 0.42}
EPOCH = "5f0c6a58-1111-4222-8333-444455556666"


@dataclass
class World:
    """Everything the collector would know."""

    now: int = NOW_MS
    listed_centres: list[Centre] = field(default_factory=list)
    listed_subjects: list[SubjectInfo] = field(default_factory=list)
    held_standings: dict[str, Standing] = field(default_factory=dict)
    recorded_flips: list[Flip] = field(default_factory=list)
    stored: dict[str, StoredObservation] = field(default_factory=dict)
    told_of: dict[str, list[str]] = field(default_factory=dict)
    listed_agents: list[AgentInfo] = field(default_factory=list)
    items: list[PlannedItem] = field(default_factory=list)
    codes: list[Expected] = field(default_factory=list)
    refused: dict[str, int] | None = None
    listed_tasks: list[TaskInfo] = field(default_factory=list)
    kept_policies: list[PolicyVersion] = field(default_factory=list)  # newest first
    chronicles: dict[str, Chronicle] = field(default_factory=dict)
    stops: list[Window] = field(default_factory=list)
    started: list[Boot] = field(default_factory=list)  # machines, in order of time
    links: set[str] = field(default_factory=lambda: {"good-link"})
    sessions: dict[str, Actor] = field(default_factory=dict)
    known_places: dict[str, Place] = field(default_factory=dict)
    known_lines: dict[str, list[LineInfo]] = field(default_factory=dict)
    known_systems: list[SystemInfo] = field(default_factory=list)
    carries: dict[str, Carrying] = field(default_factory=dict)  # by the key of the centre
    ranked: Ranking = field(default_factory=lambda: Ranking(0, 0, 0.8, (), ()))
    never_proved: list[Unproved] = field(default_factory=list)
    checked: dict[str, list[NormCheck]] = field(default_factory=dict)  # by the key of the line's subject
    hours: dict[str, tuple[str, ...]] = field(default_factory=dict)  # today's, by schedule
    answers: dict[str, PhaseTimes] = field(default_factory=dict)
    past: dict[str, list[Interval]] = field(default_factory=dict)  # what a subject went through before it stood so
    figures: list[DayFigure] = field(default_factory=list)
    gaps: tuple[tuple[int, int], ...] = ()
    ways: dict[str, PathView] = field(default_factory=dict)
    tested: dict[str, list[SpeedTest]] = field(default_factory=dict)  # by line
    curves: dict[str, list[Series]] = field(default_factory=dict)  # what history has of a subject, where it is told
    codes_there: dict[str, str] = field(default_factory=dict)  # what the box's page of a centre shows
    blobs: dict[str, CarriedIn] = field(default_factory=dict)  # evidence that phones bring
    phone_refused: str = ""  # why nobody may test from a phone now
    known_teams: list[Team] = field(default_factory=list)
    turns: list[Duty] = field(default_factory=list)  # of every team's rota
    open_on: dict[str, list[tuple[int, int]]] = field(default_factory=dict)  # spans by the key of the centre
    notices: dict[str, dict[str, Notice]] = field(default_factory=dict)  # by the key of the centre, by id
    version: int = 1

    def touch(self) -> None:
        """Something changed."""
        self.version += 1

    # --- Reader -------------------------------------------------------------------------------------------------------

    def now_ms(self) -> int:
        return self.now

    def revision(self) -> str:
        return str(self.version)

    def centres(self) -> list[Centre]:
        return list(self.listed_centres)

    def subjects(self, centre: str | None = None) -> list[SubjectInfo]:
        return [info for info in self.listed_subjects if centre in {None, info.centre}]

    def standings(self, centre: str | None = None) -> dict[str, Standing]:
        if centre is None:
            return dict(self.held_standings)
        keys = [info.key for info in self.subjects(centre)]
        return {key: self.held_standings[key] for key in keys if key in self.held_standings}

    def overview(self) -> Overview:
        held = {key: replace(standing, as_of_ms=None) for key, standing in self.held_standings.items()}
        pairs = [(info, held[info.key]) for info in self.listed_subjects if info.key in held]
        standings = {info.centre: standing for info, standing in pairs if info.kind == "centre"}
        troubles = tuple(pair for pair in pairs if pair[0].kind not in {"centre", "service"} and pair[1].state != "ok")
        stops = windows.in_force(self.stops, self.now)
        return Overview(
            version=str(self.version),
            centres={centre.key: centre for centre in self.listed_centres if centre.retired is None},
            standings=standings,
            troubles=troubles,
            planned=windows.planned_centres(stops, standings, troubles),
            paused=windows.explained(stops, troubles),
            as_of_ms=max((s.as_of_ms for s in self.held_standings.values() if s.as_of_ms is not None), default=None),
            systems=self._views(held),
        )

    def _views(self, held: dict[str, Standing]) -> dict[str, SystemView]:
        of: dict[str, dict[str, Standing]] = {}
        for key, standing in held.items():
            if key.startswith("service:"):
                system, _, place = key.removeprefix("service:").partition("@")
                of.setdefault(system, {})[place] = standing
        return {
            system: SystemView(
                system,
                seen.get(""),
                dict(Counter(s.state for place, s in seen.items() if place and not place.startswith(OWN_ROOMS))),
                {place: s for place, s in seen.items() if place.startswith(OWN_ROOMS)},
            )
            for system, seen in of.items()
        }

    def places(self) -> Mapping[str, Place]:
        return self.known_places

    def opening(self, centre: str) -> tuple[str, ...] | None:
        place = self.known_places.get(centre)
        return None if place is None else self.hours.get(place.hours)

    def open_spans(self, centre: str, from_ms: int, to_ms: int) -> list[tuple[int, int]] | None:
        spans = self.open_on.get(centre)
        if spans is None:
            return None
        return [(max(a, from_ms), min(b, to_ms)) for a, b in spans if a < to_ms and b > from_ms]

    def rota(self, at_ms: int) -> Mapping[str, Sequence[Duty]]:
        teams = dict.fromkeys(turn.team for turn in self.turns)
        return {team: [t for t in self.turns if t.team == team and t.to_ms > at_ms] for team in teams}

    def lines(self, centre: str) -> list[LineInfo]:
        return self.known_lines.get(centre, [])

    def carrying(self) -> Mapping[str, Carrying]:
        return self.carries

    def ranking(self, from_ms: int, to_ms: int) -> Ranking:
        return replace(self.ranked, from_ms=from_ms, to_ms=to_ms)

    def unproved(self, within_ms: int) -> list[Unproved]:
        return list(self.never_proved)

    def norms(self, line: str) -> list[NormCheck]:
        return list(self.checked.get(line, ()))

    def path(self, line: str) -> PathView:
        return self.ways.get(line, PathView(line))

    def every_line(self) -> Mapping[str, Sequence[LineInfo]]:
        return self.known_lines

    def teams(self) -> Sequence[Team]:
        return self.known_teams

    def tests(self, line: str, before_ms: int, limit: int = 50) -> list[SpeedTest]:
        found = sorted(self.tested.get(line, []), key=lambda test: -test.at_ms)
        return [test for test in found if test.at_ms < before_ms][:limit]

    def systems(self) -> list[SystemInfo]:
        return list(self.known_systems)

    def system_standings(self, system: str) -> dict[str, Standing]:
        head = f"service:{system}@"
        found = {key.removeprefix(head): s for key, s in self.held_standings.items() if key.startswith(head)}
        return {place: replace(standing, as_of_ms=None) for place, standing in found.items()}

    def newest(self, subjects: Sequence[str]) -> dict[str, int]:
        held = {key: self.held_standings.get(key) for key in subjects}
        return {key: s.as_of_ms for key, s in held.items() if s is not None and s.as_of_ms is not None}

    def phase_times(self, subjects: Sequence[str]) -> dict[str, PhaseTimes]:
        return {key: self.answers[key] for key in subjects if key in self.answers}

    def measured(self, centres: list[str]) -> dict[str, int]:
        held = {key: self.held_standings.get(f"centre:{key}") for key in centres}
        return {key: s.as_of_ms for key, s in held.items() if s is not None and s.as_of_ms is not None}

    def flips(self, after_seq: int = 0, limit: int = 500) -> list[Flip]:
        return [flip for flip in self.recorded_flips if flip.seq > after_seq][:limit]

    def flips_of(self, subject: str, limit: int = 100) -> list[Flip]:
        return [flip for flip in reversed(self.recorded_flips) if flip.subject == subject][:limit]

    def unwell(self, since_ms: int, subjects: Sequence[str] | None = None) -> dict[str, list[Flip]]:
        found: dict[str, list[Flip]] = {}
        gone = {flip.supersedes for flip in self.recorded_flips}
        for flip in sorted(self.recorded_flips, key=lambda flip: (flip.at_ms, flip.seq)):
            if flip.to is not None and flip.seq not in gone and (subjects is None or flip.subject in subjects):
                found.setdefault(flip.subject, []).append(flip)
        cut = {
            key: [f for n, f in enumerate(fs) if n + 1 == len(fs) or fs[n + 1].at_ms > since_ms]
            for key, fs in found.items()
        }
        return {key: flips for key, flips in cut.items() if any(flip.to != "ok" for flip in flips)}

    def boots(self, since_ms: int) -> list[Boot]:
        return [boot for boot in self.started if boot.at_ms >= since_ms]

    def looked_at(self) -> frozenset[str]:
        return frozenset(item.subject for item in self.items)

    def intervals(self, subjects: list[str], from_ms: int, to_ms: int) -> dict[str, list[Interval]]:
        return {key: self._intervals(key, from_ms, to_ms) for key in subjects}

    def _intervals(self, key: str, from_ms: int, to_ms: int) -> list[Interval]:
        standing = self.held_standings.get(key)
        if standing is None:
            return []
        start = min(max(standing.since_ms, from_ms), to_ms)
        before = [Interval(key, "ok", None, from_ms, start)] if start > from_ms else []
        if key in self.past:
            cut = [replace(i, from_ms=max(i.from_ms, from_ms), to_ms=min(i.to_ms, start)) for i in self.past[key]]
            before = [interval for interval in cut if interval.from_ms < interval.to_ms]
        return [*before, Interval(key, standing.state, standing.reason, start, to_ms)]

    def latest(self, centre: str) -> list[StoredObservation]:
        own = {info.key for info in self.subjects(centre)}
        return [stored for stored in self.stored.values() if stored.observation.subject in own]

    def observations(self, subject: str, before_ms: int, limit: int = 50) -> list[StoredObservation]:
        found = [o for o in self.stored.values() if o.observation.subject == subject and o.at_ms < before_ms]
        return sorted(found, key=lambda stored: -stored.at_ms)[:limit]

    def observation(self, observation_id: str) -> StoredObservation:
        if observation_id not in self.stored:
            raise NotFound(observation_id)
        return self.stored[observation_id]

    def history(self, subject: str, metrics: list[str], from_ms: int, to_ms: int, points: int = 288) -> list[Series]:
        if subject in self.curves:
            asked = [s for s in self.curves[subject] if s.metric in metrics]
            return [replace(s, points=tuple(p for p in s.points if from_ms <= p.at_ms < to_ms)) for s in asked]
        planned = [item for item in self.items if item.subject == subject]
        step = (to_ms - from_ms) // points
        return [
            Series(
                subject, metric, "", item.target, step / 1000, tuple(self._points(metric, from_ms, to_ms, step)), 0.974
            )
            for item in planned
            for metric in metrics
        ]

    def daily(self, subject: str, metric: str, from_day: str, to_day: str) -> list[DayFigure]:
        return [figure for figure in self.figures if from_day <= figure.day <= to_day]

    def _points(self, metric: str, from_ms: int, to_ms: int, step: int) -> list[Point]:
        found = []
        for at_ms in range(from_ms, to_ms, step):
            if any(start <= at_ms < end for start, end in self.gaps):
                continue
            wave = math.sin(at_ms / 7e6) + math.sin(at_ms / 9.1e5) / 3
            value = _LEVEL.get(metric, 0.01) * (1 + 0.22 * wave)
            if metric.endswith("loss_ratio"):
                value = max(0.0, 0.01 * (wave - 0.9))
            found.append(Point(at_ms, value * 0.8, value, value * 1.5, 30))
        return found

    def complaints(self, since_ms: int) -> list[StoredObservation]:
        return [o for o in self.stored.values() if o.observation.probe == "complaint" and o.at_ms > since_ms]

    def is_there(self, centre: str, code: str) -> bool:
        return self.codes_there.get(centre) == code

    def carried(self, blob: str) -> CarriedIn:
        if blob not in self.blobs:
            raise NotAllowed("the evidence was not signed by a box of this province")
        return self.blobs[blob]

    def agents(self, centre: str | None = None, *, role: str | None = None) -> list[AgentInfo]:
        return [a for a in self.listed_agents if centre in {None, a.centre} and role in {None, a.role}]

    def expected(self) -> list[Expected]:
        return list(self.codes)

    def windows(self, from_ms: int, to_ms: int, limit: int = 5_000) -> list[Window]:
        found = [stop for stop in self.stops if stop.from_ms < to_ms and stop.end_ms > from_ms]
        return sorted(found, key=lambda stop: stop.from_ms)[:limit]

    def chronicle(self, centre: str) -> Chronicle:
        return self.chronicles.get(centre, Chronicle())

    def planned(self, centre: str) -> list[PlannedItem]:
        own, at = {info.key for info in self.subjects(centre)}, {agent.id: agent.centre for agent in self.listed_agents}
        return [i for i in self.items if (at[i.agent] == centre if i.agent in at else i.subject in own)]

    def tasks(self, centre: str, limit: int = 20) -> list[TaskInfo]:
        own = {agent.id for agent in self.listed_agents if agent.centre == centre}
        return [task for task in self.listed_tasks if task.agent in own][:limit]

    def limits(self) -> dict[str, float]:
        return {"motcua_device_disk_used_ratio": 0.95}

    def policies(self, limit: int = 50) -> list[PolicyVersion]:
        return self.kept_policies[:limit]

    def health(self) -> SuiteHealth:
        return SuiteHealth(
            now_ms=self.now,
            version="0.1.0",
            roles=("ingest", "judge", "board"),
            database="sqlite",
            inbox_rows=142_560,
            inbox_bytes=61_203_000,
            newest_received_ms=self.now - 800,
            lags_s={"judge": 0.4, "history": 1.2},
            writer_queue=0,
            commit_p99_s=0.0071,
            agents=len(self.listed_agents),
            silent=sum(1 for agent in self.listed_agents if agent.silent),
            ledger=tuple(Ledger(a.id, "2026-11-21", 1440, 2, 0, 11_520, 0, 0) for a in self.listed_agents[:20]),
            disk_free_bytes=212_000_000_000,
            refused=self.refused,
        )

    def actor(self, session: str) -> Actor | None:
        return self.sessions.get(session)

    # --- Commands -----------------------------------------------------------------------------------------------------

    def request_task(self, actor: Actor, agent: str, item: str) -> TaskInfo:
        if all((known.agent, known.id) != (agent, item) for known in self.items):
            raise NotFound(item)
        name, until = f"task-{len(self.listed_tasks)}", self.now + MINUTE_MS
        task = TaskInfo(name, agent, item, "queued", actor.name, self.now, until, None, None)
        self.listed_tasks.append(task)
        self.touch()
        return task

    def test_from_phone(self, actor: Actor, line: str) -> PhoneTest:
        if self.phone_refused:
            raise NotAllowed(self.phone_refused)
        ticket = "WyIwMUtBIiwiMDczNzUtMS9hIiwyNTAwMDAwMDAsMTc5NTIyNzU0NTAwMCwiYnJvd3NlciJd." + "k" * 43
        return PhoneTest(f"https://measure.example:8444/m/{ticket}/", self.now + 5 * MINUTE_MS, 250_000_000)

    def move_task(self, place: int, **changes: object) -> None:
        """A task goes on: state, observation, outcome."""
        self.listed_tasks[place] = replace(self.listed_tasks[place], **changes)  # type: ignore[arg-type]  # test only
        self.touch()

    def change(self, actor: Actor, act: Act, *, rehearse: bool = False) -> Done:
        return Done(type(act).__name__.lower(), "", self.now, (), "", rehearse)

    def set_notice(self, _actor: Actor, centre: str, notice: Notice) -> None:
        self.notices.setdefault(centre, {})[notice.id] = notice

    def end_notice(self, _actor: Actor, centre: str, notice: str) -> None:
        self.notices.get(centre, {}).pop(notice, None)

    def open_session(self, link: str) -> str:
        if link not in self.links:
            raise NotAllowed(link)
        self.links.remove(link)
        self.sessions["session-1"] = Actor("Nguyễn Thị Hoà", "session", "mark-of-session-1")
        return "session-1"

    def close_session(self, session: str) -> None:
        self.sessions.pop(session, None)

    def set_policy(self, set_by: str, *, days_ago: float = 0.0, **changed: str) -> None:
        """A version with values of `section__name` replaced in the text of the newest, or of the example province's."""
        raw, name = read_policy_file(None)
        body = self.kept_policies[0].body if self.kept_policies else raw.decode()
        for key, value in changed.items():
            section, _, wanted = key.partition("__")
            head, mark, rest = body.partition(f"[{section}]\n")
            old = next(line for line in rest.splitlines() if line.startswith(f"{wanted} ="))
            body = head + mark + rest.replace(old, f"{wanted} = {value}", 1)
        at_ms, number = self.now - round(days_ago * DAY_MS), len(self.kept_policies) + 1
        held = thresholds(parse_policy(body.encode(), name))
        self.kept_policies.insert(0, PolicyVersion(number, at_ms, body, set_by, held))
        self.touch()

    # --- building -----------------------------------------------------------------------------------------------------

    def stand(
        self, key: str, state: State, reason: str | None = None, *, minutes: int = 600, **detail: float | str
    ) -> None:
        """Give a subject its state, held for `minutes`; `detail` as the judge leaves it."""
        since = self.now - minutes * MINUTE_MS
        self.held_standings[key] = Standing(
            key, state, reason, since, self.now - 4_000, detail, tuple(self._evidence(key))
        )
        self.touch()

    def _evidence(self, key: str) -> list[str]:
        return [id_ for id_ in self.told_of.get(key, ()) if id_ in self.stored][:2]

    def store(self, agent: str, observation: Observation, *, ago_ms: int = 4_000) -> str:
        """Keep an observation as the collector would; its id."""
        id_ = f"{agent}/{EPOCH}/{len(self.stored) + 1}/{observation.i}"
        at_ms = self.now - ago_ms
        self.told_of.setdefault(observation.subject, []).append(id_)
        self.stored[id_] = StoredObservation(
            id_, agent, at_ms, at_ms + 900, clock_unsure=False, observation=observation
        )
        return id_


def observed(
    subject: str,
    probe: str,
    target: str,
    values: dict[str, float],
    *,
    outcome: Outcome = "ok",
    reason: str | None = None,
) -> Observation:
    """An observation with values given as `metric` or `metric|of`."""
    listed = [Value(name.partition("|")[0], value, name.partition("|")[2] or None) for name, value in values.items()]
    return Observation(
        i=0, probe=probe, subject=subject, target=target, at_ms=NOW_MS - 4_100, mono_ms=88_000_000, took_ms=812,
        outcome=outcome, reason=reason, values=listed, detail={"address": "192.0.2.1", "method": "icmp datagram"},
    )  # fmt: skip


def ulid(number: int, kind: str) -> str:
    """A fixed, well-formed key."""
    return f"01K{kind}{number:022d}"


def add_centre(world: World, key: str, name_vi: str, name_en: str, *, number: int) -> None:
    """A centre with one box, its network, one line and its machine, all well."""
    agent, device = ulid(number, "A"), ulid(number, "D")
    world.listed_centres.append(Centre(key, name_vi, name_en))
    subjects = [
        ("centre:" + key, "centre", "", None), (f"lan:{key}", "lan", "", agent), (f"line:{key}/a", "line", "", agent),
        (f"device:{device}", "device", "box-" + key, agent), (f"agent:{agent}", "agent", "box-" + key, agent),
    ]  # fmt: skip
    world.listed_subjects += [SubjectInfo(name, kind, key, label, owner) for name, kind, label, owner in subjects]
    world.listed_agents.append(
        AgentInfo(
            agent, key, "box", "box-" + key, "0.1.0", world.now - 30 * DAY_MS, None, world.now - 2_000, False, 12, 3, ()
        )
    )
    for kind, subject, probe, target in (
        ("lan", f"lan:{key}", "reach", "gateway"),
        ("line", f"line:{key}/a", "reach", "collector"),
        ("pc", f"device:{device}", "pc", "self"),
    ):
        world.items.append(
            PlannedItem(f"{kind}-{key}", agent, subject, probe, target, 10.0 if probe == "reach" else 60.0)
        )
    _measure(world, key, agent, device)
    for name, *_ in subjects:
        world.stand(name, "ok")


def _measure(world: World, key: str, agent: str, device: str) -> None:
    for kind, subject, target, rtt in (
        ("lan", f"lan:{key}", "gateway", 0.0006),
        ("line", f"line:{key}/a", "collector", 0.0094),
    ):
        numbers = {
            "sent_packets": 5.0, "received_packets": 5.0, "loss_ratio": 0.002, "loss_low_ratio": 0.0,
            "loss_high_ratio": 0.434, "rtt_seconds": rtt, "rtt_min_seconds": rtt * 0.8, "rtt_max_seconds": rtt * 1.4,
            "jitter_seconds": rtt / 8,
        }  # fmt: skip
        world.store(agent, observed(subject, "reach", target, {f"motcua_{kind}_{n}": v for n, v in numbers.items()}))
    machine = {
        "cpu_ratio": 0.12, "memory_total_bytes": 8.2e9, "memory_used_ratio": 0.41, "disk_total_bytes|/": 256e9,
        "disk_free_bytes|/": 94.7e9, "disk_used_ratio|/": 0.63, "temperature_celsius|coretemp": 47.5,
        "uptime_seconds": 273_600.0, "boots_count": 4.0, "clock_offset_seconds": 0.012,
    }  # fmt: skip
    values = {f"motcua_device_{name}": value for name, value in machine.items()}
    world.store(agent, observed(f"device:{device}", "pc", "self", values), ago_ms=31_000)
    own = {
        "agent_cpu_ratio": 0.0031,
        "agent_memory_bytes": 38.4e6,
        "agent_spool_batches": 0.0,
        "agent_dropped_count": 0.0,
    }
    values = {f"motcua_{name}": value for name, value in own.items()}
    world.store(agent, observed(f"agent:{agent}", "self", "self", values), ago_ms=21_000)


def this_machine() -> World:
    """The first minutes of a newcomer: this very machine as centre 00000-1."""
    world = World()
    add_centre(world, "00000-1", "Máy này", "This machine", number=1)
    world.set_policy("", days_ago=0.01)
    return world


def province() -> World:
    """Bắc Ninh's 99 communes with a morning's troubles: two cut off, seven slow, one not heard."""
    world = World(gaps=((NOW_MS - 9 * 3_600_000, NOW_MS - 8 * 3_600_000),))
    for number, line in enumerate(COMMUNES.strip().splitlines(), start=1):
        code, name = line.split(",")
        add_centre(world, f"{code}-1", name, "", number=number)
    by_name = {centre.name_vi.split(" ", 1)[1]: centre.key for centre in world.listed_centres}
    for name in ("Tây Yên Tử", "Yên Định"):
        _cut_off(world, by_name[name])
    for name in ("An Lạc", "Biển Động", "Đại Sơn", "Kiên Lao", "Lục Sơn", "Sơn Động"):
        world.stand(
            f"line:{by_name[name]}/a", "degraded", "loss", minutes=131, lost=37, sent=450, loss_low=0.06, limit=0.02
        )
        world.stand(f"centre:{by_name[name]}", "degraded", "own_fault", minutes=131)
    _disk_full(world, by_name["Vân Sơn"])
    _silent(world, by_name["Tuấn Đạo"])
    world.set_policy("", days_ago=120)
    world.set_policy("Nguyễn Thị Hoà", days_ago=41, line__rtt_s="0.08", device__disk_used="0.9")
    world.set_policy("Trần Văn Bình", days_ago=3.2, line__loss="0.025", lan__port_bps="1e9", device__on_battery="false")
    return world


def _own(world: World, key: str, kind: str) -> str:
    return next(info.key for info in world.subjects(key) if info.kind == kind)


def _cut_off(world: World, key: str) -> None:
    agent = next(agent.id for agent in world.listed_agents if agent.centre == key)
    lost = {"motcua_line_sent_packets": 5.0, "motcua_line_received_packets": 0.0, "motcua_line_loss_ratio": 1.0}
    old = next(id_ for id_, o in world.stored.items() if o.observation.subject == f"line:{key}/a")
    del world.stored[old]
    found = observed(f"line:{key}/a", "reach", "collector", lost, outcome="fail", reason="no_answer")
    evidence = world.store(agent, found)
    world.stand(f"line:{key}/a", "down", "no_answer", minutes=33)
    world.stand(f"centre:{key}", "down", "no_line", minutes=33)
    at_ms = world.now - 33 * MINUTE_MS
    seq = len(world.recorded_flips) + 1
    subject = f"line:{key}/a"
    first = Flip(seq, subject, at_ms + 20_000, "ok", "unknown", "silent", {}, 1, (), at_ms + 50_000, None)
    revised = Flip(seq + 1, subject, at_ms, "ok", "down", "no_answer", {}, 1, (evidence,), at_ms + 200_000, seq)
    retracted = Flip(
        seq + 2, subject, at_ms - DAY_MS, "ok", "degraded", "loss", {}, 1, (), at_ms - DAY_MS + 5_000, None
    )
    gone = Flip(seq + 3, subject, at_ms - DAY_MS, "ok", None, None, {}, 1, (), at_ms - DAY_MS + 90_000, seq + 2)
    world.recorded_flips += [first, revised, retracted, gone]


def _disk_full(world: World, key: str) -> None:
    device = _own(world, key, "device")
    full: dict[str, float | str] = {"metric": "motcua_device_disk_used_ratio", "of": "/", "value": 0.968, "limit": 0.95}
    world.stand(device, "degraded", "disk_low", minutes=3_000, **full)
    world.stand(f"centre:{key}", "degraded", "own_fault", minutes=3_000)


def _silent(world: World, key: str) -> None:
    for info in world.subjects(key):
        world.stand(info.key, "unknown", "silent", minutes=12)
    for place, agent in enumerate(world.listed_agents):
        if agent.centre == key:
            world.listed_agents[place] = replace(agent, silent=True, last_heard_ms=world.now - 13 * MINUTE_MS)


# Bắc Ninh as of July 2025: commune code and name.
COMMUNES = """
07210,Phường Bắc Giang
07228,Phường Đa Mai
07246,Xã Xuân Lương
07264,Xã Tam Tiến
07282,Xã Đồng Kỳ
07288,Xã Yên Thế
07294,Phường Bố Hạ
07306,Xã Nhã Nam
07330,Xã Phúc Hoà
07333,Xã Quang Trung
07339,Xã Tân Yên
07351,Xã Ngọc Thiện
07375,Phường Lạng Giang
07381,Xã Tiên Lục
07399,Phường Kép
07420,Xã Mỹ Thái
07432,Xã Tân Dĩnh
07444,Phường Lục Nam
07450,Xã Đông Phú
07462,Xã Bảo Đài
07486,Xã Nghĩa Phương
07489,Xã Trường Sơn
07492,Xã Lục Sơn
07498,Xã Bắc Lũng
07519,Xã Cẩm Lý
07525,Phường Chũ
07531,Xã Tân Sơn
07534,Xã Sa Lý
07537,Xã Biên Sơn
07543,Xã Sơn Hải
07552,Xã Kiên Lao
07573,Xã Biển Động
07582,Xã Lục Ngạn
07594,Xã Đèo Gia
07603,Xã Nam Dương
07612,Phường Phượng Sơn
07615,Xã Sơn Động
07616,Xã Tây Yên Tử
07621,Xã Vân Sơn
07627,Xã Đại Sơn
07642,Xã Yên Định
07654,Xã An Lạc
07663,Xã Tuấn Đạo
07672,Xã Dương Hưu
07681,Phường Yên Dũng
07682,Phường Tân An
07696,Phường Tiền Phong
07699,Phường Tân Tiến
07735,Xã Đồng Việt
07738,Phường Cảnh Thuỵ
07774,Phường Tự Lạn
07777,Phường Việt Yên
07795,Phường Nếnh
07798,Phường Vân Hà
07822,Xã Hoàng Vân
07840,Phường Hiệp Hoà
07864,Xã Hợp Thịnh
07870,Xã Xuân Cẩm
09169,Phường Vũ Ninh
09187,Phường Kinh Bắc
09190,Phường Võ Cường
09193,Phường Yên Phong
09202,Xã Tam Giang
09205,Xã Yên Trung
09208,Xã Tam Đa
09238,Xã Văn Môn
09247,Phường Quế Võ
09253,Phường Nhân Hoà
09265,Phường Phương Liễu
09286,Phường Nam Sơn
09292,Phường Phù Lãng
09295,Phường Bồng Lai
09301,Phường Đào Viên
09313,Phường Chi Lăng
09319,Phường Tiên Du
09325,Phường Hạp Lĩnh
09334,Xã Liên Bão
09340,Xã Đại Đồng
09343,Xã Tân Chi
09349,Xã Phật Tích
09367,Phường Từ Sơn
09370,Phường Tam Sơn
09379,Phường Phù Khê
09385,Phường Đồng Nguyên
09400,Phường Thuận Thành
09409,Phường Mão Điền
09427,Phường Trí Quả
09430,Phường Trạm Lộ
09433,Phường Song Liễu
09445,Phường Ninh Xá
09454,Phường Gia Bình
09466,Xã Cao Đức
09469,Xã Đại Lai
09475,Phường Nhân Thắng
09487,Xã Đông Cứu
09496,Phường Lương Tài
09499,Xã Trung Kênh
09523,Xã Trung Chính
09529,Xã Lâm Thao
"""
