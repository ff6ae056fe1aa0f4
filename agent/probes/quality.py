"""Would a video conference work on this line: trains of UDP packets to the province's reflector and back, by class.

Target `reflector`; the plan's settings say where it is and carry this agent's pass. Packets of all classes take turns
in one train, so that all of them see the same minute; they differ in their DSCP alone. The reflector tells which of
them arrived, so that loss is split by direction; its clock need not agree with ours, only differences are taken.
"""

from __future__ import annotations

from contextlib import closing
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from agent.context import Context
from agent.net import resolve
from agent.net.links import Exit, LinkError, now_s
from agent.net.resolve import Address, Family
from agent.net.udp import Busy, Packet, Reflection, Refused, Silent
from agent.probes import Measured, reach
from agent.probes import qualityfigures as figures
from agent.probes.aim import ended
from agent.probes.given import Ended, bad_setting, kind_of, settings_of
from agent.probes.trains import Train, packets_that_fit
from wire.messages import PlanItem, Scalar, Value
from wire.outcomes import OK, fail, unknown
from wire.reflecting import MAX_BYTES, MAX_NUMBERS, MIN_BYTES, Pass, read_pass

PHASES: Final = ("resolve", "ask", "train", "doubt")

_MARGIN_S: Final = 0.05
_RESOLVE_S: Final = 2.0
_ENTER_S: Final = 2.1
_AFTER_S: Final = 0.7
_DOUBT: Final[dict[str, Scalar]] = {"packets": 3, "interval_s": 0.2, "timeout_s": 1.0}


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """`reflector`: host:port. `packets` of each class, `interval_s` apart; sizes in bytes of UDP payload.

    125 packets: Wilson's interval then holds a true loss of 0.5, 1, 2 or 5 % in 96 of 100 trains; of 100 in 91.
    """

    reflector: Annotated[str, Meta(pattern=r"^([0-9A-Za-z._-]{1,100}|\[[0-9A-Fa-f:.]{2,45}\]):[0-9]{1,5}\Z")]
    ticket: Annotated[str, Meta(pattern=r"^[0-9A-Z]{26}\.[0-9a-f]{32}\Z")]
    classes: Annotated[str, Meta(pattern=r"^[a-z0-9]{2,4}(,[a-z0-9]{2,4}){0,7}\Z")] = "ef,af41,be"
    packets: Annotated[int, Meta(ge=1, le=500)] = 125
    interval_s: Annotated[float, Meta(ge=0.001, le=1)] = 0.02
    timeout_s: Annotated[float, Meta(ge=0.01, le=5)] = 1.0
    size_min: Annotated[int, Meta(ge=MIN_BYTES, le=MAX_BYTES)] = 200
    size_max: Annotated[int, Meta(ge=MIN_BYTES, le=MAX_BYTES)] = 1_200
    interface: Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{0,15}\Z")] = ""
    source: Annotated[str, Meta(pattern=r"^([0-9.]{7,15}|[0-9A-Fa-f:.]{2,45})?\Z")] = ""

    @property
    def leave(self) -> Exit:
        return Exit(self.interface, self.source)

    @property
    def names(self) -> list[str]:
        return self.classes.split(",")


def probe(item: PlanItem, ctx: Context) -> Measured:
    """One train. `no_reflector`, unknown, where the line answers and only the reflector does not."""
    detail: dict[str, Scalar] = {"target": item.target}
    phases: dict[str, float] = {}
    try:
        kind_of(item, ("line",))
        settings = _checked(item)
        host, port = _place(settings.reflector)
        begun = now_s()
        address = _address(host, _family(settings), ctx)
        phases["resolve"] = now_s() - begun
        detail |= {"reflector": settings.reflector, "address": address.text, "address_from": address.origin}
        ctx.explain(f"the reflector {settings.reflector} is {address.text} ({address.origin})")
        return _measured(item, settings, Reflected(address.text, port), ctx, phases=phases, detail=detail)
    except Ended as ended:
        return Measured(ended.result, [], phases, detail | ended.detail)


class Reflected(msgspec.Struct, frozen=True):
    """Where the reflector is, in numbers."""

    address: str
    port: int


def _measured(
    item: PlanItem, settings: Settings, where: Reflected, ctx: Context, *, phases: dict[str, float],
    detail: dict[str, Scalar],
) -> Measured:  # fmt: skip
    with closing(_open(settings, where)) as link:
        begun = now_s()
        entered = _enter(link, read_pass(settings.ticket), ctx)
        phases["ask"] = now_s() - begun
        if not entered:
            _doubt(item, settings, where, ctx, phases)
            raise Ended(fail("no_answer"))
        begun = now_s()
        train = _run(settings, link, ctx, detail)
        arrived = link.arrived(max(0.0, min(_AFTER_S, ctx.left_s() - _MARGIN_S))) if train.rtts else None
        phases["train"] = now_s() - begun
    if link.refused:
        raise Ended(unknown("no_reflector"), error="the reflector ended in the middle of the train")
    if not train.sent:
        raise Ended(unknown("probe_error"), error="nothing could be sent: this machine's buffers were full")
    values = _values(settings, link, train, arrived, detail)
    if train.rtts:
        return Measured(OK, values, phases, detail)
    _doubt(item, settings, where, ctx, phases)
    return Measured(fail("no_answer"), values, phases, detail)


# --- what was asked for ---------------------------------------------------------------------------------------------


