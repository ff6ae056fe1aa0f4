"""How an incident is tested now: by the centre's own agent, or from the province where that one is silent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from alerts.api import Incident
from collector.api import Actor, AgentInfo, Commands, PlannedItem, Reader, TaskInfo
from dashboards.board.centre_rows import Measure

SUBJECTS_TESTED: Final = 6
CENTRES_TESTED: Final = 3

_COSTLY: Final = frozenset({"bandwidth", "quality", "path"})
"""Probes that load the line or take long: they are asked for on the line's own page."""

_FIRST: Final = ("reach", "service", "pc")


@dataclass(frozen=True, slots=True)
class Way:
    """One subject and the item that tests it. `from_province`: by a vantage, because nobody at the centre answers."""

    subject: str
    measure: Measure
    from_province: bool

    @property
    def item(self) -> PlannedItem:
        return self.measure.item


@dataclass(frozen=True, slots=True)
class Tests:
    """Every way there is now. `silent`: an agent of the centre is not heard; `blind`: subjects nobody can test."""

    ways: list[Way]
    silent: bool
    blind: list[str]

    @property
    def busy(self) -> bool:
        return any(way.measure.busy for way in self.ways)

    @property
    def from_province(self) -> bool:
        return any(way.from_province for way in self.ways)


def tests_of(reader: Reader, held: Incident) -> Tests:
    """How the subjects of an incident can be tested at this moment."""
    places = held.verdict.centres[:CENTRES_TESTED]
    items = {place: reader.planned(place) for place in places}
    agents = {agent.id: agent for place in places for agent in reader.agents(place)}
    subjects = tested(held, {item.subject for own in items.values() for item in own})
    here = [item for own in items.values() for item in own if _heard(agents.get(item.agent))]
    silent = any(not _heard(agent) for agent in agents.values() if agent.role != "pc" and agent.revoked_ms is None)
    missing = [key for key in subjects if not _best(key, here)]
    there, rooms = _from_province(reader) if missing else ([], ())
    tasks = [task for place in (*places, *rooms) for task in reader.tasks(place)]
    found = [(key, _best(key, here) or _best(key, there), not _best(key, here)) for key in subjects]
    ways = [Way(key, Measure(item, _task(item, tasks)), far) for key, item, far in found if item is not None]
    return Tests(ways, silent, [key for key, item, _ in found if item is None])


def tested(held: Incident, planned: set[str]) -> list[str]:
    """Which subjects a test is about: what the verdict explains, lines before all else."""
    keys = [key for key in held.verdict.subjects if key.partition(":")[0] in {"line", "lan", "service", "device"}]
    lines = [key for key in keys if key.startswith("line:")]
    if not keys:  # an agent, or power: whether the centre is back is told by its lines
        keys = lines = sorted(key for key in planned if key.startswith("line:"))
    return (lines or keys)[:SUBJECTS_TESTED]


def ask(reader: Reader, commands: Commands, actor: Actor, held: Incident) -> int:
    """Ask for every test that is not under way; how many. Raises NotFound or NotAllowed of `collector.api`."""
    idle = [way for way in tests_of(reader, held).ways if not way.measure.busy]
    for way in idle:
        commands.request_task(actor, way.item.agent, way.item.id)
    return len(idle)


def _heard(agent: AgentInfo | None) -> bool:
    return agent is not None and not agent.silent and agent.revoked_ms is None


def _from_province(reader: Reader) -> tuple[list[PlannedItem], tuple[str, ...]]:
    """What the vantages that are heard have planned, and the rooms they stand in."""
    vantages = {agent.id: agent.centre for agent in reader.agents(role="vantage") if _heard(agent)}
    rooms = tuple(dict.fromkeys(vantages.values()))
    return [item for room in rooms for item in reader.planned(room) if item.agent in vantages], rooms


def _best(subject: str, items: Sequence[PlannedItem]) -> PlannedItem | None:
    """The plainest item of a subject; a shared system is tested wherever it is measured."""
    own = [item for item in items if _is(item.subject, subject) and item.probe not in _COSTLY]
    return min(own, key=lambda item: _FIRST.index(item.probe) if item.probe in _FIRST else len(_FIRST), default=None)


def _is(planned: str, subject: str) -> bool:
    shared = subject.startswith("service:") and "@" not in subject
    return planned == subject or (shared and planned.partition("@")[0] == subject)


def _task(item: PlannedItem, tasks: Sequence[TaskInfo]) -> TaskInfo | None:
    own = [task for task in tasks if (task.agent, task.item) == (item.agent, item.id)]
    return max(own, key=lambda task: task.created_ms, default=None)


def by_subject(tests: Tests) -> Mapping[str, Way]:
    """The way of each subject that has one."""
    return {way.subject: way for way in tests.ways}
