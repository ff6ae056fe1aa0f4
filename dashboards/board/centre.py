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
    Overview,
    Reader,
    Standing,
    State,
    StoredObservation,
    SubjectInfo,
)
from dashboards.board.centre_more import Desk, SystemRow, desk_of, system_rows, systems_words
from dashboards.board.centre_rows import Measure, Row, Rows
from dashboards.board.centre_speeds import Speed, speeds_of
from dashboards.board.chronicle import Story, Teller
from dashboards.board.figures import Bar, bars, values
from dashboards.board.looks import Look
from dashboards.board.names import centre_name, subject_name
from dashboards.board.sentences import capital, centre_line, centre_title, remedy
from dashboards.board.strips import window
from dashboards.board.things import root
from dashboards.board.waterfall import axis
from dashboards.board.words import Words

KINDS: Final = ("line", "lan", "device", "agent", "service", "signing")
OBSERVATIONS_SHOWN: Final = 12


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
    if key not in centres:
        raise NotFound(key)
    centre, asked = centres[key], _ask(reader, key)
    names, systems = _named(reader, asked, centre, words)
    planned = asked.overview.planned.get(key)
    story = Teller(names, centres, asked.now_ms, words).story(centre, reader.chronicle(key), planned)
    infos = {name: info for name, info in asked.infos.items() if name not in story.gone}
    rows = _rows(reader, asked, infos, names)
    standings, standing = asked.standings, asked.standings.get(f"centre:{key}")
    lines = {line.key: line for line in reader.lines(key)}
    agents, limits = {f"agent:{agent.id}": agent for agent in reader.agents(key)}, reader.limits()
    return CentrePage(
        centre=centre,
        name=centre_name(centre, words),
        title=story.title or centre_title(standing, asked.now_ms, words),
        line="" if centre.retired else _line(infos, standings, names, systems, words),
        standing=standing,
        now_ms=asked.now_ms,
        as_of_ms=max((stored.at_ms for stored in asked.latest), default=None),
        from_ms=asked.from_ms,
        links=rows["line"] + rows["lan"] + rows["signing"],
        devices=[_machine(row, limits, agents) for row in rows["device"]],
        agents=[_machine(row, limits, agents) for row in rows["agent"]],
        last=sorted(asked.latest, key=lambda stored: (-stored.at_ms, stored.id))[:OBSERVATIONS_SHOWN],
        names=names,
        todo=[] if centre.retired else _todo(standings, asked.latest, agents, names, words),
        busy=any(row.measure is not None and row.measure.task is not None for own in rows.values() for row in own),
        story=story,
        look="planned" if planned or centre.retired else standing.state if standing else "unknown",
        desk=desk_of(reader, key, words),
        lines=lines,
        speeds=speeds_of(reader, key, lines, [one.key for one in infos.values() if one.kind == "line"], asked.now_ms),
        systems=systems,
        measures={row.info.key: row.measure for row in rows["service"] if row.measure is not None},
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is known of a centre, asked for once."""

    key: str
    now_ms: int
    from_ms: int  # where the day that is shown begins
    infos: Mapping[str, SubjectInfo]
    standings: Mapping[str, Standing]
    latest: list[StoredObservation]
    intervals: Mapping[str, list[Interval]]
    overview: Overview


def _ask(reader: Reader, key: str) -> _Asked:
    infos, now_ms = {info.key: info for info in reader.subjects(key)}, reader.now_ms()
    from_ms, _ = window(now_ms)
    intervals = reader.intervals(list(infos), from_ms, now_ms)
    return _Asked(key, now_ms, from_ms, infos, reader.standings(key), reader.latest(key), intervals, reader.overview())


def _named(reader: Reader, asked: _Asked, centre: Centre, words: Words) -> tuple[dict[str, str], list[SystemRow]]:
    """What every subject is called, and the rows of its shared systems, which have names of their own."""
    names = {info.key: subject_name(info, words, {centre.key: centre}) for info in asked.infos.values()}
    systems = system_rows(
        reader, [info for info in asked.infos.values() if info.kind == "service"], asked.standings, asked.intervals,
        views=asked.overview.systems, from_ms=asked.from_ms, words=words,
    )  # fmt: skip
    return names | {row.info.key: row.name for row in systems}, systems


def _rows(
    reader: Reader, asked: _Asked, infos: Mapping[str, SubjectInfo], names: Mapping[str, str]
) -> dict[str, list[Row]]:
    """The rows of each kind of subject."""
    build = Rows(
        names=names,
        standings=asked.standings,
        latest=asked.latest,
        planned=reader.planned(asked.key),
        tasks=reader.tasks(asked.key),
        intervals=asked.intervals,
        from_ms=asked.from_ms,
    )
    return {kind: build.of([info for info in infos.values() if info.kind == kind]) for kind in KINDS}


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


def _machine(row: Row, limits: Mapping[str, float], agents: Mapping[str, AgentInfo]) -> Machine:
    found = {} if row.last is None else values(row.last)
    return Machine(row, bars(found, limits), found, agents.get(row.info.key))
