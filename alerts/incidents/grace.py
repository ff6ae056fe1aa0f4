"""Whether a verdict may turn out to be the consequence of something larger: only then is anything waited for. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final

from alerts.api import Verdict
from alerts.correlate.limits import Limits
from alerts.correlate.picture import Topology

_LARGEST: Final = frozenset({"planned", "service", "province", "carrier", "signing", "certificate"})
_AREA: Final = "power:area/"


def may_wait(topology: Topology, limits: Limits) -> Callable[[Verdict], bool]:
    """The question, asked of one state of the province."""
    groups = Counter((line.carrier, line.group) for line in topology.lines.values() if line.group)
    areas = Counter(topology.areas.values())

    def asked(verdict: Verdict) -> bool:
        if verdict.rule in _LARGEST:
            return False
        if verdict.rule == "line":
            own = [topology.lines[key] for key in verdict.subjects if key in topology.lines]
            return any(groups[(line.carrier, line.group)] >= limits.carrier_lines for line in own)
        if verdict.rule == "power" and not verdict.cause.startswith(_AREA):
            return any(areas[topology.areas.get(key, "")] >= limits.power_centres for key in verdict.centres[:1])
        return verdict.rule not in {"lan", "power"}

    return asked
