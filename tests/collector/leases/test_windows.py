"""When lines may be tested by themselves: outside the rush, or outside opening hours, and never at full hours."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.leases.windows import (
    AFTER_HOUR_MS,
    BEFORE_HOUR_MS,
    HOUR_MS,
    Lots,
    Span,
    starts,
    windows,
    without,
)

H = HOUR_MS
OFFICE = [(8 * H, 12 * H), (14 * H, 17 * H)]


def test_a_day_is_rush_working_hours_and_the_rest() -> None:
    found = windows(OFFICE, 2 * H, (0, 24 * H))
    assert found.working == [(10 * H, 12 * H), (16 * H, 17 * H)]
    assert found.quiet == [(0, 8 * H), (12 * H, 14 * H), (17 * H, 24 * H)]


@pytest.mark.parametrize(
    ("opening", "rush_ms", "within", "working", "quiet"),
    [
        pytest.param([], H, (0, 5 * H), [], [(0, 5 * H)], id="closed all day"),
        pytest.param(OFFICE, 5 * H, (0, 24 * H), [], None, id="the rush is longer than the session"),
        pytest.param(OFFICE, 0, (9 * H, 10 * H), [(9 * H, 10 * H)], [], id="no rush, within a session"),
        pytest.param(OFFICE, 2 * H, (9 * H, 11 * H), [(10 * H, 11 * H)], [], id="asked in the rush"),
    ],
)
def test_windows_lie_within_what_was_asked(
    opening: list[Span], rush_ms: int, within: Span, working: list[Span], quiet: list[Span] | None
) -> None:
    found = windows(opening, rush_ms, within)
    assert found.working == working
    assert quiet is None or found.quiet == quiet


def test_a_slot_ends_within_its_window_and_begins_away_from_full_hours() -> None:
    assert starts([(9 * H, 11 * H)], 60_000) == [
        (9 * H + AFTER_HOUR_MS, 10 * H - BEFORE_HOUR_MS),
        (10 * H + AFTER_HOUR_MS, 11 * H - BEFORE_HOUR_MS),
    ]
    assert starts([(9 * H, 9 * H + 59_999)], 60_000) == []
    assert starts([(9 * H + 30 * 60_000, 9 * H + 31 * 60_000)], 60_000) == [(9 * H + 1_800_000, 9 * H + 1_800_001)]


def _apart(pairs: list[tuple[int, int]]) -> list[Span]:
    found, at = list[Span](), 0
    for gap, length in pairs:
        found.append((at + gap + 1, at + gap + 1 + length))
        at = found[-1][1]
    return found


spans = st.lists(st.tuples(st.integers(0, 200), st.integers(1, 20)), max_size=8).map(_apart)


@given(spans, spans)
def test_what_is_left_is_what_no_hole_covers(whole: list[Span], holes: list[Span]) -> None:
    def points(some: list[Span]) -> set[int]:
        return {at for a, b in some for at in range(a, b)}

    left = without(whole, holes)
    assert points(left) == points(whole) - points(holes)
    assert all(a < b for a, b in left)


@given(spans.filter(bool), st.integers())
def test_lots_fall_into_the_spans_and_the_same_seed_draws_the_same(some: list[Span], seed: int) -> None:
    drawn = [Lots(some, random.Random(seed)).draw() for _ in range(3)]
    assert len(set(drawn)) == 1
    assert any(a <= drawn[0] < b for a, b in some)


def test_every_moment_of_every_span_is_drawn() -> None:
    lots = Lots([(5, 7), (100, 103)], random.Random(1))
    assert {lots.draw() for _ in range(200)} == {5, 6, 100, 101, 102}
