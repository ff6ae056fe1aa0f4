"""How much of a line is in use, by the counters of its port: of this machine, or by SNMP of the router at its end.

Target `port` reads this machine's own: the `interface`, the one that has the `source` address, or that of the default
route; so it counts all of the line only where this machine is its router. With `snmp` (an ifName or ifIndex, RFC 2863)
the target is the router's address; what is to be said to it stands in `snmp.toml` of the agent's folder, never in a
plan. A first reading has no mean, and nothing is made of counters that were set back.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
import psutil
from msgspec import Meta

from agent.context import Context
from agent.net import gateway
from agent.probes import Measured
from agent.probes.counting import Reading, port_values, too_soon, use_of
from agent.probes.given import Ended, bad_setting, kind_of, settings_of
from wire.messages import PlanItem, Scalar
from wire.outcomes import OK, unknown

if TYPE_CHECKING:
    from agent.probes.snmp import Answer

PHASES: Final = ("read",)

PORT: Final = "port"
_UNKNOWN_SPEEDS: Final = (0, 65_535, 4_294_967_295)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """`timeout_s`: how long a router may take for one answer; it is asked twice."""

    interface: Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{0,15}\Z")] = ""
    source: Annotated[str, Meta(pattern=r"^([0-9.]{7,15}|[0-9A-Fa-f:.]{2,45})?\Z")] = ""
    snmp: Annotated[str, Meta(pattern=r"^([A-Za-z0-9][A-Za-z0-9._/:-]{0,39})?\Z")] = ""
    timeout_s: Annotated[float, Meta(ge=0.1, le=5)] = 2.0


def probe(item: PlanItem, ctx: Context) -> Measured:
    """One reading. Fails where a router does not answer or refuses; unknown where nothing counts here."""
    detail: dict[str, Scalar] = {"target": item.target}
    begun = ctx.clock.mono_ms()
    try:
        kind_of(item, ("line",))
        settings = settings_of(item, Settings)
        reading = _of_router(item.target, settings, ctx) if settings.snmp else _of_port(item.target, settings, ctx)
    except Ended as over:
        return Measured(over.result, [], {}, detail | over.detail)
    if reading.received is None and reading.sent is None:
        detail["error"] = f"{reading.source} does not count what it carries"
        return Measured(unknown("no_counter"), detail=detail)
    before = ctx.memory.get("reading")
    held = before if isinstance(before, Reading) else None
    use = use_of(held, reading, item.period_s)
    if not too_soon(held, reading):
        ctx.memory["reading"] = reading
    detail |= {"counted_at": reading.source, "counter_bits": reading.bits}
    detail |= {"left_out": use.left_out} if use.left_out else {"over_s": round(use.seconds or 0.0, 1)}
    phases = {"read": (ctx.clock.mono_ms() - begun) / 1000}
    return Measured(OK, [*use.values, *port_values(reading)], phases, detail)


# --- this machine's own ---------------------------------------------------------------------------------------------


def _of_port(target: str, settings: Settings, ctx: Context) -> Reading:
    if target != PORT:
        raise bad_setting("target", f"the target is {PORT}, or with the setting snmp the address of a router")
    if sys.platform == "linux":
        psutil.PROCFS_PATH = str(ctx.proc)
    try:
        name = settings.interface or _outlet(settings.source, ctx)
        counted = psutil.net_io_counters(pernic=True, nowrap=False).get(name)
        state = psutil.net_if_stats().get(name)
    except OSError as error:
        raise Ended(unknown("no_counter"), error=f"this machine's counters cannot be read: {error.strerror}") from error
    if counted is None:
        raise Ended(unknown("no_interface"), error=f"there is no interface {name}")
    ctx.explain(f"counters of {name}: {counted.bytes_recv} received, {counted.bytes_sent} sent")
    speed = state.speed if state is not None and state.isup and state.speed not in _UNKNOWN_SPEEDS else None
    full = {int(psutil.NIC_DUPLEX_FULL): True, int(psutil.NIC_DUPLEX_HALF): False}
    return Reading(
        f"port {name}", ctx.clock.mono_ms(), 64, counted.bytes_recv, counted.bytes_sent,
        (counted.errin, counted.errout, counted.dropin, counted.dropout),
        None if speed is None else speed * 1e6,
        full.get(int(state.duplex)) if state is not None and state.isup else None,
        None if state is None else bool(state.isup),
    )  # fmt: skip


def _outlet(source: str, ctx: Context) -> str:
    """The interface that has an address, or that of the default route. Raises Ended."""
    if source:
        held = psutil.net_if_addrs().items()
        found = next((name for name, all_its in held if any(a.address == source for a in all_its)), None)
        if found is None:
            raise Ended(unknown("no_interface"), error=f"{source} is no address of this machine")
        return found
    try:
        default = gateway.outlet(ctx.proc)
    except gateway.Unsupported as error:
        raise Ended(unknown("unsupported"), error=str(error)) from error
    if default is None:
        raise Ended(unknown("no_gateway"), error="there is no default route, so no port that carries the line")
    return default


# --- a router's -----------------------------------------------------------------------------------------------------


def _of_router(target: str, settings: Settings, ctx: Context) -> Reading:
    from agent.probes import snmp

    held = ctx.memory.get("index")
    answer = snmp.read(target, settings.snmp, held if isinstance(held, int) else 0, settings.timeout_s, ctx)
    ctx.memory["index"] = answer.index
    return reading_of(answer, target, ctx.clock.mono_ms())


def reading_of(answer: Answer, target: str, at_ms: int) -> Reading:
    """A router's answer as a reading: 64-bit counters where it has them (IF-MIB, RFC 2863; duplex: RFC 3635)."""
    wide = answer.hc_in is not None and answer.hc_out is not None
    speed = answer.high_speed * 1e6 if answer.high_speed else float(answer.speed or 0)
    return Reading(
        f"router {target} {answer.name or answer.index}", at_ms, 64 if wide else 32,
        answer.hc_in if wide else answer.octets_in, answer.hc_out if wide else answer.octets_out,
        (answer.errors_in, answer.errors_out, answer.discards_in, answer.discards_out),
        None if speed in _UNKNOWN_SPEEDS else speed,
        {2: False, 3: True}.get(answer.duplex or 0),
        {1: True, 2: False, 3: False, 5: False, 6: False, 7: False}.get(answer.status or 0),
        answer.uptime,
        answer.discontinuity or 0,
    )  # fmt: skip
