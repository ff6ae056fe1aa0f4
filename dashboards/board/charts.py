"""Series for the eye: columns for uPlot with gaps as gaps, and the same as a table by the half-hour or the day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from collector.api import Point, Series
from dashboards.board.strips import CELL_MS

MAX_COLUMNS: Final = 2_000


@dataclass(frozen=True, slots=True)
class Row:
    """One cell of one series; `point` None where nothing was measured in it."""

    at_ms: int
    point: Point | None


def columns(series: Series, from_ms: int, to_ms: int) -> list[list[float | None]]:
    """Seconds since 1970 and the averages, with an empty value wherever more than two samples are missing."""
    step_ms = max(1.0, series.resolution_s * 1000)
    xs: list[float | None] = [from_ms / 1000]
    ys: list[float | None] = [None]
    previous = from_ms
    for point in series.points[-MAX_COLUMNS:]:
        if point.at_ms - previous > 2.5 * step_ms:
            xs.append((previous + step_ms) / 1000)
            ys.append(None)
        xs.append(point.at_ms / 1000)
        ys.append(point.avg)
        previous = point.at_ms
    return [[*xs, to_ms / 1000], [*ys, None]]


def half_hours(points: Sequence[Point], from_ms: int, to_ms: int) -> list[Row]:
    """Every half-hour of the span, newest first, with what was measured in it."""
    return cells(points, from_ms, to_ms, CELL_MS)


def cells(points: Sequence[Point], from_ms: int, to_ms: int, cell_ms: int) -> list[Row]:
    """Every `cell_ms` of the span, newest first, with what was measured in it."""
    by_cell: dict[int, list[Point]] = {}
    for point in points:
        by_cell.setdefault((point.at_ms - from_ms) // cell_ms, []).append(point)
    count = -(-(to_ms - from_ms) // cell_ms)
    return [Row(from_ms + cell * cell_ms, _merged(by_cell.get(cell, []))) for cell in range(count - 1, -1, -1)]


def _merged(points: Sequence[Point]) -> Point | None:
    count = sum(point.count for point in points)
    if not count:
        return None
    total = sum(point.avg * point.count for point in points)
    return Point(points[0].at_ms, min(p.min for p in points), total / count, max(p.max for p in points), count)
