"""A probe whose turn never comes."""

from __future__ import annotations

from agent.context import Context
from agent.probes import Again, Measured
from wire.messages import PlanItem


def probe(_item: PlanItem, _ctx: Context) -> Measured | Again:
    """Always later."""
    return Again(5.0)
