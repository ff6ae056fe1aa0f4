"""24 hours as 48 half-hours: intervals of states in, one letter a half-hour out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from collector.api import Interval, State

CELLS: Final = 48
CELL_MS: Final = 30 * 60_000
WIDTH_MS: Final = CELLS * CELL_MS


@dataclass(frozen=True, slots=True)
class Run:
    """`length` neighbouring cells of one state, from cell `start`; None where nothing was known yet."""

    start: int
    length: int
    state: State | None


@dataclass(frozen=True, slots=True)
class Strip:
    """The cells of one subject and the share of the 24 h in which its state was known."""

    from_ms: int
    cells: tuple[State | None, ...]
    known: float

    @property
    def runs(self) -> list[Run]:
        runs, start = list[Run](), 0
        for state, group in groupby(self.cells):
            length = sum(1 for _ in group)
            runs.append(Run(start, length, state))
            start += length
        return runs


def window(now_ms: int) -> tuple[int, int]:
    """The 48 half-hours that end with the one `now_ms` lies in, on whole half-hours so that strips do not creep."""
    end = -(-now_ms // CELL_MS) * CELL_MS
    return end - WIDTH_MS, end


def strip(intervals: Sequence[Interval], from_ms: int) -> Strip:
    """Cut `intervals` into cells from `from_ms` on."""
    shares: list[dict[State, int]] = [{} for _ in range(CELLS)]
    known_ms = 0
    for interval in intervals:
        if interval.reason == "never_measured":
            continue  # before the first measurement there is nothing to be missed
        start, end = max(interval.from_ms, from_ms), min(interval.to_ms, from_ms + WIDTH_MS)
        if interval.state != "unknown":
            known_ms += max(0, end - start)
        _spread(shares, interval.state, start - from_ms, end - from_ms)
    return Strip(from_ms, tuple(_verdict(share) for share in shares), known_ms / WIDTH_MS)


def _spread(shares: list[dict[State, int]], state: State, start: int, end: int) -> None:
    while start < end:
        cell = start // CELL_MS
        stop = min(end, (cell + 1) * CELL_MS)
        shares[cell][state] = shares[cell].get(state, 0) + stop - start
        start = stop


def _verdict(share: dict[State, int]) -> State | None:
    """A fault counts however short; a gap only where it is at least half of what is known: it is no fault."""
    if "down" in share:
        return "down"
    if "degraded" in share:
        return "degraded"
    if "unknown" in share:
        return "unknown" if share["unknown"] * 2 >= sum(share.values()) else "ok"
    return "ok" if share else None
