"""The working calendar: seasons, holidays, days worked for another one, and spans between any two instants."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.inventory.opening import Calendar, calendar_of, date_of, day_of, instant_of

WEEK = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), "07:30-11:30; 13:30-17:00") | {"sun": "closed"}
WINTER = {"schedule": "office", "season_from": "10-16", "season_to": "04-15", "sat": "closed", **WEEK}
SUMMER = {**WINTER, "season_from": "04-16", "season_to": "10-15", "mon": "07:00-11:30; 13:30-17:00"}
ODD = {"schedule": "winter-only", "season_from": "10-16", "season_to": "04-15", "sat": "07:30-11:30", **WEEK}
CALENDAR = calendar_of(
    {"a": WINTER, "b": SUMMER, "c": ODD},
    {
        "2026-11-24": {"kind": "off"}, "2027-02-05": {"kind": "off_provisional"},
        "2026-08-22": {"kind": "working_swap"},
    },
)  # fmt: skip
HOUR_MS = 3_600_000
START = instant_of("2026-11-23 00:00")


def hours(schedule: str, day: str) -> float | None:
    spans = CALENDAR.spans(schedule, instant_of(f"{day} 00:00"), instant_of(f"{day} 00:00") + 24 * HOUR_MS)
    return None if spans is None else sum(end - start for start, end in spans) / HOUR_MS


@pytest.mark.parametrize(
    ("schedule", "day", "open_h"),
    [
        pytest.param("office", "2026-11-23", 7.5, id="a Monday in winter"),
        pytest.param("office", "2026-07-06", 8.0, id="a Monday in summer"),
        pytest.param("office", "2026-11-21", 0.0, id="a Saturday"),
        pytest.param("winter-only", "2026-11-21", 4.0, id="a Saturday with a morning"),
        pytest.param("office", "2026-11-24", 0.0, id="a holiday"),
        pytest.param("office", "2027-02-05", 0.0, id="a holiday that is not yet decided"),
        pytest.param("office", "2026-08-22", 8.0, id="a Saturday worked for another day: as the Monday of its week"),
        pytest.param("winter-only", "2026-07-06", None, id="a season that nobody told"),
        pytest.param("other", "2026-11-23", None, id="a schedule that nobody told"),
    ],
)
def test_an_office_is_open_by_season_and_holiday(schedule: str, day: str, open_h: float | None) -> None:
    assert hours(schedule, day) == open_h


def test_spans_are_cut_at_both_ends() -> None:
    found = CALENDAR.spans("office", instant_of("2026-11-23 10:00"), instant_of("2026-11-25 08:00"))
    assert found == [
        (instant_of("2026-11-23 10:00"), instant_of("2026-11-23 11:30")),
        (instant_of("2026-11-23 13:30"), instant_of("2026-11-23 17:00")),
        (instant_of("2026-11-25 07:30"), instant_of("2026-11-25 08:00")),
    ]


@pytest.mark.parametrize(("moment", "day"), [("2026-11-23 00:00", 23), ("2026-11-23 23:59", 23)])
def test_a_day_is_a_local_day(moment: str, day: int) -> None:
    assert date_of(instant_of(moment)) == date(2026, 11, day)
    assert day_of(instant_of(moment)) == instant_of("2026-11-23 00:00")


@given(st.lists(st.integers(0, 40 * 24 * HOUR_MS), min_size=3, max_size=3).map(sorted))
def test_spans_add_up_wherever_the_time_is_cut(cuts: list[int]) -> None:
    first, middle, last = (START + cut for cut in cuts)

    def open_ms(a: int, b: int) -> int:
        return sum(end - start for start, end in CALENDAR.spans("office", a, b) or ())

    assert open_ms(first, middle) + open_ms(middle, last) == open_ms(first, last)


def test_a_calendar_without_hours_tells_nothing() -> None:
    assert Calendar().spans("", START, START + 1) is None
