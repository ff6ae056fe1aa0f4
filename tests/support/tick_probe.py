"""A probe that measures nothing, for agents that run as real processes: it only makes observations."""

from __future__ import annotations

from agent.context import Context
from agent.probes import Measured
from wire.messages import PlanItem, Value
from wire.outcomes import OK


def probe(_item: PlanItem, context: Context) -> Measured:
    """Always ok, with a number and a word."""
    return Measured(OK, [Value("motcua_lan_rtt_seconds", context.left_s())], detail={"asked": "nobody"})
