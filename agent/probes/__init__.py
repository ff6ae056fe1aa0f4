"""The one table of probes. A probe is a function of its arguments; the runner owns timing, deadline and catching."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from agent.context import Context
    from wire.messages import PlanItem, Scalar, Value
    from wire.outcomes import Result


@dataclass(frozen=True, slots=True)
class Measured:
    """What one run found: the outcome, numbers, seconds by phase, and what was asked and answered."""

    result: Result
    values: list[Value] = field(default_factory=list)
    phases: dict[str, float] = field(default_factory=dict)
    detail: dict[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Again:
    """The run cannot begin yet: it is to be started again after so many seconds; nothing is recorded until then."""

    after_s: float


Probe = Callable[["PlanItem", "Context"], Measured | Again]

# Imported on first use, so that a missing optional library costs one probe and not the agent.
PROBES: Final[dict[str, str]] = {
    "bandwidth": "agent.probes.bandwidth.probe",
    "dns": "agent.probes.dns",
    "path": "agent.probes.path",
    "pc": "agent.probes.pc",
    "quality": "agent.probes.quality",
    "reach": "agent.probes.reach",
    "service": "agent.probes.service",
    "use": "agent.probes.use",
    "wifi": "agent.probes.wifi",
}


def load(name: str) -> Probe:
    """The probe of that name. Raises KeyError for an unknown name, ImportError where its library is missing."""
    return cast("Probe", importlib.import_module(PROBES[name]).probe)
