"""How the province hangs together: centres with their lines and agents, lines that fail together, and clusters.

A cluster is a set of centres that no area and no group of lines ties to any other: what is said of it depends on
nothing outside of it but the shared systems and a silence of everything at once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class LineAt:
    """A data line in the topology; `leads`: what the centre normally works by."""

    subject: str
    centre: str
    carrier: str
    group: str  # lines that fail together, of one carrier; empty where the inventory does not say
    kind: str
    circuit: str
    leads: bool


@dataclass(frozen=True, slots=True)
class AgentAt:
    """An enrolled agent: `box`, `pc` or `vantage`, and the subject of the machine that it runs on."""

    subject: str
    centre: str
    role: str
    device: str


@dataclass(frozen=True, slots=True)
class Stand:
    """A centre as it stands: `lines` by key, the one that leads first."""

    centre: str
    area: str
    cluster: str
    lines: tuple[LineAt, ...]
    boxes: tuple[AgentAt, ...]
    others: tuple[AgentAt, ...]

    @property
    def lead(self) -> LineAt | None:
        """The line that it works by."""
        return self.lines[0] if self.lines else None


@dataclass(frozen=True, slots=True)
class Group:
    """Lines that fail together. `witnesses`: centres that have a line in it and one outside, both measured."""

    key: str  # vnpt/vnpt-bac-giang; vnpt where the inventory does not tell more
    carrier: str
    measured: frozenset[str]
    centres: frozenset[str]
    witnesses: frozenset[str]


@dataclass(frozen=True, slots=True)
class Ground:
    """All of it. `clusters`: name → its centres; `boxes`: centres by area and by carrier that a box speaks from."""

    stands: Mapping[str, Stand]
    groups: Mapping[str, Group]
    clusters: Mapping[str, tuple[str, ...]]
    by_area: Mapping[str, frozenset[str]] = field(default_factory=dict)
    by_carrier: Mapping[str, frozenset[str]] = field(default_factory=dict)


def group_of(line: LineAt) -> str:
    """The key of the group that a line fails with; empty where not even its carrier is known."""
    return f"{line.carrier}/{line.group}" if line.group else line.carrier


def survey(
    lines: Iterable[LineAt], agents: Iterable[AgentAt], areas: Mapping[str, str], measured: Collection[str]
) -> Ground:
    """Work it out. A centre is known by its area, a line or an agent."""
    of_line: dict[str, list[LineAt]] = {}
    of_agent: dict[str, list[AgentAt]] = {}
    for line in lines:
        of_line.setdefault(line.centre, []).append(line)
    for agent in agents:
        of_agent.setdefault(agent.centre, []).append(agent)
    centres = sorted({*areas, *of_line, *of_agent})
    names = _joined(centres, areas, of_line)
    stands = {c: _stand(c, areas.get(c, ""), names[c], of_line.get(c, ()), of_agent.get(c, ())) for c in centres}
    clusters: dict[str, list[str]] = {}
    for centre, name in names.items():
        clusters.setdefault(name, []).append(centre)
    boxed = [stand for stand in stands.values() if stand.boxes]
    return Ground(
        stands, _groups(stands, measured), {name: tuple(found) for name, found in clusters.items()},
        _sets((stand.area, stand.centre) for stand in boxed),
        _sets((stand.lead.carrier, stand.centre) for stand in boxed if stand.lead),
    )  # fmt: skip


def _stand(centre: str, area: str, cluster: str, lines: Iterable[LineAt], agents: Iterable[AgentAt]) -> Stand:
    ordered = tuple(sorted(lines, key=lambda line: (not line.leads, line.subject)))
    every = sorted(agents, key=lambda agent: agent.subject)
    boxes = tuple(agent for agent in every if agent.role == "box")
    return Stand(centre, area, cluster, ordered, boxes, tuple(agent for agent in every if agent.role != "box"))


def _groups(stands: Mapping[str, Stand], measured: Collection[str]) -> dict[str, Group]:
    lines: dict[str, list[LineAt]] = {}
    for stand in stands.values():
        for line in stand.lines:
            if line.carrier:
                lines.setdefault(group_of(line), []).append(line)
    found: dict[str, Group] = {}
    for key, members in sorted(lines.items()):
        centres = frozenset(line.centre for line in members)
        inside = {line.centre for line in members if line.subject in measured}
        witnesses = frozenset(
            c for c in inside if any(o.subject in measured and group_of(o) != key for o in stands[c].lines)
        )
        own = frozenset(line.subject for line in members if line.subject in measured)
        found[key] = Group(key, members[0].carrier, own, centres, witnesses)
    return found


def _sets(pairs: Iterable[tuple[str, str]]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for key, value in pairs:
        if key:
            found.setdefault(key, set()).add(value)
    return {key: frozenset(values) for key, values in found.items()}


def _joined(centres: Iterable[str], areas: Mapping[str, str], lines: Mapping[str, Iterable[LineAt]]) -> dict[str, str]:
    """The cluster of every centre: areas and groups of lines join those who share them."""
    above: dict[str, str] = {}

    def top(key: str) -> str:
        while above.setdefault(key, key) != key:
            above[key] = above[above[key]]
            key = above[key]
        return key

    every = list(centres)
    for centre in every:
        ties = [f"area:{areas[centre]}"] if areas.get(centre) else []
        ties += [f"group:{group_of(line)}" for line in lines.get(centre, ()) if line.carrier]
        for tie in ties:
            one, other = sorted((top(centre), top(tie)))
            above[other] = one
    return {centre: top(centre) for centre in every}
