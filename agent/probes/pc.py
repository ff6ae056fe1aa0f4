"""How the machine under the desk is: processor, memory, disks, temperatures, battery, network, time.

Never collected: names of users, processes, files or windows, and nothing that a person typed. What a machine has no
sensor for is left out, never zero. Linux, Windows and macOS by psutil.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from agent.context import Context
from agent.probes import Measured
from agent.probes.given import Ended, kind_of, settings_of
from agent.probes.pcread import Snapshot, read
from agent.probes.pcvalues import cpu_share, values_of
from wire.messages import MAX_VALUES, PlanItem, Scalar, Value
from wire.outcomes import OK, unknown

PHASES: Final = ("read",)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """`mount_timeout_s`: how long a file system may take to tell its size before it is reported as hanging."""

    mount_timeout_s: Annotated[float, Meta(ge=0.05, le=30)] = 1.0


def probe(item: PlanItem, ctx: Context) -> Measured:
    """One look at this machine. The processor's share needs a run before this one and is left out of the first."""
    try:
        kind_of(item, ("device",))
        settings = settings_of(item, Settings)
    except Ended as ended:
        return Measured(ended.result, detail=ended.detail)
    begun = ctx.clock.mono_ms()
    snapshot = read(ctx, min(settings.mount_timeout_s, max(0.0, ctx.left_s() - 0.05)))
    values, left_out = bounded([*_cpu(snapshot, ctx), *values_of(snapshot)])
    detail = _detail(snapshot, left_out)
    ctx.explain(f"{len(values)} values; not readable: {', '.join(snapshot.unread) or 'nothing'}")
    outcome = OK if values else unknown("probe_error")
    return Measured(outcome, values, {"read": (ctx.clock.mono_ms() - begun) / 1000}, detail)


def bounded(values: list[Value]) -> tuple[list[Value], int]:
    """At most as many values as an observation holds, each instance once; and how many were left out."""
    once = list({(v.metric, v.of): v for v in values}.values())
    return once[:MAX_VALUES], max(0, len(once) - MAX_VALUES)


def _cpu(snapshot: Snapshot, ctx: Context) -> list[Value]:
    before, ctx.memory["cpu"] = ctx.memory.get("cpu"), snapshot.cpu
    if not isinstance(before, dict) or snapshot.cpu is None:
        return []
    share = cpu_share(before, snapshot.cpu)
    return [] if share is None else [Value("motcua_device_cpu_ratio", share)]


def _detail(snapshot: Snapshot, left_out: int) -> dict[str, Scalar]:
    detail: dict[str, Scalar] = {}
    if snapshot.unread:
        detail["not_readable"] = "; ".join(f"{what}: {why}" for what, why in snapshot.unread.items())[:1000]
    if snapshot.hanging:
        detail["disks_hanging"] = ", ".join(snapshot.hanging)[:500]
    if left_out:
        detail["values_left_out"] = left_out
    return detail
