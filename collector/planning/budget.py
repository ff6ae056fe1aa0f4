"""The budget of a service: how often, and from which centres, so that the whole province asks within what it allows.

The period grows with the number of those who ask, in steps of a tenth, so that one enrolment more rarely moves a plan.
Where it would outgrow what a measurement may hold, fewer centres ask: a fixed sample, drawn by lot for each service.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

STEP: Final = 1.1
NATIONAL_S: Final = 300.0
MARGIN: Final = 0.9
"""Share of what a measurement may hold that a period may take: the next one comes a little late, and finds it valid."""


@dataclass(frozen=True, slots=True)
class Service:
    """A service that is switched on. `requests`: what one run may send it at most; `target`: what the probe asks.

    `private`: the inventory says that it lives in the province's own network, not on the open internet.
    """

    id: str
    target: str
    national: bool
    period_s: float
    budget_per_minute: int
    requests: int
    private: bool = False


@dataclass(frozen=True, slots=True)
class Allotment:
    """How often a service is asked from each of `centres`, and why that is not as often as its row says."""

    period_s: float
    centres: frozenset[str]
    why: str = ""


def allot(service: Service, centres: Iterable[str], *, first: Iterable[str] = (), hold_s: float) -> Allotment:
    """Share the budget among all who could ask; those of `first` (the province's own) are in the sample before others.

    60 × agents × requests ÷ period never exceeds the budget, counted in the mean over a period. `hold_s`: how long a
    measurement holds at most.
    """
    asking = frozenset(centres)
    if not service.budget_per_minute or not asking:
        return Allotment(service.period_s, frozenset(), "its budget is 0: it is not measured")
    least_s = max(service.period_s, NATIONAL_S if service.national else 0.0)
    longest_s = max(least_s, MARGIN * hold_s)
    needed_s = 60 * service.requests * len(asking) / service.budget_per_minute
    text = f"{service.budget_per_minute} requests a minute for {len(asking)} centres, up to {service.requests} a run"
    if needed_s <= least_s:
        return Allotment(least_s, asking, "" if least_s == service.period_s else "national services: 300 s at least")
    if needed_s <= longest_s:
        return Allotment(min(step_above(needed_s), longest_s), asking, f"{text}: {service.period_s:g} s is stretched")
    room = math.floor(longest_s * service.budget_per_minute / (60 * service.requests))
    chosen = sample(service.id, asking, room, frozenset(first))
    return Allotment(longest_s, chosen, f"{text}: there is room for {len(chosen)} of them, drawn by lot")


def step_above(seconds: float) -> float:
    """The first step of the ladder 1, 1.1, 1.1² … in whole seconds that is not below `seconds`."""
    rung = max(0, math.ceil(math.log(max(seconds, 1.0)) / math.log(STEP)) - 1)
    while math.ceil(STEP**rung) < seconds:
        rung += 1
    return float(math.ceil(STEP**rung))


def sample(service: str, centres: Iterable[str], most: int, first: frozenset[str] = frozenset()) -> frozenset[str]:
    """At most so many centres, the same ones every time; one centre more or less changes at most one of them."""
    return frozenset(sorted(centres, key=lambda centre: (centre not in first, _lot(service, centre)))[:most])


@lru_cache(maxsize=2**16)
def _lot(service: str, centre: str) -> bytes:
    """The seed is the pair itself: no centre is drawn for everything, or for nothing."""
    return hashlib.blake2b(f"{service}@{centre}".encode(), digest_size=8).digest()
