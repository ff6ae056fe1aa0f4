"""Causes: what goes wrong in the simulated world, whose it is, and whom it touches. Data, and one table of kinds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Names = Literal["centres", "lines", "services"]
State = Literal["ok", "degraded", "down", "unknown"]

FASTEST_S: Final = 40.0  # three trains of ten seconds, and one that had begun
A_WINDOW_S: Final = 900.0  # medians and losses are those of a quarter of an hour
A_DAY_S: Final = 86_400.0  # a line is tested once a day, and its use is judged over a week


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of cause. `owner` is whose fault it is, in the words of a verdict.

    `rank`: a cause hides those of a higher rank at the same centre. `shared`: one cause for all that it names, instead
    of one for each. `severity` is what is taken where the scenario gives none; `unit` says of what. `shows_s`: how long
    it must last to be judged, by the thresholds that come with the suite; for a shared system, so many of its runs.
    `told_s`: how long it must last until people are told, where that is longer. `spread`: by what share of `severity`
    a generator makes it worse or less bad. `composed`: the seeded generator draws it where a scenario does not say
    which kinds it wants.
    """

    owner: str
    names: Names
    rank: int
    severity: float = 1.0
    unit: str = ""
    shared: bool = False
    shows_s: float = FASTEST_S
    told_s: float = 0.0
    spread: float = 0.1
    composed: bool = True


KINDS: Final[dict[str, Kind]] = {
    "power": Kind("power", "centres", 0, shared=True, shows_s=120),
    "agent_stopped": Kind("agent", "centres", 1, shows_s=120, told_s=390),
    "lan": Kind("lan", "centres", 2),
    "carrier_cut": Kind("carrier", "lines", 3, shared=True),
    "line_cut": Kind("line", "lines", 4),
    "line_lossy": Kind("line", "lines", 5, 0.12, "share of packets lost", shows_s=1.5 * A_WINDOW_S),
    "line_slow": Kind("line", "lines", 6, 0.15, "seconds more", shows_s=1.5 * A_WINDOW_S),
    "dns_slow": Kind("line", "lines", 7, 4.0, "seconds more", shows_s=A_WINDOW_S),
    "service_down": Kind("service", "services", 7, shared=True, shows_s=4),
    "service_slow": Kind("service", "services", 8, 8.0, "seconds more", shared=True, shows_s=5),
    "disk_full": Kind("device", "centres", 7, 0.98, "share of the disk in use", shows_s=120, spread=0.02),
    "clock_skew": Kind("agent", "centres", 7, 900.0, "seconds ahead", shows_s=130),
    "hop_cut": Kind("carrier", "lines", 4, 2.0, "hops that still answer", spread=0.0, composed=False),
    "failover": Kind("line", "lines", 4, composed=False),
    "line_flapping": Kind("line", "lines", 4, 300.0, "seconds of a turn, lost at its beginning", composed=False),
    "line_below_contract": Kind(
        "carrier", "lines", 6, 0.38, "share of the contracted speed", shows_s=4 * A_DAY_S, composed=False
    ),
    "line_full": Kind("line", "lines", 6, 0.97, "share of the capacity in use", shows_s=8 * A_DAY_S, composed=False),
    "class_lossy": Kind(
        "carrier", "lines", 7, 0.06, "share of the packets of class ef lost", shows_s=A_DAY_S, composed=False
    ),
    "port_slow": Kind("device", "centres", 7, 1e8, "bit/s of the box's port", shows_s=A_DAY_S, composed=False),
}
"""By name. Kinds of one rank do not hide each other."""

CUTS: Final = frozenset({"line_cut", "carrier_cut", "hop_cut", "failover"})
"""Kinds after which a line carries nothing."""

FLAPPING: Final = "line_flapping"
FLAP_LOST: Final = 0.4
"""Share of a flapping line's turn in which it carries nothing."""


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing that goes wrong from `from_ms` to `to_ms` (UTC), at the centres, lines or services in `touches`."""

    id: str
    kind: str
    from_ms: int
    to_ms: int
    severity: float
    touches: tuple[str, ...]

    @property
    def its(self) -> Kind:
        """What is true of all causes of this kind."""
        return KINDS[self.kind]


def drawn_severity(kind: str, draw: float) -> float:
    """How badly a composed cause holds, by a number in [0, 1)."""
    its = KINDS[kind]
    heavy = its.severity * (1 + its.spread * (2 * draw - 1))
    return min(heavy, 1.0) if its.unit.startswith("share") else heavy
