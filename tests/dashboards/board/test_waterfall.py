"""Phases on one axis: they follow one another, nothing is invented, and the middle is that of what passed."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.api import PHASES, PhaseTimes
from dashboards.board.waterfall import WIDTH, Fall, axis, middle, one, spread

TIMES = st.dictionaries(st.sampled_from(PHASES), st.floats(0, 100), min_size=1)


def answer(total: float | None, **seconds: float) -> PhaseTimes:
    return PhaseTimes("service:x@07375-1", 1_000, seconds, total)


@given(TIMES)
def test_each_phase_begins_where_the_one_before_it_ended(seconds: dict[str, float]) -> None:
    fall = Fall(seconds, None, None, 1)
    steps = fall.steps(axis([fall], None))
    assert [step.phase for step in steps] == [phase for phase in PHASES if phase in seconds]
    for before, after in pairwise(steps):
        assert after.x >= before.x
        assert after.y > before.y
    assert all(0 <= step.x < WIDTH and step.width >= 1 for step in steps)


def test_the_middle_leaves_out_what_did_not_pass() -> None:
    found = middle([answer(0.3, dns=0.1, ttfb=0.2), answer(0.5, dns=0.1, ttfb=0.4), answer(None, dns=9.0)])
    assert found is not None
    assert (found.of, dict(found.seconds), found.total_s) == (2, {"dns": 0.1, "ttfb": pytest.approx(0.3)}, 0.4)
    assert middle([answer(None, dns=9.0)]) is None
    assert one(None) is None


@pytest.mark.parametrize(
    ("took", "limit", "long"),
    [
        pytest.param(0.4, 5.0, 0.42, id="far below the limit: phases are to be seen"),
        pytest.param(3.0, 5.0, 5.25, id="near the limit: it is drawn"),
        pytest.param(11.2, 5.0, 11.76, id="over it"),
        pytest.param(0.4, None, 0.42, id="no limit"),
        pytest.param(0.0, None, 1.0, id="nothing measured"),
    ],
)
def test_the_axis_holds_what_was_measured_and_the_limit_that_it_comes_near(
    took: float, limit: float | None, long: float
) -> None:
    assert axis([one(answer(took, ttfb=took)), None], limit) == pytest.approx(long)


@given(st.lists(st.text(), unique=True, max_size=40), st.integers(1, 12))
def test_what_is_sampled_is_taken_evenly_and_once(keys: list[str], at_most: int) -> None:
    found = spread(keys, at_most)
    assert len(found) == len(set(found)) == min(len(keys), at_most)
    places = [keys.index(key) for key in found]
    gaps = {b - a for a, b in pairwise(places)}
    assert max(gaps, default=1) - min(gaps, default=1) <= 1
