"""Quantiles of a day: exact, and from a sketch that does not mind the order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.history import quantiles as q

VALUES = st.lists(st.floats(-1e100, 1e100), min_size=1, max_size=60)


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        pytest.param([5.0], (5.0, 5.0, 5.0), id="one"),
        pytest.param([1.0, 2.0], (1.0, 2.0, 2.0), id="two"),
        pytest.param([float(n) for n in range(1, 101)], (50.0, 95.0, 99.0), id="a hundred"),
    ],
)
def test_a_quantile_is_the_smallest_value_that_the_share_does_not_exceed(
    values: list[float], wanted: tuple[float, float, float]
) -> None:
    assert q.exact(values) == wanted


@given(VALUES)
def test_the_sketch_is_within_one_per_cent(values: list[float]) -> None:
    told = q.estimated(q.sketch_of(values), min(values), max(values))
    assert told == pytest.approx(q.exact(sorted(values)), rel=q.ERROR * 1.001, abs=0)


@given(VALUES, st.data())
def test_parts_joined_in_any_order_are_the_whole(values: list[float], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(values)))
    mixed = data.draw(st.permutations(values))
    joined = q.joined(q.sketch_of(mixed[:cut]), q.sketch_of(mixed[cut:]))
    assert q.encoded(joined) == q.encoded(q.sketch_of(values))
    assert q.decoded(q.encoded(joined)) == joined


def test_a_day_like_any_other_is_a_few_hundred_bytes() -> None:
    day = [0.004 + 0.00001 * (n % 900) for n in range(8_640)]
    assert len(q.encoded(q.sketch_of(day))) < 400
