"""Does the resolver that this line gives find an address, and how soon: one question to each resolver.

Target `resolver` (those of this machine), or the address of one. The name is `name`, else the collector's.
"""

from __future__ import annotations

import sys
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from agent.context import Context
from agent.net import dns
from agent.net.links import now_s
from agent.net.ranges import literal
from agent.net.stream import StreamError
from agent.probes import Measured
from agent.probes.given import Ended, bad_setting, kind_of, settings_of
from wire.messages import PlanItem, Scalar, Value
from wire.outcomes import OK, Result, fail, unknown

PHASES: Final = ("connect", "dns")

_MARGIN_S: Final = 0.05
_CODES: Final = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED"}
_MEANING: Final = {2: "dns_servfail", 3: "not_resolved", 5: "refused"}


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """`timeout_s`: how long each resolver may take; less where the deadline leaves less."""

    name: Annotated[str, Meta(max_length=253, pattern=r"^[A-Za-z0-9._-]*\Z")] = ""
    timeout_s: Annotated[float, Meta(ge=0.05, le=30)] = 2.0
    port: Annotated[int, Meta(ge=1, le=65535)] = 53


def probe(item: PlanItem, ctx: Context) -> Measured:
    """Ask every resolver in turn. Passes where one finds the address, for programs ask the next one by themselves."""
    detail: dict[str, Scalar] = {}
    try:
        kind_of(item, ("line",))
        settings = settings_of(item, Settings)
        name, resolvers = _name(settings, ctx), _resolvers(item.target, ctx)
    except Ended as ended:
        return Measured(ended.result, detail=ended.detail)
    detail["name"] = name
    asked: list[tuple[str, Result, dict[str, float]]] = []
    for n, resolver in enumerate(resolvers):
        wait_s = min(settings.timeout_s, (ctx.left_s() - _MARGIN_S) / (len(resolvers) - n))
        phases: dict[str, float] = {}
        result, said = _ask(resolver, name, settings.port, wait_s, phases)
        ctx.explain(f"{resolver}: {said}")
        detail[resolver] = said
        asked.append((resolver, result, phases))
    _, result, phases = min(asked, key=lambda one: ("ok", "fail", "unknown").index(one[1].outcome))
    values = [] if result.outcome == "unknown" else [value for one in asked for value in _values(*one)]
    return Measured(result, values, phases, detail)


def _name(settings: Settings, ctx: Context) -> str:
    name = settings.name or ctx.facts.collector_host
    if literal(name):
        raise bad_setting("name", "the collector is known by its address: the plan must say which name to ask for")
    try:
        dns.query(name, 0)
    except ValueError as error:
        raise bad_setting("name", str(error)) from error
    return name


def _resolvers(target: str, ctx: Context) -> list[str]:
    if target != "resolver":
        if not literal(target):
            raise bad_setting("target", "resolver, or the address of one")
        return [target]
    try:
        found = dns.resolvers(ctx.root)
    except OSError as error:
        reason = "unsupported" if sys.platform == "win32" else "no_resolver"
        raise Ended(unknown(reason), error=f"{error.filename}: {error.strerror}") from error
    if not found:
        raise Ended(unknown("no_resolver"), error="resolv.conf names no nameserver")
    return found


def _ask(resolver: str, name: str, port: int, wait_s: float, phases: dict[str, float]) -> tuple[Result, str]:
    """What asking a resolver means, and what is to be told of it."""
    if wait_s <= 0:
        return unknown("deadline"), "no time was left to ask it"
    until = now_s() + wait_s
    try:
        answer = dns.ask(resolver, port, name, lambda: max(0.0, until - now_s()), phases)
    except StreamError as error:
        silent = str(error.result.reason).startswith("timeout_")
        result = fail("no_answer") if silent else error.result
        return result, f"{result.reason}: {error}"[:200]
    code = _CODES.get(answer.rcode, f"code {answer.rcode}")
    if answer.rcode:
        return fail(_MEANING.get(answer.rcode, "bad_answer")), code
    return (OK, f"{code} {answer.address}") if answer.address else (fail("not_resolved"), f"{code} without an address")


def _values(resolver: str, result: Result, phases: dict[str, float]) -> list[Value]:
    if result.outcome == "unknown":
        return []
    passed = [Value("motcua_line_dns_passed_ratio", float(result == OK), resolver)]
    return [*passed, Value("motcua_line_dns_seconds", sum(phases.values()), resolver)] if result == OK else passed
