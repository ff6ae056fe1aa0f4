"""The facts of one centre's page: links with their 24 hours, computers, agents, what was measured last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from collector.api import (
    STATES,
    AgentInfo,
    Centre,
    Interval,
    LineInfo,
    NotFound,
    PlannedItem,
    Reader,
    Standing,
    State,
    StoredObservation,
    SubjectInfo,
    TaskInfo,
)
from dashboards.board.centre_more import Desk, SystemRow, desk_of, system_rows, systems_words
from dashboards.board.centre_speeds import Speed, speeds_of
from dashboards.board.chronicle import Story, Teller
from dashboards.board.figures import Bar, Reach, bars, newest, reach, values
from dashboards.board.looks import Look
from dashboards.board.names import centre_name, subject_name
from dashboards.board.sentences import capital, centre_line, centre_title, remedy
from dashboards.board.strips import Strip, strip, window
from dashboards.board.things import root
from dashboards.board.waterfall import axis
from dashboards.board.words import Words

KINDS: Final = ("line", "lan", "device", "agent", "service", "signing")
OBSERVATIONS_SHOWN: Final = 12
OF_LINE_PAGE: Final = frozenset({"bandwidth", "use", "path", "quality"})
"""Probes that a line's own page tells of: they have neither loss nor delay of a train, and one of them costs data."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One item of a plan as it can be asked for now, with the newest task that did."""

    item: PlannedItem
    task: TaskInfo | None

    @property
    def busy(self) -> bool:
        return self.task is not None and self.task.state in {"queued", "taken", "running"}


@dataclass(frozen=True, slots=True)
class Row:
    """One target of one subject. The strip stands in the subject's first row only."""

    info: SubjectInfo
    name: str
    standing: Standing | None
    strip: Strip | None
    target: str
    last: StoredObservation | None
    reach: Reach | None
    measure: Measure | None


@dataclass(frozen=True, slots=True)
class Machine:
    """A computer (its bars and other figures) or an agent (its own figures), with its last report."""

    row: Row
    bars: list[Bar]
    figures: dict[tuple[str, str], float]
    agent: AgentInfo | None


@dataclass(frozen=True, slots=True)
class Todo:
    """Something at this centre that a person can put right, and how."""

    name: str
    state: State
    why: str
    remedy: str


@dataclass(frozen=True, slots=True)
class CentrePage:
    centre: Centre
    name: str
    title: str
    line: str
    standing: Standing | None
    now_ms: int
    as_of_ms: int | None
    from_ms: int
    links: list[Row]
    devices: list[Machine]
    agents: list[Machine]
    last: list[StoredObservation]
    names: dict[str, str]
    todo: list[Todo]
    busy: bool
    story: Story
    look: Look
    desk: Desk | None
    lines: dict[str, LineInfo]  # by subject
    speeds: dict[str, Speed]  # by subject
    systems: list[SystemRow]
    measures: dict[str, Measure]  # of systems, by subject

    @property
    def axis_s(self) -> float:
        """How long the axis is that the phases of all systems are drawn on."""
        return axis((row.fall for row in self.systems), None)


def look(reader: Reader, key: str, words: Words) -> CentrePage:
    """Everything the page of centre `key` shows. Raises NotFound."""
    centres = {centre.key: centre for centre in reader.centres()}
    centre = centres.get(key)
    if centre is None:
        raise NotFound(key)
    infos = {info.key: info for info in reader.subjects(key)}
    standings, latest, limits = reader.standings(key), reader.latest(key), reader.limits()
    now_ms = reader.now_ms()
    from_ms, _ = window(now_ms)
    names = {info.key: subject_name(info, words, {key: centre}) for info in infos.values()}
    intervals = reader.intervals(list(names), from_ms, now_ms)
    services = [info for info in infos.values() if info.kind == "service"]
    seen = reader.overview()
    systems = system_rows(reader, services, standings, intervals, views=seen.systems, from_ms=from_ms, words=words)
    names |= {row.info.key: row.name for row in systems}
    planned = seen.planned.get(key)
    story = Teller(names, centres, now_ms, words).story(centre, reader.chronicle(key), planned)
    infos = {name: info for name, info in infos.items() if name not in story.gone}
    build = _Rows(
        names=names,
        standings=standings,
        latest=latest,
        planned=reader.planned(key),
        tasks=reader.tasks(key),
        intervals=intervals,
        from_ms=from_ms,
    )
    rows = {kind: build.of([info for info in infos.values() if info.kind == kind]) for kind in KINDS}
    standing = standings.get(f"centre:{key}")
    lines = {line.key: line for line in reader.lines(key)}
    agents = {f"agent:{agent.id}": agent for agent in reader.agents(key)}
    return CentrePage(
        centre=centre,
        name=centre_name(centre, words),
        title=story.title or centre_title(standing, now_ms, words),
        line="" if centre.retired else _line(infos, standings, names, systems, words),
        standing=standing,
        now_ms=now_ms,
        as_of_ms=max((stored.at_ms for stored in latest), default=None),
        from_ms=from_ms,
        links=rows["line"] + rows["lan"] + rows["signing"],
        devices=[_machine(row, limits, agents) for row in rows["device"]],
        agents=[_machine(row, limits, agents) for row in rows["agent"]],
        last=sorted(latest, key=lambda stored: (-stored.at_ms, stored.id))[:OBSERVATIONS_SHOWN],
        names=names,
        todo=[] if centre.retired else _todo(standings, latest, agents, names, words),
        busy=any(
            row.measure is not None and row.measure.task is not None for of_kind in rows.values() for row in of_kind
        ),
        story=story,
        look="planned" if planned or centre.retired else standing.state if standing else "unknown",
        desk=desk_of(reader, key, words),
        lines=lines,
        speeds=speeds_of(reader, key, lines, [info.key for info in infos.values() if info.kind == "line"], now_ms),
        systems=systems,
        measures={row.info.key: row.measure for row in rows["service"] if row.measure is not None},
    )


