"""Series become curves with open gaps, and tables that show them."""

from __future__ import annotations

from collector.api import Point, Series
from dashboards.board.charts import columns, half_hours
from dashboards.board.strips import CELL_MS


def series(*at_s: int) -> Series:
    points = tuple(Point(at * 1000, 0.008, 0.01, 0.02, 30) for at in at_s)
    return Series("line:07375-1/a", "motcua_line_rtt_seconds", "", "gateway", 300.0, points, None)


def test_a_gap_stays_a_gap() -> None:
    xs, ys = columns(series(300, 600, 2100), 0, 3_000_000)
    assert xs == [0, 300, 600, 900, 2100, 3000]
    assert ys == [None, 0.01, 0.01, None, 0.01, None]


def test_one_late_sample_is_not_a_gap() -> None:
    _, ys = columns(series(300, 600, 1200), 0, 3_000_000)
    assert ys == [None, 0.01, 0.01, 0.01, None]


def test_nothing_measured_is_an_empty_curve_and_not_a_zero() -> None:
    assert columns(series(), 0, 3_000_000)[1] == [None, None]


def test_half_hours_without_samples_are_rows_without_figures() -> None:
    rows = half_hours(series(60, 120, 5400).points, 0, 4 * CELL_MS)
    assert [row.at_ms // CELL_MS for row in rows] == [3, 2, 1, 0]
    assert [row.point.count if row.point else None for row in rows] == [30, None, None, 60]
