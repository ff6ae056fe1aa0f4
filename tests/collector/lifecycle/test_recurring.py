"""Rules by which a planned stop comes again, drawn out in Vietnam's time."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from collector.api import NotAllowed
from collector.lifecycle.recurring import drawn_out

LOCAL = timezone(timedelta(hours=7))
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
SUNDAY = round(datetime(2026, 11, 22, 1, 30, tzinfo=LOCAL).timestamp() * 1000)  # 18:30 UTC on Saturday


def days(rule: str, weeks: int = 4) -> list[str]:
    stops = drawn_out((SUNDAY, SUNDAY + HOUR_MS), rule, SUNDAY + weeks * 7 * DAY_MS)
    assert all(end - start == HOUR_MS for start, end in stops)
    return [datetime.fromtimestamp(start / 1000, LOCAL).strftime("%d.%m %H:%M") for start, _ in stops]


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        pytest.param("weekly", ["22.11 01:30", "29.11 01:30", "06.12 01:30", "13.12 01:30"], id="a word"),
        pytest.param("FREQ=WEEKLY;BYDAY=SU;COUNT=2", ["22.11 01:30", "29.11 01:30"], id="a rule with a count"),
        pytest.param("RRULE:FREQ=WEEKLY;BYDAY=TU;COUNT=1", ["22.11 01:30", "24.11 01:30"], id="the first stays"),
        pytest.param("FREQ=WEEKLY;UNTIL=20261128T183000Z", ["22.11 01:30", "29.11 01:30"], id="an end in UTC"),
        pytest.param("FREQ=MONTHLY;BYDAY=4SU", ["22.11 01:30"], id="the fourth Sunday of a month"),
    ],
)  # fmt: skip
def test_a_rule_is_drawn_out_in_local_time(rule: str, found: list[str]) -> None:
    assert days(rule) == found


@pytest.mark.parametrize(
    ("rule", "weeks", "what"),
    [
        pytest.param("now and then", 4, "is no rule", id="no rule"),
        pytest.param("FREQ=HOURLY", 4, "daily at most", id="too often"),
        pytest.param("FREQ=DAILY;BYMINUTE=1,2,3", 4, "daily at most", id="too often a day"),
        pytest.param("FREQ=DAILY", 60, "more than 400 times", id="too many"),
        pytest.param("FREQ=WEEKLY;BYDAY=XX", 4, "is no rule", id="an unknown day"),
        pytest.param("FREQ=WEEKLY;UNTIL=soon", 4, "is no rule", id="an end that is no moment"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(rule: str, weeks: int, what: str) -> None:
    with pytest.raises(NotAllowed, match=what):
        days(rule, weeks)
