"""A probe that asks for a lease and measures nothing: it stands in for the bandwidth probe."""

from __future__ import annotations

from agent.context import Context
from agent.probes import Again, Measured
from wire.client import ClientError
from wire.messages import LeaseAsk, PlanItem
from wire.outcomes import OK, unknown


def probe(item: PlanItem, ctx: Context) -> Measured | Again:
    """The id of the lease in `detail`; unknown(no_lease) with why there is none."""
    try:
        answer = ctx.lease(LeaseAsk(item.id, ctx.task_id))
    except ClientError as error:
        return Measured(unknown("no_lease"), detail={"why": "no_collector", "error": str(error)[:200]})
    if answer.lease is not None:
        return Measured(OK, detail={"lease": answer.lease.id})
    if answer.again_s is not None:
        return Again(answer.again_s)
    return Measured(unknown("no_lease"), detail={"why": answer.why})
