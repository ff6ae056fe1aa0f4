"""From readings to use: wraps, restarts, gaps, and what is left out rather than guessed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.probes.counting import Reading, Use, port_values, too_soon, use_of

PERIOD_S = 300.0
FIRST = Reading("port wan0", 0, 64, 1_000, 2_000, (1, 0, 2, 0), 100e6, True, True)
OLD = replace(FIRST, bits=32, received=2**32 - 1_000, sent=2**32 - 500, speed_bps=20e6)

HALF = replace(FIRST, full_duplex=False)
DUMB = replace(FIRST, up=None, speed_bps=None, full_duplex=None)


def later(first: Reading, seconds: float = PERIOD_S, received: int = 0, sent: int = 0) -> Reading:
    return replace(
        first, at_ms=first.at_ms + round(seconds * 1000), received=(first.received or 0) + received,
        sent=(first.sent or 0) + sent,
    )  # fmt: skip


def told(use: Use) -> dict[str, float]:
    return {value.metric.removeprefix("motcua_line_"): value.value for value in use.values}


def test_the_mean_is_over_the_time_between_two_readings() -> None:
    use = use_of(FIRST, replace(later(FIRST, 300, 37_500_000, 375_000), errors=(1, 3, 2, 4)), PERIOD_S)
    assert told(use) == {"receive_bps": 1e6, "transmit_bps": 1e4, "errors_packets": 7}
    assert use.seconds == 300


def test_an_idle_line_is_measured_and_is_a_zero() -> None:
    assert told(use_of(FIRST, later(FIRST), PERIOD_S)) == {"receive_bps": 0, "transmit_bps": 0, "errors_packets": 0}


@pytest.mark.parametrize(
    ("before", "now", "why"),
    [
        pytest.param(None, FIRST, "first reading", id="the first reading"),
        pytest.param(FIRST, later(FIRST, 0.5), "less than a second", id="at once again"),
        pytest.param(FIRST, later(FIRST, -5), "less than a second", id="a clock that went back"),
        pytest.param(FIRST, later(FIRST, 1_000), "1000 s old", id="a gap"),
        pytest.param(FIRST, replace(later(FIRST), source="port wan1"), "port wan0 that counted", id="another port"),
        pytest.param(FIRST, replace(later(FIRST), since=77), "began anew|started anew", id="a discontinuity"),
        pytest.param(FIRST, later(FIRST, 300, -500, -500), "began anew", id="64 bits never wrap"),
        pytest.param(
            replace(FIRST, uptime=900_000), replace(later(FIRST), uptime=3_000), "started anew", id="a restart"
        ),
        pytest.param(
            OLD, replace(OLD, at_ms=300_000, received=9, sent=9, speed_bps=None), "began anew", id="unknown speed"
        ),
        pytest.param(
            replace(FIRST, bits=32, speed_bps=1e9), replace(later(FIRST, 300, 5, 5), bits=32, speed_bps=1e9),
            "wrap more than once", id="32 bits at a gigabit",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_has_no_mean_and_says_why(before: Reading | None, now: Reading, why: str) -> None:
    use = use_of(before, now, PERIOD_S)
    assert use.values == []
    assert any(word in use.left_out for word in why.split("|"))


def test_a_counter_of_32_bits_wraps_once() -> None:
    now = replace(OLD, at_ms=300_000, received=2_000, sent=1_500)
    assert told(use_of(OLD, now, PERIOD_S)) == {
        "receive_bps": 80.0, "transmit_bps": pytest.approx(2_000 * 8 / 300), "errors_packets": 0,
    }  # fmt: skip


def test_a_wrap_that_the_port_is_too_slow_for_is_a_restart() -> None:
    before = replace(OLD, received=5_000_000, sent=100)
    use = use_of(before, replace(before, at_ms=300_000, received=4_000_000, sent=200), PERIOD_S)
    assert told(use) == {"transmit_bps": pytest.approx(800 / 300), "errors_packets": 0}


def test_sysuptime_that_begins_anew_after_497_days_is_no_restart() -> None:
    before = replace(FIRST, uptime=2**32 - 10_000)
    assert told(use_of(before, replace(later(FIRST, 300, 300), uptime=20_000), PERIOD_S))["receive_bps"] == 8


def test_errors_that_went_back_are_not_told() -> None:
    assert "errors_packets" not in told(use_of(FIRST, replace(later(FIRST), errors=(0, 9, 2, 0)), PERIOD_S))
    assert "errors_packets" not in told(use_of(FIRST, replace(later(FIRST), errors=(None,) * 4), PERIOD_S))


def test_one_direction_alone_is_told_alone() -> None:
    before, now = replace(FIRST, sent=None), replace(later(FIRST, 300, 300), sent=None)
    assert set(told(use_of(before, now, PERIOD_S))) == {"receive_bps", "errors_packets"}


@pytest.mark.parametrize(
    ("reading", "values"),
    [
        pytest.param(FIRST, {"port_bps": 100e6, "port_duplex_ratio": 1.0, "port_up_ratio": 1.0}, id="full duplex"),
        pytest.param(HALF, {"port_bps": 100e6, "port_duplex_ratio": 0.5, "port_up_ratio": 1.0}, id="half duplex"),
        pytest.param(replace(DUMB, up=False), {"port_up_ratio": 0.0}, id="no carrier"),
        pytest.param(DUMB, {}, id="nothing is told"),
    ],
)
def test_what_a_port_does_not_tell_is_left_out(reading: Reading, values: dict[str, float]) -> None:
    assert told(Use(port_values(reading))) == values


def test_a_reading_at_once_again_does_not_take_the_place_of_the_one_before() -> None:
    assert too_soon(FIRST, later(FIRST, 0.9))
    assert not too_soon(FIRST, later(FIRST, 1.1))
    assert not too_soon(FIRST, replace(later(FIRST, 0.1), source="port wan1"))
    assert not too_soon(None, FIRST)


counters = st.integers(0, 2**64 - 1)


@given(
    st.builds(Reading, st.just("x"), st.integers(0, 10**9), st.sampled_from([32, 64]), counters, counters,
              speed_bps=st.sampled_from([None, 10e6, 100e6, 1e9]), uptime=st.none() | st.integers(0, 2**32)),
    st.builds(Reading, st.just("x"), st.integers(0, 10**9), st.sampled_from([32, 64]), counters, counters,
              speed_bps=st.sampled_from([None, 10e6, 100e6, 1e9]), uptime=st.none() | st.integers(0, 2**32)),
)  # fmt: skip
def test_whatever_counters_say_no_use_is_negative_and_none_is_made_up(before: Reading, now: Reading) -> None:
    use = use_of(before, now, PERIOD_S)
    assert all(value.value >= 0 for value in use.values)
    assert bool(use.values) != bool(use.left_out)
