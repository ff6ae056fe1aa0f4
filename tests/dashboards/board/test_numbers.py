"""Figures as people write them in both languages."""

from __future__ import annotations

import math

import pytest

from dashboards.board.numbers import MISSING, number, percent, quantity, rate, seconds, size, span
from dashboards.board.words import Lang, catalogue

VI, EN = catalogue("vi"), catalogue("en")


def plain(text: str) -> str:
    """Non-breaking spaces as ~ so that a table shows them."""
    return text.replace("\u00a0", "~")


@pytest.mark.parametrize(
    ("ratio", "lang", "said"),
    [
        pytest.param(0.0, "vi", "0~%", id="nothing"),
        pytest.param(0.002, "vi", "0,2~%", id="decimal comma"),
        pytest.param(0.002, "en", "0.2~%", id="decimal point"),
        pytest.param(0.63, "vi", "63~%", id="no false precision"),
        pytest.param(1.0, "vi", "100~%", id="all"),
        pytest.param(0.0001, "vi", "<~0,1~%", id="not quite nothing"),
        pytest.param(0.9999, "vi", ">~99,9~%", id="not quite all"),
        pytest.param(0.996, "vi", "99,6~%", id="near all"),
    ],
)
def test_a_share_is_written_as_per_cent(ratio: float, lang: Lang, said: str) -> None:
    assert plain(percent(ratio, lang)) == said


@pytest.mark.parametrize(
    ("value", "lang", "said"),
    [
        pytest.param(0.0094, "vi", "9,4~ms", id="milliseconds"),
        pytest.param(0.048, "vi", "48~ms", id="tens of milliseconds"),
        pytest.param(0.0, "vi", "0~ms", id="zero"),
        pytest.param(0.00003, "vi", "0,03~ms", id="a loopback's jitter is not nothing"),
        pytest.param(1.304, "vi", "1,3~s", id="seconds"),
        pytest.param(11.24, "en", "11.2~s", id="many seconds"),
        pytest.param(-0.012, "en", "−12~ms", id="a clock behind"),
    ],
)
def test_short_durations_take_the_unit_that_fits(value: float, lang: Lang, said: str) -> None:
    assert plain(seconds(value, lang)) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(size(94.7e9, "vi"), "94,7~GB", id="disk"),
        pytest.param(size(999, "vi"), "999~B", id="bytes"),
        pytest.param(rate(100e6, "vi"), "100~Mb/s", id="line"),
        pytest.param(number(142_560, 0, "vi"), "142.560", id="thousands vi"),
        pytest.param(number(142_560, 0, "en"), "142,560", id="thousands en"),
        pytest.param(number(-0.001, 1, "vi"), "0", id="no minus zero"),
    ],
)
def test_quantities_are_scaled_and_grouped(text: str, said: str) -> None:
    assert plain(text) == said


@pytest.mark.parametrize(
    ("length_s", "vi", "en"),
    [
        pytest.param(0, "0 giây", "0 seconds", id="none"),
        pytest.param(1, "1 giây", "1 second", id="second"),
        pytest.param(60, "1 phút", "1 minute", id="minute"),
        pytest.param(1980, "33 phút", "33 minutes", id="minutes"),
        pytest.param(7860, "2 giờ 11 phút", "2 hours 11 minutes", id="hours"),
        pytest.param(3600, "1 giờ", "1 hour", id="hour"),
        pytest.param(273_600, "3 ngày 4 giờ", "3 days 4 hours", id="days"),
        pytest.param(259_260, "3 ngày", "3 days", id="hours left out are not skipped to minutes"),
    ],
)
def test_long_durations_are_told_in_their_two_largest_parts(length_s: float, vi: str, en: str) -> None:
    assert (span(length_s, VI), span(length_s, EN)) == (vi, en)


@pytest.mark.parametrize(
    ("metric", "value", "said"),
    [
        pytest.param("motcua_device_cpu_ratio", 0.12, "12~%", id="ratio"),
        pytest.param("motcua_device_uptime_seconds", 273_600.0, "3 ngày 4 giờ", id="uptime"),
        pytest.param("motcua_device_temperature_celsius", 47.5, "47,5~°C", id="temperature"),
        pytest.param("motcua_device_battery_plugged", 1.0, "có", id="yes"),
        pytest.param("motcua_device_battery_plugged", 0.0, "không", id="no"),
        pytest.param("motcua_device_network_speed_bps", 1e9, "1~Gb/s", id="port"),
        pytest.param("motcua_lan_sent_packets", 5.0, "5 gói", id="packets"),
        pytest.param("motcua_agent_dropped_count", 1234.0, "1.234", id="count"),
        pytest.param("motcua_device_cpu_ratio", None, MISSING, id="missing is no zero"),
        pytest.param("motcua_device_cpu_ratio", math.nan, MISSING, id="not a number is missing"),
    ],
)
def test_a_metric_is_written_in_the_unit_its_name_ends_with(metric: str, value: float | None, said: str) -> None:
    assert plain(quantity(metric, value, VI)) == said
