"""A probe that does not come back for a long time."""

from __future__ import annotations

import threading

from agent.context import Context
from agent.probes import Measured
from wire.messages import PlanItem
from wire.outcomes import OK


def probe(_item: PlanItem, context: Context) -> Measured:
    """Wait for the deadline."""
    threading.Event().wait(context.left_s())
    return Measured(OK)
