"""The thresholds of telling, from the section `[alerts]` of the policy in force; none is in code."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Struct

from wire.readied import readied


class Limits(Struct, frozen=True, kw_only=True):
    """Seconds, counts and shares; see `province/policy.toml`."""

    grace_s: float
    settle_s: float
    together_s: float
    carrier_lines: int
    carrier_centres: int
    carrier_share: float
    power_centres: int
    flaps: int
    flap_window_s: float
    flap_hold_s: float
    reopen_s: float
    late_s: float
    agent_silent_s: float
    pc_silent_s: float


def limits(thresholds: Mapping[str, float]) -> Limits:
    """From the thresholds of a policy (`alerts.grace_s` → 20.0). Raises msgspec.ValidationError where one lacks."""
    own = {key.removeprefix("alerts."): value for key, value in thresholds.items() if key.startswith("alerts.")}
    return msgspec.convert(
        {name: own[name] for name in Limits.__struct_fields__ if name in own}, readied(Limits), strict=False
    )
