"""How much a simulated line can carry and how much it does: its contract, its own quality, the time of day, faults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from simulator.world import World

GOODPUT: Final = 0.953
"""Share of a line's rate that TCP over Ethernet leaves for data: 1,448 of 1,518 bytes and acknowledgements."""

PORT_BPS: Final = 1e9
_BUSY: Final = 0.25
"""Of `World.load`; a line that is full is so through the working day, and not at night."""


@dataclass(frozen=True, slots=True)
class Flow:
    """Bits a second each way, on the mean of five minutes."""

    down: float
    up: float


def capacity_bps(world: World, line: str, at: int) -> float:
    """What a line gives TCP. Most keep their contract; the bytes of headers are paid for by the customer."""
    contract = contract_bps(world, line)
    share = world.severity("line_below_contract", line, at)
    return contract * (share or 0.985 + 0.03 * world.dice.once(f"capacity/{line}")) * GOODPUT


def contract_bps(world: World, line: str) -> float:
    """What was ordered."""
    return world.province.lines[line].contract_bps


def port_bps(world: World, centre: str, at: int) -> float:
    """At what speed the box's port runs."""
    return world.severity("port_slow", centre, at) or PORT_BPS


def flow(world: World, line: str, at: int) -> Flow:
    """What people's work makes of a line: little at night, more in working hours, most where the line is too small."""
    draws = world.dice.draws(f"use/{line}".encode(), at // 300_000)
    own, load = world.dice.once(f"habit/{line}"), world.load(at)
    share = 0.0004 + load * (0.04 + 0.22 * own) * (0.5 + draws[0])
    full = world.severity("line_full", line, at)
    if full is not None and load > _BUSY:
        share = full * (0.97 + 0.03 * draws[1])
    centre = line.partition("/")[0]
    if not world.carries(line, at) or not world.lan(centre, at):
        share = 0.0
    down = share * contract_bps(world, line)
    return Flow(round(down), round(down * (0.12 + 0.2 * draws[2])))
