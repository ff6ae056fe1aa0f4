"""How the tests of the service probe run it."""

from __future__ import annotations

from collections.abc import Mapping

from agent.context import Context, Facts
from agent.probes import Measured, service
from tests.exams.probe_exam import check_travels
from wire.clock import Clock, SystemClock
from wire.messages import PlanItem, Scalar

SUBJECT = "service:dvcqg@07375-1"


def ask(
    target: str,
    settings: Mapping[str, Scalar] | None = None,
    *,
    left_ms: int = 5_000,
    subject: str = SUBJECT,
    private: bool = True,
    offset_s: float | None = None,
    clock: Clock | None = None,
    said: list[str] | None = None,
    **more: Scalar,
) -> Measured:
    """One run, checked for whether it may travel."""
    clock = clock or SystemClock()
    ctx = Context(clock, clock.mono_ms() + left_ms, Facts("127.0.0.1", clock_offset_s=offset_s))
    if said is not None:
        ctx.explain = said.append
    item = PlanItem("s", subject, "service", target, 300, 5, {"allow_private": private, **(settings or {}), **more})
    found = service.probe(item, ctx)
    check_travels(item, found)
    return found


def numbers(found: Measured, of: str = "ipv4") -> dict[str, float]:
    """The numbers over one version of IP, without the beginning that all of them share."""
    return {v.metric.removeprefix("motcua_service_"): v.value for v in found.values if v.of == of}
