"""Moments on Vietnam's wall clock, whatever the machine's own."""

from __future__ import annotations

import pytest

from dashboards.board.times import ago, clock, iso, minute, stamp
from dashboards.board.words import catalogue
from tests.support.reader_double import DAY_MS, NOW_MS


def test_a_moment_of_today_is_told_without_its_date() -> None:
    assert (clock(NOW_MS), minute(NOW_MS, NOW_MS), stamp(NOW_MS, NOW_MS)) == ("09:14:05", "09:14", "09:14:05")


def test_a_moment_of_another_day_brings_its_date() -> None:
    assert minute(NOW_MS - DAY_MS, NOW_MS) == "09:14 20/11"
    assert stamp(NOW_MS - DAY_MS, NOW_MS) == "20/11/2026 09:14:05"


def test_the_day_changes_at_midnight_in_vietnam() -> None:
    midnight_utc = NOW_MS - NOW_MS % DAY_MS
    assert minute(midnight_utc, NOW_MS) == "07:00"


def test_machines_read_the_offset() -> None:
    assert iso(NOW_MS) == "2026-11-21T09:14:05.000+07:00"


@pytest.mark.parametrize(
    ("before_ms", "vi", "en"),
    [
        pytest.param(33 * 60_000, "33 phút trước", "33 minutes ago", id="past"),
        pytest.param(-5_000, "0 giây trước", "0 seconds ago", id="ahead of us counts as now"),
    ],
)
def test_how_long_ago(before_ms: int, vi: str, en: str) -> None:
    said = tuple(ago(NOW_MS - before_ms, NOW_MS, catalogue(lang)) for lang in ("vi", "en"))
    assert said == (vi, en)
