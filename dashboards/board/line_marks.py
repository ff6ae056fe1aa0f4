"""Measurements as marks on an axis, with how far each is to be trusted. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

from collector.api import Point, Series

Shape = Literal["line", "disc", "cross", "up", "down"]
MAX_MARKS: Final = 2_000
Z_95: Final = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Mark:
    """One measurement, or the mean of a bucket of them; `low` to `high` is how far it is to be trusted."""

    at_ms: int
    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Trace:
    """One curve. `joined`: what is measured a few times a day is joined over the hours between."""

    label: str
    shape: Shape
    marks: tuple[Mark, ...]
    step_s: float
    joined: bool = False
    coverage: float | None = None  # the share of planned measurements that arrived


def plain(series: Series, label: str, shape: Shape) -> Trace:
    return Trace(label, shape, marks(series), series.resolution_s, joined=True, coverage=series.coverage)


def marks(series: Series) -> tuple[Mark, ...]:
    return tuple(Mark(point.at_ms, point.avg) for point in series.points[-MAX_MARKS:])


def between(series: Series, low: Series | None, high: Series | None) -> tuple[Mark, ...]:
    lows, highs = ({} if s is None else {p.at_ms: p.avg for p in s.points} for s in (low, high))
    return tuple(Mark(p.at_ms, p.avg, lows.get(p.at_ms), highs.get(p.at_ms)) for p in series.points[-MAX_MARKS:])


def lost(sent: Series, back: Series) -> tuple[Mark, ...]:
    """The share that was lost of all packets of each bucket, with its Wilson interval at 95 %."""
    came = {point.at_ms: point.avg * point.count for point in back.points}
    found = []
    for point in sent.points[-MAX_MARKS:]:
        trials = round(point.avg * point.count)
        if trials and point.at_ms in came:
            hits = min(trials, max(0, trials - round(came[point.at_ms])))
            found.append(Mark(point.at_ms, hits / trials, *wilson(hits, trials)))
    return tuple(found)


def wilson(hits: int, trials: int) -> tuple[float, float]:
    """The Wilson score interval of a share at 95 %."""
    share, square = hits / trials, Z_95 * Z_95 / trials
    middle = (share + square / 2) / (1 + square)
    half = Z_95 * math.sqrt(share * (1 - share) / trials + square / (4 * trials)) / (1 + square)
    return max(0.0, middle - half), min(1.0, middle + half)


def point(mark: Mark) -> Point:
    low, high = (mark.value if bound is None else bound for bound in (mark.low, mark.high))
    return Point(mark.at_ms, low, mark.value, high, 1)
