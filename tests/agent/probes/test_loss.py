"""Loss as it is told against what nft dropped and counted; the bar with its 200 trains a rate is bench/loss.py."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.losing import ECHO, QUESTIONS, conference_trains, counted, echo_trains, lose, lossy, neighbours
from tests.support.netns import Wire, needs_netns

LATE = 10


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    with lossy() as made:
        yield made


@needs_netns
@pytest.mark.netns
class TestLoss:
    @pytest.mark.parametrize("rate", [0.0, 0.01, 0.05])
    def test_udp_trains_tell_exactly_what_was_dropped(self, wire: Wire, rate: float) -> None:
        lose(wire, QUESTIONS, rate)
        trains = conference_trains(wire, 4, at_once=2)
        truth = counted(wire)
        assert sum(one.sent for one in trains) == truth.seen == 4 * 3 * 125
        assert sum(one.lost_up for one in trains) == truth.dropped
        assert sum(one.lost for one in trains) >= truth.dropped, "what a busy machine answers too late is lost as well"
        # 12 trains of which each holds the truth in 96 of 100 cases: fewer than 7 are a fault
        assert sum(one.holds(rate) for one in trains) >= 7

    @pytest.mark.parametrize("rate", [0.0, 0.05])
    def test_echo_trains_tell_exactly_what_was_dropped(self, wire: Wire, rate: float) -> None:
        lose(wire, ECHO, rate)
        trains = echo_trains(wire, 200)
        truth = counted(wire)
        assert sum(one.sent for one in trains) == truth.seen == 1_000
        assert 0 <= sum(one.lost for one in trains) - truth.dropped <= LATE
        assert sum(one.holds(rate) for one in trains) >= 180

    def test_what_nft_draws_for_one_packet_says_nothing_of_the_next(self, wire: Wire) -> None:
        lose(wire, ECHO, 0.3)
        pairs, both = neighbours(echo_trains(wire, 150, packets=20))
        assert both / pairs == pytest.approx(0.09, abs=0.025)
