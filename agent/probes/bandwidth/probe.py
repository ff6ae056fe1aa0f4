"""How fast is the line: download, upload and latency under load, by a test that fills the line for seconds.

Only with the collector's lease, and never beside people's own traffic or on a busy machine unless a person asked for
it. The figure carries its bounds and its stamp: `valid`, or what held the test back instead of the line. A test that
did not come to its end has no figure. The subject is the line, the target `province` (our own server) or `public`.
"""

from __future__ import annotations

import time
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from agent.context import Context
from agent.net import resolve
from agent.net.links import Exit
from agent.probes import Again, Measured
from agent.probes.bandwidth import look as looking
from agent.probes.bandwidth.lease import Held, give_back, obtain, window_left_s
from agent.probes.bandwidth.order import Engine, Findings, Order
from agent.probes.bandwidth.result import stamp_of, values_of
from agent.probes.bandwidth.talk import host_of
from agent.probes.given import Ended, bad_setting, kind_of, settings_of
from wire.messages import PlanItem
from wire.outcomes import OK, unknown

PHASES: Final = ("resolve", "look", "connect", "idle", "download", "upload")

LOOK_S: Final = 1.0
MARGIN_S: Final = 1.0
SHORTEST_S: Final = 6.0
"""What a test needs at least, both directions and what lies between them."""

PUBLIC: Final = "public"
"""The target of a test against servers of the internet; only speedtest-cli knows any."""

ANYWHERE: Final = "192.0.2.1"  # of RFC 5737: stands for the internet, and nothing is sent there
_RESOLVE_S: Final = 2.0
_APART_S: Final = 3.0  # what a test spends beside its two directions: connections, idle round trips, settling


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """`max_s` is of one direction; `precision` the half-width of the 95 % bounds, as a share, that ends a direction.

    `enough_s`, `enough_bytes`: what a direction should cost; beyond that wider bounds end it, too.

    `other_bytes_s` and `busy_ratio`: from how much other traffic and processor on nothing is measured.
    """

    engine: Literal["province", "speedtest"] = "province"
    streams: Annotated[int, Meta(ge=1, le=16)] = 12
    min_s: Annotated[float, Meta(ge=0.5, le=30)] = 1.0
    max_s: Annotated[float, Meta(ge=1, le=60)] = 8.0
    enough_s: Annotated[float, Meta(ge=0.5, le=60)] = 2.5
    enough_bytes: Annotated[float, Meta(ge=1e5, le=1e12)] = 5e7
    precision: Annotated[float, Meta(ge=0.001, le=0.2)] = 0.01
    other_bytes_s: Annotated[float, Meta(ge=0, le=1e9)] = 25_000.0
    busy_ratio: Annotated[float, Meta(ge=0, le=1)] = 0.3
    interface: Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{0,15}\Z")] = ""
    source: Annotated[str, Meta(pattern=r"^([0-9.]{7,15}|[0-9A-Fa-f:.]{2,45})?\Z")] = ""

    @property
    def leave(self) -> Exit:
        return Exit(self.interface, self.source)


def probe(item: PlanItem, ctx: Context) -> Measured | Again:
    """One test, or word of when to try again. Without a lease nothing is loaded: unknown(no_lease)."""
    found = Findings()
    try:
        kind_of(item, ("line",))
        settings = settings_of(item, Settings)
        if item.target == PUBLIC and settings.engine != "speedtest":
            raise bad_setting("engine", "only the engine speedtest measures against public servers")
        held = obtain(item, ctx)
        if isinstance(held, Again):
            return held
    except Ended as ended:
        return Measured(ended.result, detail=ended.detail)
    try:
        return _test(item, settings, held, ctx, found)
    except Ended as ended:
        return Measured(ended.result, [], found.phases, found.detail | ended.detail)
    finally:
        give_back(item, held, found.used, ctx)


def _test(item: PlanItem, settings: Settings, held: Held, ctx: Context, found: Findings) -> Measured:
    order = _order(item, settings, held, ctx, found)
    _engine(settings)(order, found)
    stamp = stamp_of(found, settings.other_bytes_s, looking.port_bps(_interface(settings, order.address)))
    found.detail["stamp"] = stamp
    result = OK if stamp == "valid" else unknown(stamp)
    return Measured(result, values_of(found, stamp), found.phases, found.detail)


def _order(item: PlanItem, settings: Settings, held: Held, ctx: Context, found: Findings) -> Order:
    """What the engine is told, once nothing stands in the way of the test. Raises Ended."""
    begun = time.monotonic()
    address = "" if item.target == PUBLIC else _address(held.lease.url, settings, ctx)
    found.phases["resolve"] = time.monotonic() - begun
    interface = _interface(settings, address)
    found.detail |= {"engine": settings.engine, "address": address, "interface": interface, "target": item.target}
    before = looking.look(ctx.proc, interface)
    time.sleep(min(LOOK_S, ctx.left_s()))
    quiet = looking.between(before, looking.look(ctx.proc, interface))
    found.phases["look"] = quiet.seconds
    _gate(quiet, settings, ctx, found)
    span = min(held.lease.max_s, window_left_s(held, ctx), ctx.left_s() - MARGIN_S)
    if span < SHORTEST_S:
        raise Ended(
            unknown("no_lease"), error=f"{max(0.0, span):.1f} s are left for a test that needs {SHORTEST_S:g} s"
        )
    until_ms = ctx.clock.mono_ms() + int(span * 1000)
    return Order(
        url=held.lease.url,
        ticket=held.lease.ticket,
        public=item.target == PUBLIC,
        leave=settings.leave,
        address=address,
        ca_pem=ctx.facts.ca_pem,
        streams=settings.streams,
        max_bytes=held.lease.max_bytes,
        min_s=settings.min_s,
        max_s=min(settings.max_s, (span - _APART_S) / 2),
        enough_s=settings.enough_s,
        enough_bytes=settings.enough_bytes,
        precision=settings.precision,
        left=lambda: max(0.0, (until_ms - ctx.clock.mono_ms()) / 1000),
        look=lambda: looking.look(ctx.proc, interface),
        explain=ctx.explain,
    )


def _gate(quiet: looking.Between, settings: Settings, ctx: Context, found: Findings) -> None:
    """Raise Ended where people or the machine have something else to do. A person who asks now goes first."""
    found.detail |= {"other_bytes_s": round(quiet.bytes_s), "busy": round(quiet.cpu_ratio, 3)}
    if ctx.task_id is not None:
        return
    if quiet.bytes_s > settings.other_bytes_s:
        raise Ended(unknown("line_busy"))
    if quiet.cpu_ratio > settings.busy_ratio:
        raise Ended(unknown("machine_busy"))


def _address(url: str, settings: Settings, ctx: Context) -> str:
    family: resolve.Family = "any" if not settings.source else "6" if ":" in settings.source else "4"
    try:
        return resolve.find(host_of(url), family, ctx, min(_RESOLVE_S, ctx.left_s() / 3)).text
    except resolve.NotResolved as error:
        raise Ended(unknown("no_lease"), error=f"the lease's server has no address: {error}") from error
    except resolve.ResolverFailed as error:
        raise Ended(unknown("resolver_failed"), error=str(error)) from error


def _interface(settings: Settings, address: str) -> str:
    """The interface that the line hangs on; empty where this machine does not tell."""
    return settings.interface or looking.interface_of(settings.source or looking.source_towards(address or ANYWHERE))


def _engine(settings: Settings) -> Engine:
    if settings.engine == "speedtest":
        from agent.probes.bandwidth.speedtest import run as speedtest

        return speedtest
    from agent.probes.bandwidth.province import run as province

    return province
