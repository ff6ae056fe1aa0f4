"""Long ranges as one column a day: how much of it a subject was in which state. From intervals, never from samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from collector.api import STATES, Interval, State
from dashboards.board.spans import DAY_MS

HEIGHT: Final = 24


@dataclass(frozen=True, slots=True)
class Days:
    """The columns of one subject: milliseconds by state. `known` is the share of the span in which its state was
    known, `served` the share of that in which it was not down; None where nothing was known."""

    from_ms: int
    columns: tuple[Mapping[State, int], ...]
    known: float
    served: float | None

    def paths(self) -> list[tuple[State, str]]:
        """An SVG path for each state that occurs, in columns 10 wide and `HEIGHT` high, the worst on top."""
        found: dict[State, list[str]] = {}
        for n, shares in enumerate(self.columns):
            top = float(HEIGHT)
            for state in reversed(STATES):
                height = HEIGHT * shares.get(state, 0) / DAY_MS
                if height:
                    height = max(height, 1.0) if state != "ok" else height  # a minute of a day is seen as well
                    top = max(0.0, top - height)
                    found.setdefault(state, []).append(f"M{n * 10} {top:.4g}h8v{height:.4g}h-8z")
        return [(state, "".join(found[state])) for state in reversed(STATES) if state in found]


def days(intervals: Sequence[Interval], from_ms: int, to_ms: int) -> Days:
    """Cut `intervals` into the days from `from_ms`, a local midnight, until `to_ms`."""
    columns: list[dict[State, int]] = [{} for _ in range(-(-(to_ms - from_ms) // DAY_MS))]
    total: dict[State, int] = {}
    for interval in intervals:
        if interval.reason == "never_measured":
            continue  # before the first measurement there is nothing to be missed
        at, end = max(interval.from_ms, from_ms), min(interval.to_ms, to_ms)
        while at < end:
            n = (at - from_ms) // DAY_MS
            until = min(end, from_ms + (n + 1) * DAY_MS)
            columns[n][interval.state] = columns[n].get(interval.state, 0) + until - at
            total[interval.state] = total.get(interval.state, 0) + until - at
            at = until
    known = sum(ms for state, ms in total.items() if state != "unknown")
    served = None if known == 0 else 1 - total.get("down", 0) / known
    return Days(from_ms, tuple(columns), known / (to_ms - from_ms), served)
