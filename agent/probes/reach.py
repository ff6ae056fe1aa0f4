"""Is it there, how much is lost on the way, and how long does the way take: trains of echo requests.

Target `gateway` (the next hop of the default route), `collector`, or a host or address. The subject, a lan or a line,
gives the numbers their name. ICMP over a datagram socket, else a raw one, else TCP connections where `tcp_port` is set;
to the collector they go to the port it is known by, unless another is set. A line that is not the default one is told
apart by the `interface` or the `source` address that its trains leave by.
"""

from __future__ import annotations

from contextlib import closing
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from agent.context import Context
from agent.net import links
from agent.net.links import Link, now_s
from agent.net.tcp import LONGEST_WAIT_S, TcpLink
from agent.probes import Measured
from agent.probes import trains as arithmetic
from agent.probes.aim import Leaving, doubt, ended, find_address
from agent.probes.given import Ended, bad_setting, kind_of, settings_of
from agent.probes.trains import Train, packets_that_fit
from wire.messages import PlanItem, Scalar, Value
from wire.outcomes import OK, Result, fail, unknown

PHASES: Final = ("resolve", "train")

_MARGIN_S: Final = 0.05
_STALL_S: Final = 0.5


class Settings(Leaving, frozen=True, kw_only=True):
    """`size` is the payload of an echo request in bytes; `tcp_port` 0 means that there is no way round by TCP.

    `confirm_s`: how soon a train that ends otherwise than the one before is followed by another, 0: in its turn
    (agent/work/confirming.py).
    """

    packets: Annotated[int, Meta(ge=1, le=200)] = 5
    interval_s: Annotated[float, Meta(ge=0.001, le=60)] = 0.2
    timeout_s: Annotated[float, Meta(ge=0.01, le=60)] = 2.0
    size: Annotated[int, Meta(ge=8, le=1472)] = 56
    confirm_s: Annotated[float, Meta(ge=0, le=3_600)] = 0.0


def probe(item: PlanItem, ctx: Context) -> Measured:
    """One train. Fails with `no_answer`, `unreachable` or `not_resolved`; unknown where nothing could be asked."""
    detail: dict[str, Scalar] = {"target": item.target}
    phases: dict[str, float] = {}
    try:
        kind, settings = kind_of(item, ("lan", "line")), settings_of(item, Settings)
        if item.target == "collector" and not settings.tcp_port:
            settings = msgspec.structs.replace(settings, tcp_port=ctx.facts.collector_port)
        if item.deadline_s < settings.timeout_s + _MARGIN_S:
            raise bad_setting("timeout_s", f"deadline_s {item.deadline_s} leaves no room to wait that long")
        begun = now_s()
        address = find_address(item.target, settings, ctx)
        phases["resolve"] = now_s() - begun
        detail |= {"address": address.text, "address_from": address.origin}
        ctx.explain(f"{item.target} is {address.text} ({address.origin})")
        begun = now_s()
        result, train = _run_train(address.text, settings, ctx, detail)
        phases["train"] = now_s() - begun
        doubt(result.reason == "no_answer", address.text, settings, ctx)
    except Ended as over:
        return Measured(over.result, [], phases, detail | over.detail)
    return Measured(result, values_of(kind, train), phases, detail)


# --- the train ------------------------------------------------------------------------------------------------------


def _run_train(address: str, settings: Settings, ctx: Context, detail: dict[str, Scalar]) -> tuple[Result, Train]:
    with closing(_open(address, settings)) as link:
        detail["method"] = link.method
        timeout_s = min(settings.timeout_s, LONGEST_WAIT_S) if link.method == "tcp" else settings.timeout_s
        fit = packets_that_fit(settings.packets, settings.interval_s, timeout_s, ctx.left_s() - _MARGIN_S)
        if not fit:
            raise Ended(unknown("deadline"), error=f"no time left to wait {timeout_s} s for a packet")
        if fit < settings.packets:
            detail["packets_left_out"] = settings.packets - fit
        train = Train(fit, settings.interval_s, timeout_s, now_s())
        detail |= drive(train, link)
    detail |= {"received": arithmetic.numbers(train.rtts)} if train.rtts else {}
    return judge(train), train


def _open(address: str, settings: Settings) -> Link:
    from agent.net.icmp import EchoLink  # a machine without icmplib still has the way by TCP

    try:
        return EchoLink(address, settings.size, leave=settings.leave)
    except links.NoPermission as error:
        if settings.tcp_port:
            return TcpLink(address, settings.tcp_port, leave=settings.leave)
        raise Ended(unknown("no_permission"), error=str(error)) from error
    except links.LinkError as error:
        raise ended(error) from error


def drive(train: Train, link: Link) -> dict[str, Scalar]:
    """Send and hear until the train is over; returns what is worth telling of it. Raises Ended.

    A machine that slept or stood still in between measured itself and not the way: that is `unknown(interrupted)`.
    """
    told: dict[str, Scalar] = {}
    now = now_s()
    while (wait := train.wait_s(now)) is not None:
        if train.is_due(now):
            _send(train, link, told)
            wait = 0.0
        heard = link.receive(wait)
        before, now = now, now_s()
        if now - before > wait + _STALL_S:
            raise Ended(unknown("interrupted"), error="this machine stood still during the train", **told)
        if heard is None:
            continue
        if heard.refusal is not None:
            train.refuse(heard.number, heard.refusal)
            told["error"] = f"{heard.by}: {heard.refusal}"
        elif train.answer(heard.number, heard.at):
            told.setdefault("answered_by", heard.by)
    return told


def _send(train: Train, link: Link, told: dict[str, Scalar]) -> None:
    number = train.leave(now_s())
    try:
        link.send(number)
    except links.NoWay as error:
        train.withdraw(number)
        train.no_way += 1
        told["error"] = f"this machine: {error}"
    except OSError as error:
        train.withdraw(number)
        told["error"] = f"this machine: {error.strerror}"
    except links.LinkError as error:
        raise ended(error) from error


# --- what it says ---------------------------------------------------------------------------------------------------


def judge(train: Train) -> Result:
    """The outcome of a train that is over."""
    if train.rtts:
        return OK
    if train.refused or train.no_way:
        return fail("unreachable")
    # Nothing left this machine, and not for want of a way: its own buffers were full.
    return fail("no_answer") if train.sent else unknown("probe_error")


def values_of(kind: str, train: Train) -> list[Value]:
    """The numbers of a train. What did not come back has no round trip, and what did not leave was not lost."""
    if not train.sent:
        return []
    lost = arithmetic.loss(len(train.sent), len(train.rtts))
    numbers = {
        "sent_packets": len(train.sent),
        "received_packets": len(train.rtts),
        "loss_ratio": lost.ratio,
        "loss_low_ratio": lost.low,
        "loss_high_ratio": lost.high,
        **_round_trips(train),
    }
    return [Value(f"motcua_{kind}_{name}", float(number)) for name, number in numbers.items()]


def _round_trips(train: Train) -> dict[str, float]:
    rtts = arithmetic.in_order(train.rtts)
    if not rtts:
        return {}
    found = {
        "rtt_seconds": arithmetic.median(rtts),
        "rtt_min_seconds": min(rtts),
        "rtt_max_seconds": max(rtts),
    }
    jitter = arithmetic.jitter(rtts)
    return found if jitter is None else found | {"jitter_seconds": jitter}
