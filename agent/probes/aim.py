"""Whom to ask, and by which way out: what probes of lines have in common before anything is sent."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from agent.context import Context
from agent.net import gateway, links, resolve
from agent.net.links import Exit
from agent.net.ranges import literal
from agent.net.resolve import Address, Family
from agent.probes.given import Ended, bad_setting
from wire.outcomes import fail, unknown

RESOLVE_S: Final = 2.0


class Leaving(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of whatever measures by one line: the interface or the source address that its packets leave by."""

    family: Family = "any"
    tcp_port: Annotated[int, Meta(ge=0, le=65535)] = 0
    interface: Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{0,15}\Z")] = ""
    source: Annotated[str, Meta(pattern=r"^([0-9.]{7,15}|[0-9A-Fa-f:.]{2,45})?\Z")] = ""

    @property
    def leave(self) -> Exit:
        return Exit(self.interface, self.source)


class AtLoss(Leaving, frozen=True, kw_only=True):
    """`after_lost`: after how many trains lost whole the agent looks by itself, 0: never.

    `rest_s`: how long it waits after that at least until it looks by itself again.
    """

    after_lost: Annotated[int, Meta(ge=0, le=1000)] = 3
    rest_s: Annotated[float, Meta(ge=60, le=86_400)] = 600.0


def find_address(target: str, settings: Leaving, ctx: Context) -> Address:
    """The address of `gateway`, `collector`, a host or an address. Raises Ended."""
    family = _family(target, settings)
    if target == "gateway":
        return Address(_gateway(family, ctx), "literal")
    host = ctx.facts.collector_host if target == "collector" else target
    try:
        return resolve.find(host, family, ctx, min(RESOLVE_S, ctx.left_s() / 3))
    except resolve.NotResolved as error:
        raise Ended(fail("not_resolved"), error=str(error)) from error
    except resolve.ResolverFailed as error:
        raise Ended(unknown("resolver_failed"), error=str(error)) from error


def _family(target: str, settings: Leaving) -> Family:
    """The version of IP to ask over: that of the source address, where there is one. Raises Ended."""
    if not settings.source:
        return settings.family
    try:
        version: Family = "6" if ipaddress.ip_address(settings.source).version == 6 else "4"
    except ValueError as error:
        raise bad_setting("source", str(error)) from error
    if settings.family not in ("any", version) or (literal(target) and (":" in target) != (version == "6")):
        raise bad_setting("source", f"{settings.source} cannot send to what is asked: another version of IP")
    return version


def _gateway(family: Family, ctx: Context) -> str:
    try:
        return gateway.find(ctx.proc, family)
    except gateway.NoGateway as error:
        raise Ended(unknown("no_gateway"), error=str(error)) from error
    except gateway.Unsupported as error:
        raise Ended(unknown("unsupported"), error=str(error)) from error


def ended(error: links.LinkError) -> Ended:
    """The end of a run whose packets cannot leave this machine."""
    if isinstance(error, links.NoWay):
        return Ended(fail("unreachable"), error=f"this machine: {error}")
    if isinstance(error, links.NoExit):
        return Ended(unknown("no_interface"), error=str(error))
    reason = "no_permission" if isinstance(error, links.NoPermission) else "unsupported"
    return Ended(unknown(reason), error=str(error))


def doubt(silent: bool, address: str, settings: Leaving, ctx: Context) -> None:
    """Raise Ended where silence says nothing: an interface without a route there asked no one behind it."""
    asked = silent and settings.interface and ":" not in address
    if asked and not gateway.leads(ctx.proc, settings.interface, address):
        text = f"no route to {address} by {settings.interface}: give it a default route of its own, at a higher metric"
        raise Ended(unknown("no_way"), error=text)