def _checked(item: PlanItem) -> Settings:
    settings = settings_of(item, Settings)
    if item.target != "reflector":
        raise bad_setting("target", "this probe asks `reflector`; its setting reflector says where that is")
    names = settings.names
    if unknown_names := [name for name in names if name not in figures.DSCP]:
        raise bad_setting("classes", f"there is no class {unknown_names[0]}; known are {', '.join(figures.DSCP)}")
    if len(set(names)) < len(names):
        raise bad_setting("classes", "a class is named twice")
    if len(names) * settings.packets > MAX_NUMBERS:
        raise bad_setting("packets", f"{len(names)} classes of {settings.packets}: a train has {MAX_NUMBERS} at most")
    if settings.size_max < settings.size_min:
        raise bad_setting("size_max", f"{settings.size_max} is less than size_min = {settings.size_min}")
    return settings


def _place(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not 0 < int(port) < 65_536:
        raise bad_setting("reflector", f"there is no port {port}")
    return host.strip("[]"), int(port)


def _family(settings: Settings) -> Family:
    if not settings.source:
        return "any"
    return "6" if ":" in settings.source else "4"


def _address(host: str, family: Family, ctx: Context) -> Address:
    try:
        return resolve.find(host, family, ctx, min(_RESOLVE_S, ctx.left_s() / 3))
    except resolve.NotResolved as error:
        raise Ended(fail("not_resolved"), error=str(error)) from error
    except resolve.ResolverFailed as error:
        raise Ended(unknown("resolver_failed"), error=str(error)) from error


# --- the train ------------------------------------------------------------------------------------------------------


def _open(settings: Settings, where: Reflected) -> Reflection:
    tos = [figures.DSCP[name] << 2 for name in settings.names]
    sizes = [figures.size_of(n, settings.size_min, settings.size_max) for n in range(settings.packets)]
    packets = [Packet(one, size) for size in sizes for one in tos]
    try:
        return Reflection(where.address, where.port, packets, settings.leave)
    except LinkError as error:
        raise ended(error) from error


def _enter(link: Reflection, who: Pass, ctx: Context) -> bool:
    """Whether the reflector answers this agent. Raises Ended where it is busy, or this machine cannot ask."""
    try:
        link.enter(who, max(0.0, min(_ENTER_S, ctx.left_s() - _MARGIN_S)))
    except (Refused, Silent):
        return False
    except Busy as error:
        raise Ended(unknown("server_bound"), error="the reflector has no room for another train now") from error
    except LinkError as error:
        raise ended(error) from error
    return True


def _run(settings: Settings, link: Reflection, ctx: Context, detail: dict[str, Scalar]) -> Train:
    classes = len(settings.names)
    step_s, left_s = settings.interval_s / classes, ctx.left_s() - _AFTER_S - _MARGIN_S
    fit = packets_that_fit(classes * settings.packets, step_s, settings.timeout_s, left_s) // classes * classes
    if not fit:
        raise Ended(unknown("deadline"), error=f"no time left to wait {settings.timeout_s} s for a packet")
    if fit < classes * settings.packets:
        detail["packets_left_out"] = classes * settings.packets - fit
    train = Train(fit, step_s, settings.timeout_s, now_s())
    detail |= reach.drive(train, link)
    return train


def _values(
    settings: Settings, link: Reflection, train: Train, arrived: int | None, detail: dict[str, Scalar]
) -> list[Value]:
    names, values = settings.names, list[Value]()
    trips = {number: _trip(link, train, number) for number in train.rtts}
    for nth, name in enumerate(names):
        sent = sorted(number for number in train.sent if number % len(names) == nth)
        values += figures.values_of(name, sent, trips, arrived)
        mine = [trips[number] for number in sent if number in trips]
        detail |= figures.remarked(name, figures.DSCP[name] << 2, mine)
    return values


def _trip(link: Reflection, train: Train, number: int) -> figures.Trip:
    echo = link.echoes[number]
    left, received, answered = train.sent[number], echo.answer.received_ns / 1e9, echo.answer.answered_ns / 1e9
    dwelt = answered - received
    return figures.Trip(
        max(0.0, echo.at - left - dwelt), received - left, echo.at - answered, echo.answer.tos, echo.tos
    )


# --- nobody answered ------------------------------------------------------------------------------------------------


def _doubt(item: PlanItem, settings: Settings, where: Reflected, ctx: Context, phases: dict[str, float]) -> None:
    """Raise Ended unless the line itself is silent: then the silence is the line's.

    The reflector's own host is asked, then the collector, by echo requests or connections that leave the same way.
    """
    begun = now_s()
    leave: dict[str, Scalar] = {"interface": settings.interface, "source": settings.source}
    for target, tcp_port in ((where.address, where.port), *([("collector", 0)] if ctx.facts.collector_host else [])):
        asked = msgspec.structs.replace(
            item, probe="reach", target=target, settings=_DOUBT | leave | {"tcp_port": tcp_port}, deadline_s=5.0
        )
        found = reach.probe(asked, ctx).result
        phases["doubt"] = now_s() - begun
        ctx.explain(f"the reflector is silent; {target}: {found.outcome} {found.reason or ''}")
        if found.outcome == "ok":
            raise Ended(unknown("no_reflector"), answers=target)
        if found.outcome == "unknown" and found.reason in {"no_interface", "no_way", "no_permission", "deadline"}:
            raise Ended(unknown(found.reason), error=f"the reflector is silent, and {target} could not be asked")