def _line(
    infos: Mapping[str, SubjectInfo],
    standings: Mapping[str, Standing],
    names: Mapping[str, str],
    systems: Sequence[SystemRow],
    words: Words,
) -> str:
    """What is not well here, without consequences; what is not well of shared systems is told apart from it."""
    bad = [(info, standings[key]) for key, info in infos.items() if key in standings and standings[key].state != "ok"]
    parts = [fault for fault in bad if fault[0].kind not in {"centre", "service"} and not _unplugged(*fault)]
    shared = systems_words(systems, words)
    if not standings or (any(info.kind == "centre" for info, _ in bad) and not parts):
        return capital(shared)
    own = centre_line([(names[info.key], standing) for info, standing in root(parts)], words)
    return f"{own}. {capital(shared)}" if shared else own


def _unplugged(info: SubjectInfo, standing: Standing) -> bool:
    """A line that nobody has a way to measure: its row says so."""
    return info.kind == "line" and standing.reason == "never_measured"


def _todo(
    standings: Mapping[str, Standing],
    latest: Sequence[StoredObservation],
    agents: Mapping[str, AgentInfo],
    names: Mapping[str, str],
    words: Words,
) -> list[Todo]:
    """What can be put right, from the states, from the last measurements that failed, from what agents say."""
    found: dict[tuple[str, str], State] = {}
    for held in standings.values():
        if held.state != "ok" and held.reason is not None and not held.subject.startswith("service:"):
            found[held.subject, held.reason] = held.state
    for stored in latest:
        o = stored.observation
        if o.reason is not None and o.probe != "service":  # a shared system is put right by its owner
            found.setdefault((o.subject, o.reason), "down" if o.outcome == "fail" else "unknown")
    for key, agent in agents.items():
        for name in agent.conditions if agent.revoked_ms is None else ():
            found.setdefault((key, name), "degraded")
    todo = [
        Todo(names.get(subject, subject), state, words.reason(reason), remedy(reason, words))
        for (subject, reason), state in found.items()
        if remedy(reason, words)
    ]
    return sorted(todo, key=lambda one: (STATES.index(one.state), one.name))


@dataclass(frozen=True, slots=True)
class _Rows:
    """What the rows of one centre are made of; each thing is asked of the reader once."""

    names: Mapping[str, str]
    standings: Mapping[str, Standing]
    latest: list[StoredObservation]
    planned: list[PlannedItem]
    tasks: list[TaskInfo]
    intervals: Mapping[str, list[Interval]]
    from_ms: int

    def of(self, infos: list[SubjectInfo]) -> list[Row]:
        return [row for info in sorted(infos, key=lambda info: info.key) for row in self._of_one(info)]

    def _of_one(self, info: SubjectInfo) -> list[Row]:
        items = [item for item in self.planned if item.subject == info.key and item.probe not in OF_LINE_PAGE]
        seen = [o for o in self.latest if o.observation.subject == info.key and o.observation.probe not in OF_LINE_PAGE]
        shown = targets_shown(items, seen) or [""]
        return [self._row(info, target, items, seen, first=place == 0) for place, target in enumerate(shown)]

    def _row(
        self, info: SubjectInfo, target: str, items: list[PlannedItem], seen: list[StoredObservation], *, first: bool
    ) -> Row:
        item = next((item for item in items if item.target == target), None)
        last = newest([o for o in seen if o.observation.target == target], info.key)
        cells = strip(self.intervals.get(info.key, []), self.from_ms)
        return Row(
            info=info,
            name=self.names[info.key],
            standing=self.standings.get(info.key),
            strip=cells if first else None,
            target=target,
            last=last,
            reach=None if last is None or info.kind not in {"line", "lan"} else reach(last),
            measure=None if item is None else Measure(item, self._task(item)),
        )

    def _task(self, item: PlannedItem) -> TaskInfo | None:
        own = [task for task in self.tasks if (task.agent, task.item) == (item.agent, item.id)]
        return max(own, key=lambda task: task.created_ms, default=None)


def targets_shown(items: Sequence[PlannedItem], seen: Sequence[StoredObservation]) -> list[str]:
    """Where a subject is measured to, those of its plan first; a radio only where there is one."""
    targets = dict.fromkeys([*(item.target for item in items), *(o.observation.target for o in seen)])
    radios = {item.target for item in items if item.probe == "wifi"}
    heard = {o.observation.target for o in seen}
    wired = {o.observation.target for o in seen if o.observation.reason == "not_wireless"} | (radios - heard)
    return [target for target in targets if target not in wired]


def _machine(row: Row, limits: Mapping[str, float], agents: Mapping[str, AgentInfo]) -> Machine:
    found = {} if row.last is None else values(row.last)
    return Machine(row, bars(found, limits), found, agents.get(row.info.key))
