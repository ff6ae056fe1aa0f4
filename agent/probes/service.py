"""Does a shared system answer, as expected and how fast in each phase: web, mail, time stamps, TCP, UDP.

Target is a URL: http, https, rfc3161, ocsp, smtp, smtps, imap, imaps, tcp, udp. Phases: dns, connect, tls, ttfb (from
the request to the first byte) and transfer, each the sum over all redirects. Numbers carry the version of IP they were
measured over. With `dual` both are asked in one run: the service passes where one of them does, as it does for people,
whose programs try the other by themselves; the numbers and the detail tell which one did not.
"""

from __future__ import annotations

from typing import Final

from agent.context import Context
from agent.net.links import now_s
from agent.net.resolve import Family
from agent.net.stream import StreamError
from agent.probes import Measured, servicehttp, servicetalk
from agent.probes.given import Ended, kind_of, settings_of
from agent.probes.serviceplan import Place, Settings, target
from agent.probes.servicerun import Run
from wire.messages import PlanItem, Scalar, Value
from wire.outcomes import OK, Result

__all__ = ["PHASES", "Settings", "probe"]

PHASES: Final = ("dns", "connect", "tls", "ttfb", "transfer")

_MARGIN_S: Final = 0.05
_BAR: Final = 40


def probe(item: PlanItem, ctx: Context) -> Measured:
    """Ask once, or once over each version of IP. Unknown where this machine, its resolver or the plan is at fault."""
    detail: dict[str, Scalar] = {}
    try:
        kind_of(item, ("service",))
        settings, place = settings_of(item, Settings), target(item.target)
        detail["target"] = place.shown
        families: tuple[Family, ...] = ("4", "6") if settings.dual else (settings.family,)
        runs = [_run(n, families, place, settings, ctx) for n in range(len(families))]
    except Ended as ended:
        return Measured(ended.result, detail=detail | ended.detail)
    result, lead = _together(runs)
    if result.outcome == "unknown":
        return Measured(result, [], lead.phases, detail | lead.detail)
    if settings.dual:
        detail |= {_of(run): run_result.reason or "ok" for run_result, run in runs}
    values = [value for run_result, run in runs for value in _values(run_result, run)]
    return Measured(result, values, lead.phases, detail | lead.detail)


def _run(n: int, families: tuple[Family, ...], place: Place, settings: Settings, ctx: Context) -> tuple[Result, Run]:
    """One run over one version of IP, within its share of the time. Raises Ended for a plan that cannot be kept."""
    share = (ctx.left_s() - _MARGIN_S) / (len(families) - n)
    run = Run(ctx, settings, families[n], now_s() + share)
    try:
        (servicehttp if place.web else servicetalk).ask(run, place)
        result = OK
    except Ended as ended:
        if ended.result.reason == "bad_settings":
            raise
        result = ended.result
        run.detail |= ended.detail
    except StreamError as error:
        result = error.result
        run.detail["error"] = str(error)[:300]
    if run.address:
        run.detail["address"] = run.address
    _explain(result, run)
    return result, run


def _together(runs: list[tuple[Result, Run]]) -> tuple[Result, Run]:
    """What both say together, and the one that says it: one that passes, else one that fails."""
    for outcome in ("ok", "fail"):
        for result, run in runs:
            if result.outcome == outcome and not _absent(result, runs):
                return result, run
    return runs[0]


def _absent(result: Result, runs: list[tuple[Result, Run]]) -> bool:
    """A name that has an address of the other version only is not missing one."""
    return result.reason == "not_resolved" and any(other.reason != "not_resolved" for other, _ in runs)


def _of(run: Run) -> str:
    family = ("6" if ":" in run.address else "4") if run.family == "any" else run.family
    return f"ipv{family}"


def _values(result: Result, run: Run) -> list[Value]:
    if result.outcome == "unknown" or not run.address:
        return []
    passed = result.outcome == "ok"
    numbers: dict[str, float] = {"passed_ratio": float(passed)}
    numbers |= {f"{phase}_seconds": seconds for phase, seconds in run.phases.items()} | run.numbers
    if passed:
        numbers["total_seconds"] = sum(run.phases.values())
    return [Value(f"motcua_service_{name}", float(number), _of(run)) for name, number in numbers.items()]


def _explain(result: Result, run: Run) -> None:
    """Tell the phases as a waterfall: each begins where the one before it ended."""
    total, before = sum(run.phases.values()), 0.0
    run.ctx.explain(f"{_of(run)} {run.address or 'without an address'}: {result.reason or 'ok'}")
    for phase in (phase for phase in PHASES if phase in run.phases):
        took = run.phases[phase]
        begin, width = round(_BAR * before / (total or 1)), max(1, round(_BAR * took / (total or 1)))
        run.ctx.explain(f"  {phase:<9}{took * 1000:9.1f} ms  {' ' * begin}{'█' * width}")
        before += took
