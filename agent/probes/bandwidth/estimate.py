"""From bytes over time to a speed with its bounds: where the warm-up ends, and when enough is known. No sockets.

The warm-up is found, not assumed: of all beginnings that could be cut away, the one is taken that leaves the mean best
known (MSER; White, Simulation 69, 1997). The bounds come from the means of batches, because neighbouring moments of a
TCP stream are alike, and a mean of all of them would look better known than it is.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

SLOT_S: Final = 0.05
WARM_S: Final = 0.2
MOST_CUT: Final = 0.5
BATCHES: Final = 8
T_95: Final = 2.364624
"""Student's t, two-sided 95 %, for BATCHES − 1 degrees of freedom."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Bits a second with their 95 % bounds, from `since_s` (of the samples' clock) over `seconds`."""

    bps: float
    low: float
    high: float
    since_s: float
    seconds: float
    steady: bool

    @property
    def spread(self) -> float:
        """Half of the interval as a share of the figure."""
        return (self.high - self.low) / 2 / self.bps if self.bps else math.inf


class Flow:
    """Bytes as they come, by the clock of whoever counts them."""

    def __init__(self) -> None:
        self.at: list[float] = []
        self.total: list[int] = []

    def add(self, at_s: float, total: int) -> None:
        """So many bytes altogether at that moment; moments must go forward and totals must not go back."""
        if not self.at or at_s > self.at[-1]:
            self.at.append(at_s)
            self.total.append(total)

    @property
    def seconds(self) -> float:
        return self.at[-1] - self.at[0] if self.at else 0.0

    def estimate(self) -> Estimate | None:
        """The speed so far; None as long as there is too little to say anything."""
        rates = self._rates()
        first = max(math.ceil(WARM_S / SLOT_S), _cut(rates))
        kept = rates[first:]
        if len(kept) < BATCHES:
            return None
        mean = sum(kept) / len(kept)
        half = T_95 * _standard_error(kept)
        since_s, seconds = self.at[0] + first * SLOT_S, len(kept) * SLOT_S
        steady = first < int(len(rates) * MOST_CUT)
        return Estimate(8 * mean, 8 * max(0.0, mean - half), 8 * (mean + half), since_s, seconds, steady)

    def _rates(self) -> list[float]:
        """Bytes a second in slots of one length, the totals between two samples on a straight line."""
        count = int(self.seconds / SLOT_S + 1e-9)
        totals = [self._total_at(self.at[0] + n * SLOT_S) for n in range(count + 1)] if count else []
        return [(after - before) / SLOT_S for before, after in pairwise(totals)]

    def _total_at(self, moment: float) -> float:
        after = bisect_left(self.at, moment)
        if after <= 0:
            return self.total[0]
        if after >= len(self.at):
            return self.total[-1]
        share = (moment - self.at[after - 1]) / (self.at[after] - self.at[after - 1])
        return self.total[after - 1] + share * (self.total[after] - self.total[after - 1])


def _cut(rates: list[float]) -> int:
    """How many slots to cut away: what leaves the smallest standard error, never more than MOST_CUT of them."""
    best, best_error = 0, math.inf
    total = squares = 0.0
    for first in range(len(rates) - 1, -1, -1):
        total, squares = total + rates[first], squares + rates[first] ** 2
        kept = len(rates) - first
        if first > len(rates) * MOST_CUT or kept < 2:
            continue
        error = max(0.0, squares - total * total / kept) / (kept * kept)
        if error <= best_error:
            best, best_error = first, error
    return best


def _standard_error(rates: list[float]) -> float:
    """Of the mean, from the means of BATCHES batches of neighbours."""
    edges = [round(n * len(rates) / BATCHES) for n in range(BATCHES + 1)]
    means = [sum(rates[a:b]) / (b - a) for a, b in pairwise(edges)]
    middle = sum(means) / BATCHES
    variance = sum((mean - middle) ** 2 for mean in means) / (BATCHES - 1)
    return math.sqrt(variance / BATCHES)
