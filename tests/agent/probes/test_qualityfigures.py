"""The arithmetic of UDP trains: directions, jitter by differences alone, what was remarked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.probes import qualityfigures as figures
from agent.probes.qualityfigures import Trip, remarked, size_of, values_of
from wire.messages import Value


def trip(up: float = 0.01, down: float = 0.02, *, tos_up: int = 184, tos_down: int = 184) -> Trip:
    return Trip(0.03, up, down, tos_up, tos_down)


def told(values: list[Value]) -> dict[str, float]:
    return {value.metric.removeprefix("motcua_line_udp_"): value.value for value in values}


def test_loss_is_split_by_what_the_reflector_saw() -> None:
    trips = {n: trip() for n in range(10) if n not in {2, 5, 7}}
    found = told(values_of("ef", range(10), trips, sum(1 << n for n in range(10) if n not in {2, 5})))
    assert (found["sent_packets"], found["received_packets"]) == (10, 7)
    assert found["loss_ratio"] == pytest.approx(0.3)
    assert found["lost_up_ratio"] == pytest.approx(0.2)


def test_what_came_back_has_arrived_even_where_the_reflector_forgot() -> None:
    assert told(values_of("ef", range(4), {n: trip() for n in range(4)}, 0))["lost_up_ratio"] == 0


def test_without_the_reflectors_count_no_direction_is_told() -> None:
    assert "lost_up_ratio" not in told(values_of("ef", range(4), {0: trip()}, None))


def test_a_class_that_was_lost_whole_has_a_loss_and_no_times() -> None:
    found = told(values_of("ef", range(4), {}, 0))
    assert (found["loss_ratio"], found["lost_up_ratio"]) == (1, 1)
    assert not {"rtt_seconds", "jitter_seconds", "jitter_up_seconds"} & set(found)


def test_a_class_of_which_nothing_was_sent_has_no_numbers() -> None:
    assert values_of("ef", [], {}, 0) == []


Offsets = st.integers(-(10**9), 10**9).map(float)
Delays = st.lists(st.integers(0, 1000), min_size=2, max_size=40)


@given(Delays, Delays, Offsets)
def test_clocks_that_disagree_change_nothing(ups: list[int], downs: list[int], offset: float) -> None:
    pairs = list(zip(ups, downs, strict=False))
    together = {n: trip(u / 1024, d / 1024) for n, (u, d) in enumerate(pairs)}
    apart = {n: trip(u / 1024 + offset, d / 1024 - offset) for n, (u, d) in enumerate(pairs)}
    one, other = (told(values_of("ef", range(len(pairs)), t, None)) for t in (together, apart))
    for name in ("jitter_seconds", "jitter_up_seconds"):
        assert one[name] == pytest.approx(other[name], abs=1e-6)


def test_jitter_is_the_mean_step_between_neighbours_that_arrived() -> None:
    trips = {0: trip(0.010, 0.5), 2: trip(0.014, 0.5), 3: trip(0.012, 0.5)}
    found = told(values_of("ef", range(4), trips, None))
    assert found["jitter_up_seconds"] == pytest.approx(0.003)
    assert found["jitter_seconds"] == 0


@given(st.integers(0, 500), st.integers(96, 700), st.integers(0, 700))
def test_sizes_stay_within_their_bounds(nth: int, least: int, more: int) -> None:
    assert least <= size_of(nth, least, least + more) <= least + more


def test_sizes_of_a_train_are_spread_over_the_whole_range() -> None:
    sizes = [size_of(n, 200, 1_200) for n in range(125)]
    assert min(sizes) < 220
    assert max(sizes) > 1_180
    assert 690 < sum(sizes) / len(sizes) < 710


@pytest.mark.parametrize(
    ("trips", "said"),
    [
        pytest.param([trip(), trip(tos_up=185)], {}, id="as they were sent, but for congestion marks"),
        pytest.param([trip(), trip(tos_up=0)], {"ef_remarked_up": "be"}, id="some as best effort on the way up"),
        pytest.param(
            [trip(tos_up=40, tos_down=4)], {"ef_remarked_up": "af11", "ef_remarked_down": "dscp 1"}, id="both ways"
        ),
    ],
)
def test_packets_that_somebody_marked_otherwise_are_told(trips: list[Trip], said: dict[str, str]) -> None:
    assert remarked("ef", figures.DSCP["ef"] << 2, trips) == said
