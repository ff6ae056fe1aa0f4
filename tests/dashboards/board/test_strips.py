"""Intervals become 48 half-hours."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.api import Interval, State
from dashboards.board.strips import CELL_MS, CELLS, WIDTH_MS, Run, strip, window
from tests.support.reader_double import NOW_MS


def held(state: State, from_min: int, to_min: int) -> Interval:
    return Interval("line:07375-1/a", state, None, from_min * 60_000, to_min * 60_000)


@pytest.mark.parametrize(
    ("intervals", "first", "second"),
    [
        pytest.param([], None, None, id="nothing known"),
        pytest.param([held("ok", 0, 60)], "ok", "ok", id="well"),
        pytest.param([held("ok", 0, 29), held("down", 29, 30)], "down", None, id="a fault counts however short"),
        pytest.param([held("ok", 0, 20), held("unknown", 20, 30)], "ok", None, id="a short gap is no fault"),
        pytest.param([held("ok", 0, 10), held("unknown", 10, 60)], "unknown", "unknown", id="a long gap is shown"),
        pytest.param([held("degraded", 0, 10), held("down", 10, 31)], "down", "down", id="the worst wins"),
        pytest.param([held("degraded", 5, 6), held("ok", 6, 60)], "degraded", "ok", id="slow for a minute"),
        pytest.param([held("ok", -600, 10)], "ok", None, id="begun before"),
    ],
)
def test_a_half_hour_tells_the_worst_that_matters(
    intervals: list[Interval], first: State | None, second: State | None
) -> None:
    assert strip(intervals, 0).cells[:2] == (first, second)


def test_before_the_first_measurement_nothing_is_missing() -> None:
    before = Interval("line:07375-1/a", "unknown", "never_measured", 0, 59 * 60_000)
    assert strip([before, held("ok", 59, 60)], 0).cells[:3] == (None, "ok", None)


def test_neighbours_of_one_state_are_one_run() -> None:
    cells = strip([held("ok", 0, 120), held("down", 120, 150)], 0)
    assert cells.runs == [Run(0, 4, "ok"), Run(4, 1, "down"), Run(5, 43, None)]


def test_what_was_not_known_is_not_covered() -> None:
    assert strip([held("ok", 0, 720), held("unknown", 720, 1440)], 0).known == pytest.approx(0.5)


def test_the_window_ends_with_the_half_hour_of_now() -> None:
    start, end = window(NOW_MS)
    assert end - start == WIDTH_MS
    assert end - CELL_MS < NOW_MS <= end
    assert window(end - 1)[1] == end


@given(st.lists(st.tuples(st.integers(-100, 1600), st.integers(0, 900)), max_size=12))
def test_there_are_always_48_cells_and_a_share_between_none_and_all(spans: list[tuple[int, int]]) -> None:
    at, intervals = 0, []
    for gap, length in spans:
        intervals.append(held("ok", at + gap, at + gap + length))
        at += gap + length
    cells = strip(intervals, 0)
    assert len(cells.cells) == CELLS
    assert sum(run.length for run in cells.runs) == CELLS
