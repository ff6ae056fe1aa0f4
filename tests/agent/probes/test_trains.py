"""The arithmetic of trains, by hand-made timetables and by rule."""

from __future__ import annotations

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.probes.trains import Train, in_order, jitter, loss, median, numbers, packets_that_fit, wilson


def _train(packets: int = 3) -> Train:
    return Train(packets, interval_s=0.2, timeout_s=2.0, start=100.0)


def _all_sent(packets: int = 3) -> Train:
    train = _train(packets)
    for n in range(packets):
        train.leave(100.0 + 0.2 * n)
    return train


def test_a_lost_packet_does_not_delay_the_next() -> None:
    train = _train()
    moments = []
    now = 100.0
    while (wait := train.wait_s(now)) is not None:
        now += wait
        if train.is_due(now):
            moments.append(now)
            train.leave(now)
    assert moments == pytest.approx([100.0, 100.2, 100.4])
    assert now == pytest.approx(100.4 + 2.0)  # five lost packets likewise: 0.8 s and the time-out


def test_a_train_is_over_as_soon_as_the_fate_of_every_packet_is_known() -> None:
    train = _all_sent()
    train.answer(0, 100.01)
    train.refuse(1, "no way")
    assert train.wait_s(100.41) is not None
    train.answer(2, 100.42)
    assert train.wait_s(100.42) is None


def test_an_answer_counts_once() -> None:
    train = _all_sent()
    assert train.answer(1, 100.25)
    assert not train.answer(1, 100.26)
    assert train.rtts == {1: pytest.approx(0.05)}


@pytest.mark.parametrize(
    ("number", "at"),
    [
        pytest.param(7, 100.5, id="never sent"),
        pytest.param(0, 102.001, id="too late"),
        pytest.param(2, 100.3, id="before it was sent"),
    ],
)
def test_what_answers_no_packet_of_this_train_does_not_count(number: int, at: float) -> None:
    train = _all_sent()
    assert not train.answer(number, at)
    assert train.rtts == {}


def test_reordered_answers_find_their_packets() -> None:
    train = _all_sent()
    for number, at in ((2, 100.45), (0, 100.50), (1, 100.51)):
        assert train.answer(number, at)
    assert in_order(train.rtts) == pytest.approx([0.5, 0.31, 0.05])


def test_an_answer_is_believed_over_a_refusal() -> None:
    train = _all_sent(1)
    train.refuse(0, "host unreachable")
    assert train.answer(0, 100.1)
    assert not train.refused
    train.refuse(0, "host unreachable")
    assert not train.refused


def test_a_withdrawn_packet_was_not_sent_and_is_not_lost() -> None:
    train = _train(1)
    train.withdraw(train.leave(100.0))
    assert train.sent == {}
    assert train.wait_s(100.0) is None


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"),
    [
        # R: binom::binom.wilson, to six digits
        pytest.param(0, 5, 0.0, 0.434482, id="none of five"),
        pytest.param(5, 5, 0.565518, 1.0, id="all of five"),
        pytest.param(1, 10, 0.017876, 0.404150, id="one of ten"),
        pytest.param(50, 100, 0.403832, 0.596168, id="half of a hundred"),
    ],
)
def test_wilsons_interval_is_the_published_one(hits: int, trials: int, low: float, high: float) -> None:
    assert list(wilson(hits, trials)) == pytest.approx([low, high], abs=1e-6)


@given(trials=st.integers(1, 10_000), data=st.data())
def test_the_interval_holds_the_share_and_stays_a_share(trials: int, data: st.DataObject) -> None:
    received = data.draw(st.integers(0, trials))
    found = loss(trials, received)
    assert 0 <= found.low <= found.ratio <= found.high <= 1
    assert found.low < found.high


def test_the_interval_covers_the_truth_at_its_level() -> None:
    """Exact, over every possible count: the mean coverage of trains of 100 over usual rates is near 95 %."""
    rates = [0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5]
    covered = []
    for rate in rates:
        inside = [n for n in range(101) if wilson(n, 100)[0] <= rate <= wilson(n, 100)[1]]
        covered.append(sum(math.comb(100, n) * rate**n * (1 - rate) ** (100 - n) for n in inside))
    assert min(covered) > 0.91
    assert 0.935 < sum(covered) / len(covered) < 0.97


@given(st.lists(st.floats(0, 10), min_size=1, max_size=20))
def test_the_median_is_the_middle(rtts: list[float]) -> None:
    assert median(rtts) == statistics.median(rtts)


def test_jitter_is_the_mean_step_between_neighbours() -> None:
    assert jitter([0.010, 0.014, 0.012]) == pytest.approx(0.003)


@pytest.mark.parametrize("rtts", [[], [0.01]], ids=["none", "one"])
def test_without_a_neighbour_there_is_no_jitter(rtts: list[float]) -> None:
    assert jitter(rtts) is None


@pytest.mark.parametrize(
    ("left", "fit"),
    [
        pytest.param(10.0, 5, id="ample"),
        pytest.param(2.45, 3, id="for three"),
        pytest.param(2.0, 1, id="just one"),
        pytest.param(1.99, 0, id="not even one"),
    ],
)
def test_only_packets_that_can_be_waited_for_are_sent(left: float, fit: int) -> None:
    assert packets_that_fit(5, 0.2, 2.0, left) == fit


def test_packet_numbers_are_told_as_ranges() -> None:
    assert numbers(dict.fromkeys([5, 0, 1, 2, 7, 8], 0.0)) == "0-2,5,7-8"
    assert numbers({}) == ""
