"""Which gauge measures an item of a plan: the table of simulated probes."""

from __future__ import annotations

from collections.abc import Callable

from simulator import lines, numbers
from simulator.numbers import Gauge, Run
from simulator.world import World
from wire.messages import PlanItem
from wire.outcomes import unknown


def gauge(world: World, centre: str, item: PlanItem, *, asked: bool = False) -> Gauge:
    """How an agent at a centre measures an item of its plan; `asked`: because a person wants it now."""
    kind, _, key = item.subject.partition(":")
    made: dict[tuple[str, str], Callable[[], Gauge]] = {
        ("reach", "lan"): lambda: numbers.Reach(world, centre, item, kind, key),
        ("reach", "line"): lambda: numbers.Reach(world, centre, item, kind, key),
        ("pc", "device"): lambda: numbers.Machine(world, centre),
        ("self", "agent"): lambda: numbers.Self(world, centre),
        ("service", "service"): lambda: numbers.Service(world, centre, item, key),
        ("dns", "line"): lambda: numbers.Dns(world, centre, item, key),
        ("wifi", "lan"): lambda: numbers.Wifi(world, centre),
        ("bandwidth", "line"): lambda: lines.Bandwidth(world, centre, item, key, asked=asked),
        ("use", "line"): lambda: lines.Use(world, centre, key),
        ("path", "line"): lambda: lines.Path(world, centre, item, key),
        ("quality", "line"): lambda: lines.Quality(world, centre, item, key),
    }
    make = made.get((item.probe, kind))
    return _unsupported if make is None else make()


def _unsupported(_at: int) -> Run:
    return Run(unknown("unsupported"), 0, detail={"simulated": True})
