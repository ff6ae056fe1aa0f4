"""The permission to load a line: asked for, kept until it begins, given back with what it cost."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from agent.context import Context
from agent.probes import Again
from agent.probes.given import Ended
from wire.client import ClientError
from wire.messages import Lease, LeaseAsk, PlanItem
from wire.outcomes import unknown

SOON_S: Final = 2.0
_MEMORY: Final = "lease"


@dataclass(frozen=True, slots=True)
class Held:
    """A lease, and when it came by the monotonic clock."""

    lease: Lease
    at_ms: int


def obtain(item: PlanItem, ctx: Context) -> Held | Again:
    """A lease whose time has come; else when to come again. Raises Ended where there is none to be had."""
    held = ctx.memory.pop(_MEMORY, None)
    if not isinstance(held, Held):
        held = _ask(item, ctx)
    if isinstance(held, Again):
        return held
    wait_s = held.lease.starts_in_s - (ctx.clock.mono_ms() - held.at_ms) / 1000
    if wait_s > SOON_S:
        ctx.memory[_MEMORY] = held
        return Again(wait_s)
    if wait_s > 0:
        time.sleep(wait_s)
    if window_left_s(held, ctx) <= 0:
        give_back(item, held, 0, ctx)
        raise Ended(unknown("no_lease"), error="the time of the lease was over before the test could begin")
    return held


def window_left_s(held: Held, ctx: Context) -> float:
    """Seconds until the lease ends."""
    return held.lease.ends_in_s - (ctx.clock.mono_ms() - held.at_ms) / 1000


def give_back(item: PlanItem, held: Held, used_bytes: int, ctx: Context) -> None:
    """Return the lease with what it cost. One that cannot be returned ends by itself."""
    try:
        ctx.lease(LeaseAsk(item.id, ctx.task_id, returns=held.lease.id, used_bytes=used_bytes))
    except ClientError as error:
        ctx.explain(f"the lease was not returned: {error}")


def _ask(item: PlanItem, ctx: Context) -> Held | Again:
    try:
        answer = ctx.lease(LeaseAsk(item.id, ctx.task_id))
    except ClientError as error:
        raise Ended(unknown("no_lease"), error=f"the collector could not be asked: {error}") from error
    if answer.lease is not None:
        ctx.explain(f"lease {answer.lease.id}: {answer.lease.max_bytes / 1e6:.0f} MB, {answer.lease.max_s:g} s")
        return Held(answer.lease, ctx.clock.mono_ms())
    if answer.again_s is not None:
        ctx.explain(f"no lease yet: {answer.why}; again in {answer.again_s:g} s")
        return Again(answer.again_s)
    raise Ended(unknown("no_lease"), error=answer.why)
