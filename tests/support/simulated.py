"""A small simulated province, and the plan a box of it would be given."""

from __future__ import annotations

from collections.abc import Sequence

from simulator.agent import Agent, Who
from simulator.causes import KINDS, Cause
from simulator.chance import Dice
from simulator.province import Line, Province, Service, Site
from simulator.world import World
from wire.messages import PlanItem

START = 1_763_690_400_000  # 2025-11-21 09:00 in Vietnam
MINUTE = 60_000
AGENT = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
DEVICE = "device:01ARZ3NDEKTSV4RRFFQ69G5FAW"


def province(count: int = 3) -> Province:
    """Centres 07001-1, 07002-1 …, each with two lines; odd ones are of one uplink group, even ones of another."""
    sites = {}
    for n in range(1, count + 1):
        key, group = f"{7000 + n:05d}-1", f"vnpt-{n % 2}"
        lines = tuple(Line(f"{key}/{letter}", key, "vnpt", group, f"area-{n % 2}", "192.0.2.1") for letter in "ab")
        sites[key] = Site(key, f"area-{n % 2}", lines)
    return Province(sites, {"dvcqg": Service("dvcqg", "national", 5.0), "tinh": Service("tinh", "province", 5.0)})


def cause(kind: str, *touches: str, first: float, last: float, name: str = "c1") -> Cause:
    """A cause from minute `first` to minute `last`."""
    return Cause(name, kind, START + round(first * MINUTE), START + round(last * MINUTE), KINDS[kind].severity, touches)


def world(*causes: Cause, seed: int = 1) -> World:
    """The small province with these causes."""
    return World(province(), Dice(seed), causes, START)


def plan(centre: str = "07001-1", device: str = DEVICE) -> list[PlanItem]:
    """What a box measures: itself, the gateway, its first line, a shared system, and something nobody knows."""
    return [
        PlanItem("1", device, "pc", "self", 60.0, 20.0),
        PlanItem("2", f"lan:{centre}", "reach", "gateway", 10.0, 8.0, {"packets": 5}),
        PlanItem("3", f"line:{centre}/a", "reach", "collector", 10.0, 8.0, {"packets": 5}),
        PlanItem("4", f"service:dvcqg@{centre}", "service", "https://portal.example/", 60.0, 20.0),
        PlanItem("5", f"lan:{centre}", "divination", "entrails", 60.0, 8.0),
    ]


def agent(where: World, centre: str = "07001-1", items: Sequence[PlanItem] | None = None) -> Agent:
    """A box that has its plan and begins now."""
    made = Agent(Who(AGENT, centre, "box", "token"), where, from_ms=START)
    made.follow("0" * 64, plan(centre) if items is None else items)
    return made
