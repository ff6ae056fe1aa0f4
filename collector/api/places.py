"""What the inventory says of centres, lines and shared systems, and who sees a system how: structs of the door."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from collector.api.facts import Standing, State
from wire.carried import Sight

OWN_ROOMS: Final = "00000-"
"""How the keys of the province's own rooms begin: what is measured there is the province's view, no centre's."""

PHASES: Final = ("dns", "connect", "tls", "ttfb", "transfer")
"""The phases of a shared system's answer, in the order in which they happen."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a centre is and whom to call there, as its inventory says; empty or None where it does not."""

    area: str = ""
    lat: float | None = None
    lon: float | None = None
    located: str = ""  # `area_centroid`: in the middle of its commune, not where the office is; `office`
    kind: str = ""  # phường, xã …
    contact: str = ""
    phone: str = ""
    hours: str = ""  # the schedule's id
    dossiers_per_hour: float | None = None


@dataclass(frozen=True, slots=True)
class LineInfo:
    """A data line as it was contracted. `key` is that of its subject; `reach_by` says how a box sends by it.

    `egress`: the addresses and networks that its traffic comes from outside, parted by blanks.
    """

    key: str
    kind: str
    carrier: str
    circuit: str
    contract_bps: float | None
    cpe_address: str
    uplink_group: str
    reach_by: str
    egress: str = ""


@dataclass(frozen=True, slots=True)
class Team:
    """Whom to call. `owns` are owners of verdicts such as line; `areas` empty: everywhere."""

    key: str
    name_vi: str
    name_en: str
    organisation: str
    areas: tuple[str, ...] = ()
    owns: tuple[str, ...] = ()
    phone: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class Duty:
    """One turn on a team's rota."""

    team: str
    person: str
    phone: str
    from_ms: int
    to_ms: int

    def holds(self, at_ms: int) -> bool:
        """Whether this person is on duty at a moment."""
        return self.from_ms <= at_ms < self.to_ms


@dataclass(frozen=True, slots=True)
class SystemInfo:
    """A shared system as services.toml has it. `slow_s` is the limit its median is judged by, unless policy says."""

    id: str
    name_vi: str
    name_en: str
    owner: str
    scope: str  # national, province, local
    slow_s: float | None
    period_s: float | None
    on: bool
    confidence: str = ""
    url: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class SystemView:
    """One shared system now: the state it has for all, how many centres see it how, how the province's rooms do."""

    id: str
    shared: Standing | None
    counts: Mapping[State, int] = field(default_factory=dict)
    rooms: Mapping[str, Standing] = field(default_factory=dict)  # by the key of the room

    @property
    def total(self) -> int:
        """Centres that are to measure it."""
        return sum(self.counts.values())

    @property
    def ill(self) -> int:
        """Centres that see it slow or not at all."""
        return self.counts.get("degraded", 0) + self.counts.get("down", 0)


@dataclass(frozen=True, slots=True)
class PhaseTimes:
    """The newest answer of a system to one place: seconds by phase. `total_s` None: that answer did not pass."""

    subject: str
    at_ms: int
    seconds: Mapping[str, float]
    total_s: float | None


@dataclass(frozen=True, slots=True)
class CarriedIn:
    """Evidence of a cut-off box that a phone carried here; its signature is verified.

    `heard_ms`: when the box last heard the collector. `sights`: how each of its targets stood.
    """

    agent: str
    centre: str
    at_ms: int
    heard_ms: int | None
    sights: tuple[Sight, ...]
