"""Long ranges: whole local days, one column each, from intervals."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.api import STATES, Interval
from dashboards.board.days import days
from dashboards.board.spans import DAY_MS, span_of
from dashboards.board.times import local
from tests.support.reader_double import NOW_MS

HOUR = 3_600_000
MIDNIGHT = NOW_MS - (9 * 60 + 14) * 60_000 - 5_000


@pytest.mark.parametrize(
    ("asked", "name", "columns"),
    [
        pytest.param("7d", "7d", 7, id="a week"),
        pytest.param("365d", "365d", 365, id="a year"),
        pytest.param("24h", "24h", 48, id="a day by the half-hour"),
        pytest.param("", "24h", 48, id="nothing"),
        pytest.param("9999d", "24h", 48, id="nonsense"),
    ],
)
def test_a_range_is_whole_days_that_end_now(asked: str, name: str, columns: int) -> None:
    span = span_of({"range": asked}, NOW_MS)
    assert (span.name, -(-(span.to_ms - span.from_ms) // span.cell_ms), span.to_ms) == (name, columns, NOW_MS)
    if span.daily:
        assert local(span.from_ms).strftime("%H:%M:%S") == "00:00:00"


def test_a_day_is_shared_among_its_states() -> None:
    parts = [
        Interval("s", "ok", None, MIDNIGHT - DAY_MS, MIDNIGHT - 6 * HOUR),
        Interval("s", "down", "no_answer", MIDNIGHT - 6 * HOUR, MIDNIGHT + 3 * HOUR),
        Interval("s", "unknown", "silent", MIDNIGHT + 3 * HOUR, NOW_MS),
    ]
    found = days(parts, MIDNIGHT - DAY_MS, NOW_MS)
    assert [dict(column) for column in found.columns] == [
        {"ok": 18 * HOUR, "down": 6 * HOUR},
        {"down": 3 * HOUR, "unknown": NOW_MS - MIDNIGHT - 3 * HOUR},
    ]
    assert found.served == pytest.approx(18 / 27)
    assert found.known == pytest.approx(27 * HOUR / (NOW_MS - MIDNIGHT + DAY_MS))


def test_what_was_never_measured_is_neither_down_nor_known() -> None:
    found = days([Interval("s", "unknown", "never_measured", MIDNIGHT, NOW_MS)], MIDNIGHT, NOW_MS)
    assert (found.columns, found.known, found.served, found.paths()) == (({},), 0.0, None, [])


@given(st.lists(st.tuples(st.sampled_from(STATES), st.integers(1, 40 * HOUR)), max_size=12))
def test_no_moment_is_counted_twice_or_lost(parts: list[tuple[str, int]]) -> None:
    at, found = MIDNIGHT - 5 * DAY_MS, []
    for state, length in parts:
        found.append(Interval("s", state, None, at, at + length))  # type: ignore[arg-type]  # drawn from STATES
        at += length
    held = days(found, MIDNIGHT - 5 * DAY_MS, NOW_MS)
    inside = min(at, NOW_MS) - (MIDNIGHT - 5 * DAY_MS)
    assert sum(sum(column.values()) for column in held.columns) == inside
    assert len(held.columns) == 6
