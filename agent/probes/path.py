"""Which routers are on the way, hop by hop, and where the way breaks off when nothing answers any more.

Target as for `reach`: `collector`, a host or an address, by the same `interface` or `source`. Once a day, and by the
agent's own accord after `after_lost` trains of the same line were lost whole (agent/work/reaction.py), so that there is
evidence of the time when nothing reached the collector. By echo requests; where those are not allowed, by connections
to `tcp_port`, else by datagrams: both need no privilege on Linux, which reports the routers in its error queue.
What is found is told and not judged: `hop_01` … = "<address or *> <round trip in ms or ->".
"""

from __future__ import annotations

from contextlib import closing
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from agent.context import Context
from agent.net import links
from agent.net.hops import HopTcp, HopUdp, by_echo
from agent.net.links import Link, now_s
from agent.probes import Measured
from agent.probes.aim import AtLoss, doubt, ended, find_address
from agent.probes.given import Ended, kind_of, settings_of
from agent.probes.walk import Walk
from wire.messages import PlanItem, Scalar, Value
from wire.outcomes import OK, Result, fail, unknown

PHASES: Final = ("resolve", "walk")

_MARGIN_S: Final = 0.05
_STALL_S: Final = 0.5


class Settings(AtLoss, frozen=True, kw_only=True):
    """`queries`: how often a silent hop is asked; `at_once`: how many hops are asked at a time."""

    method: Literal["any", "icmp", "tcp", "udp"] = "any"
    max_hops: Annotated[int, Meta(ge=1, le=24)] = 20
    queries: Annotated[int, Meta(ge=1, le=3)] = 2
    timeout_s: Annotated[float, Meta(ge=0.05, le=5)] = 1.0
    at_once: Annotated[int, Meta(ge=1, le=24)] = 8


def probe(item: PlanItem, ctx: Context) -> Measured:
    """One look. Fails with `no_answer` or `unreachable`, its hops as evidence; unknown where nothing could be asked."""
    detail: dict[str, Scalar] = {"target": item.target}
    phases: dict[str, float] = {}
    try:
        kind_of(item, ("line",))
        settings = settings_of(item, Settings)
        if item.target == "collector" and not settings.tcp_port:
            settings = msgspec.structs.replace(settings, tcp_port=ctx.facts.collector_port)
        begun = now_s()
        address = find_address(item.target, settings, ctx).text
        phases["resolve"] = now_s() - begun
        detail["address"] = address
        begun = now_s()
        walk = _walk(address, settings, ctx, detail)
        phases["walk"] = now_s() - begun
        doubt(not any(walk.hops()), address, settings, ctx)
    except Ended as over:
        return Measured(over.result, [], phases, detail | over.detail)
    return Measured(judge(walk), values_of(walk), phases, detail)


def _walk(address: str, settings: Settings, ctx: Context, detail: dict[str, Scalar]) -> Walk:
    walk = Walk(
        address, max_hops=settings.max_hops, queries=settings.queries, timeout_s=settings.timeout_s,
        at_once=settings.at_once,
    )  # fmt: skip
    with closing(_open(address, settings, ctx)) as link:
        detail["method"] = link.method
        whole = drive(walk, link, ctx)
    detail |= told_of(walk)
    if not whole and not walk.reached:
        raise Ended(
            unknown("deadline"), error=f"the deadline leaves less than {walk.longest_s():g} s for {detail}"[:300]
        )
    return walk


def _open(address: str, settings: Settings, ctx: Context) -> Link:
    """The first way of asking that this system allows. Raises Ended."""
    refused: list[str] = []
    for method in ("icmp", "tcp", "udp") if settings.method == "any" else (settings.method,):
        try:
            link = _link(method, address, settings)
        except links.NoPermission as error:
            refused.append(str(error))
            continue
        except links.LinkError as error:
            raise ended(error) from error
        except ImportError as error:
            refused.append(str(error))
            continue
        if link is not None:
            ctx.explain(f"asking hop by hop towards {address} by {link.method}")
            return link
    raise Ended(unknown("no_permission"), error="; ".join(refused) or "tcp_port is not set")


def _link(method: str, address: str, settings: Settings) -> Link | None:
    if method == "icmp":
        return by_echo(address, settings.leave)
    if method == "udp":
        return HopUdp(address, settings.leave)
    return HopTcp(address, settings.tcp_port, settings.leave) if settings.tcp_port else None


def drive(walk: Walk, link: Link, ctx: Context) -> bool:
    """Ask and hear until the walk is over; False where the deadline came first. Raises Ended."""
    now = now_s()
    end = now + ctx.left_s() - _MARGIN_S
    while (wait := walk.wait_s(now)) is not None:
        if now >= end:
            return False
        if (number := walk.due(now)) is not None:
            _send(walk, link, number)
        wait = min(wait, end - now)
        heard = link.receive(wait)
        before, now = now, now_s()
        if now - before > wait + _STALL_S:
            raise Ended(unknown("interrupted"), error="this machine stood still during the walk")
        if heard is not None:
            walk.take(heard)
    return True


def _send(walk: Walk, link: Link, number: int) -> None:
    walk.leave(number, now_s())
    try:
        link.send(number)
    except links.NoWay as error:
        walk.withdraw(number)
        if not walk.sent:
            raise ended(error) from error
    except links.LinkError as error:
        raise ended(error) from error
    except OSError:
        walk.withdraw(number)  # its own buffers were full: the hop is asked again


# --- what it says ---------------------------------------------------------------------------------------------------


def judge(walk: Walk) -> Result:
    """The outcome of a walk that is over."""
    if walk.reached:
        return OK
    if walk.refusal:
        return fail("unreachable")
    return fail("no_answer") if walk.sent else unknown("probe_error")


def told_of(walk: Walk) -> dict[str, Scalar]:
    """The hops in words, for evidence."""
    hops = walk.hops()
    told: dict[str, Scalar] = {"reached": walk.reached}
    told["last_answering"] = next((place.address for place in reversed(hops) if place is not None), "")
    if walk.refusal:
        told["error"] = walk.refusal
    for number, place in enumerate(hops, 1):
        told[f"hop_{number:02}"] = "* -" if place is None else f"{place.address} {place.rtt_s * 1000:.3f}"
    return told


def values_of(walk: Walk) -> list[Value]:
    """How many routers were passed, and the round trip to whoever answered last. Nothing where nobody answered."""
    hops = walk.hops()
    answered = [(number, place) for number, place in enumerate(hops, 1) if place is not None]
    if not answered:
        return []
    last, place = answered[-1]
    routers = last - 1 if walk.reached else last
    return [Value("motcua_line_path_hops_count", float(routers)), Value("motcua_line_path_rtt_seconds", place.rtt_s)]
