"""What correlation looks at: everything that is or lately was not well, how things hang together, and what was planned.

Times are UTC milliseconds in event time; `recorded_ms` is when the collector learned of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from alerts.correlate.ground import AgentAt, Ground, LineAt, survey
from alerts.correlate.limits import Limits
from collector.api import State, Window

__all__ = ["AgentAt", "Boot", "LineAt", "Picture", "Spell", "Topology"]


@dataclass(frozen=True, slots=True)
class Spell:
    """A subject in one state other than ok, from `from_ms` until `to_ms` (None: it holds). `evidence`: observations."""

    subject: str
    state: State
    reason: str | None
    from_ms: int
    to_ms: int | None
    recorded_ms: int
    detail: Mapping[str, str | float | int] = field(default_factory=dict)
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True)
class Topology:
    """How things hang together, each by the key of its subject; `areas`: centre → area; `centre_of`: subject → centre;
    `measured`: what a plan holds, so that its silence means something.

    Make a new one only when the inventory changed: what is worked out of it is kept with it.
    """

    areas: Mapping[str, str] = field(default_factory=dict)
    lines: Mapping[str, LineAt] = field(default_factory=dict)
    agents: Mapping[str, AgentAt] = field(default_factory=dict)
    centre_of: Mapping[str, str] = field(default_factory=dict)
    measured: frozenset[str] = frozenset()

    @cached_property
    def ground(self) -> Ground:
        """Centres, groups and clusters, worked out once."""
        return survey(self.lines.values(), self.agents.values(), self.areas, self.measured)


@dataclass(frozen=True, slots=True)
class Boot:
    """A machine of a centre started at `at_ms`; told by its own clock since boot, known to us since `known_ms`."""

    agent: str
    centre: str
    at_ms: int
    known_ms: int


@dataclass(frozen=True, slots=True)
class Picture:
    """One look, at `now_ms`. `spells` by subject, in order of time; `planned` by subject, also of services, carriers
    (`carrier:<key>`) and areas (`area:<key>`)."""

    now_ms: int
    spells: Mapping[str, Sequence[Spell]]
    topology: Topology
    limits: Limits
    planned: Mapping[str, Sequence[Window]] = field(default_factory=dict)
    boots: Mapping[str, Sequence[Boot]] = field(default_factory=dict)  # by centre
