"""The budget of a service holds for every number of centres, and a plan is not moved by one centre more."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.planning.budget import MARGIN, Allotment, Service, allot, sample, step_above

PORTAL = Service("portal", "https://portal.example.vn/", False, 120.0, 20, 8)
HOLD_S = 3_600.0


def centres(count: int) -> list[str]:
    return [f"{n:05d}-1" for n in range(1, count + 1)]


def a_minute(service: Service, found: Allotment) -> float:
    """Requests of the whole province a minute, in the mean, where every run makes as many as it may."""
    return 60 * len(found.centres) * service.requests / found.period_s


services = st.builds(
    Service,
    st.sampled_from(["portal", "dvcqg", "x"]),
    st.just("https://portal.example.vn/"),
    st.booleans(),
    st.integers(30, 86_400).map(float),
    st.integers(0, 10_000),
    st.integers(1, 12),
)


@given(service=services, count=st.integers(0, 4_000), hold_s=st.floats(10, 86_400))
def test_no_number_of_centres_asks_more_than_the_budget(service: Service, count: int, hold_s: float) -> None:
    found = allot(service, centres(count), hold_s=hold_s)
    assert a_minute(service, found) <= service.budget_per_minute * (1 + 1e-9)
    assert found.centres <= set(centres(count))
    assert found.period_s >= service.period_s
    if found.centres and service.national:
        assert found.period_s >= 300


@given(service=services, count=st.integers(1, 4_000))
def test_a_period_is_stretched_no_longer_than_a_measurement_may_hold(service: Service, count: int) -> None:
    found = allot(service, centres(count), hold_s=HOLD_S)
    assert found.period_s <= max(service.period_s, 300.0 if service.national else 0.0, MARGIN * HOLD_S)
    if found.centres == set(centres(count)) and found.period_s > max(service.period_s, 300):
        assert a_minute(service, found) >= service.budget_per_minute / 1.25, "no longer than the budget asks for"


@pytest.mark.parametrize(
    ("service", "count", "period_s", "asking", "why"),
    [
        pytest.param(PORTAL, 3, 120.0, 3, "", id="a few ask as often as the row says"),
        pytest.param(PORTAL, 100, 2_479.0, 100, "stretched", id="a province asks less often"),
        pytest.param(PORTAL, 3_321, 3_240.0, 135, "by lot", id="a country asks from a sample"),
        pytest.param(replace(PORTAL, national=True), 3, 300.0, 3, "national", id="national: 300 s at least"),
        pytest.param(replace(PORTAL, budget_per_minute=0), 3, 120.0, 0, "budget is 0", id="no budget: not at all"),
        pytest.param(replace(PORTAL, period_s=86_400.0), 3_321, 86_400.0, 3_321, "", id="seldom is never stretched"),
    ],
)
def test_what_a_row_comes_to(service: Service, count: int, period_s: float, asking: int, why: str) -> None:
    found = allot(service, centres(count), hold_s=HOLD_S)
    assert (found.period_s, len(found.centres)) == (period_s, asking)
    assert why in found.why
    assert bool(why) == bool(found.why)


def test_a_growing_province_moves_its_plans_once_a_tenth() -> None:
    periods = [allot(PORTAL, centres(count), hold_s=HOLD_S).period_s for count in range(1, 100)]
    steps = [(a, b) for a, b in pairwise(periods) if a != b]
    assert periods == sorted(periods)
    assert len(steps) <= 33
    assert all(b >= 1.05 * a for a, b in steps if a > 120)


@given(seconds=st.floats(0.001, 1e6))
def test_the_ladder_is_never_below_and_at_most_a_step_above(seconds: float) -> None:
    found = step_above(seconds)
    assert seconds <= found <= max(2.0, 1.1 * seconds + 1.1)


@given(count=st.integers(2, 400), most=st.integers(0, 400))
def test_one_centre_more_changes_at_most_one_place_in_the_sample(count: int, most: int) -> None:
    before, after = sample("portal", centres(count - 1), most), sample("portal", centres(count), most)
    assert len(after) == min(count, most)
    assert len(before - after) <= 1


def test_the_lot_is_fair_and_another_one_for_each_service() -> None:
    times = dict.fromkeys(centres(100), 0)
    for n in range(400):
        for centre in sample(f"service-{n}", centres(100), 25):
            times[centre] += 1
    assert min(times.values()) > 60
    assert max(times.values()) < 140, "a hundred each, by chance"


def test_the_provinces_own_rooms_are_drawn_first() -> None:
    found = allot(PORTAL, ["00000-2", *centres(3_321)], first=["00000-2"], hold_s=HOLD_S)
    assert "00000-2" in found.centres
    assert len(found.centres) == 135
