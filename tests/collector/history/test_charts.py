"""History asked: from raw or a roll-up by the span, the same figures either way, and a coverage that is honest."""

from __future__ import annotations

import pytest

from collector.api import Series
from collector.history.buckets import DAY, HOUR, QUARTER, TIERS, Tier, day_start, day_text
from collector.history.charts import choose
from collector.hub import Hub
from collector.reading.reader import HubReader
from tests.support.handclock import HandClock
from tests.support.measured import DEVICE, T0
from tests.support.rolled import CPU, Mill
from tests.support.town import Town

HOUR_MS, DAY_MS = 3_600_000, 86_400_000


@pytest.fixture
def mill(hub: Hub, clock: HandClock) -> Mill:
    """Nine days of a device that reports every ten minutes, where the plan asks for one a minute; the tenth begins."""
    town = Town(hub)
    town.settle()
    clock.wall = T0
    made = Mill(hub, town, clock)
    for day in range(9):
        made.send([(day * DAY_MS + n * 600_000, float(n % 6)) for n in range(144)])
        clock.forward(DAY_MS)
        made.turn()
    made.rest()
    return made


def ask(mill: Mill, from_ms: int, to_ms: int, points: int = 288) -> Series:
    [series] = HubReader(mill.hub).history(DEVICE, [CPU], from_ms, to_ms, points)
    return series


@pytest.mark.parametrize(
    ("back_days", "points", "resolution_s"),
    [
        pytest.param(1, 288, 300, id="a day from raw"),
        pytest.param(8.9, 2_000, 900, id="beyond raw as fine as there is"),
        pytest.param(8, 288, 3_600, id="eight days by the hour"),
        pytest.param(30, 400, 7_200, id="a month by two hours"),
        pytest.param(90, 288, 43_200, id="ninety days by the half-day"),
        pytest.param(365, 288, 2 * 86_400, id="a year by two days"),
    ],
)
def test_every_span_tells_the_same_samples(mill: Mill, back_days: float, points: int, resolution_s: float) -> None:
    now = mill.clock.wall
    series = ask(mill, round(now - back_days * DAY_MS), now, points)
    assert series.resolution_s == resolution_s
    first = max(T0, now - round(back_days * DAY_MS))
    sent = [at for at in range(T0, T0 + 9 * DAY_MS, 600_000) if at >= first]
    assert abs(sum(p.count for p in series.points) - len(sent)) <= 144  # whole buckets at the left edge
    assert {(p.min, p.max) for p in series.points[1:-1] if p.count >= 6} <= {(0.0, 5.0)}
    assert sum(p.avg * p.count for p in series.points) / sum(p.count for p in series.points) == pytest.approx(2.5, 0.02)
    assert [p.at_ms for p in series.points] == sorted({p.at_ms for p in series.points})


@pytest.mark.parametrize("back_days", [1, 8, 30, 365])
def test_coverage_is_as_honest_from_roll_ups_as_from_raw(mill: Mill, back_days: int) -> None:
    now = mill.clock.wall
    covered = ask(mill, now - back_days * DAY_MS, now).coverage
    planned_minutes = {1: 1_440, 8: 8 * 1_440, 30: 30 * 1_440, 365: 365 * 1_440}[back_days]
    silent_minutes = (now - T0 - 9 * DAY_MS) / 60_000
    arrived = min(back_days * 1_440 - silent_minutes, 9 * 1_440) / 10
    since_plan = (now - 1_735_689_600_000) / 60_000  # the plan of the town is in force since then
    # A chart of two-day buckets begins up to two days earlier, and says what it covers.
    assert covered == pytest.approx(arrived / min(planned_minutes, since_plan), rel=0.05)


def test_what_is_not_rolled_up_yet_is_in_every_chart(mill: Mill) -> None:
    now = mill.clock.wall
    before = sum(p.count for p in ask(mill, now - 30 * DAY_MS, now).points)
    mill.send([(now - T0 - 1_000, 9.0), (now - T0 - 5 * HOUR_MS + 1_000, 7.0)])
    mill.turn()
    series = ask(mill, now - 30 * DAY_MS, now)
    assert sum(p.count for p in series.points) == before + 2
    assert series.points[-1].max == 9.0


def test_days_are_told_with_their_quantiles(mill: Mill) -> None:
    reader = HubReader(mill.hub)
    days = reader.daily(DEVICE, CPU, "2025-11-22", "2025-11-24")
    assert [(d.day, d.count, d.min, d.avg, d.max, d.p50, d.p95, d.exact) for d in days] == [
        (day, 144, 0.0, 2.5, 5.0, 2.0, 5.0, True) for day in ("2025-11-22", "2025-11-23", "2025-11-24")
    ]
    assert reader.daily(DEVICE, CPU, "2026-11-22", "2026-11-24") == []
    with pytest.raises(ValueError, match="isoformat"):
        reader.daily(DEVICE, CPU, "yesterday", "2025-11-24")


# --- choosing -------------------------------------------------------------------------------------------------------

EDGES: dict[Tier, int] = {QUARTER: 60 * DAY_MS - 7 * HOUR_MS, HOUR: 30 * DAY_MS - 7 * HOUR_MS, DAY: 0}


@pytest.mark.parametrize(
    ("width", "from_day", "whole_day", "tier", "told"),
    [
        pytest.param(300_000, 95, 90, None, 300_000, id="raw"),
        pytest.param(300_000, 80, 90, QUARTER, 900_000, id="raw is gone"),
        pytest.param(300_000, 50, 90, HOUR, HOUR_MS, id="quarters are gone too"),
        pytest.param(300_000, 20, 90, DAY, DAY_MS, id="only days are left"),
        pytest.param(1_800_000, 95, 90, QUARTER, 1_800_000, id="quarters though raw is there"),
        pytest.param(7_200_000, 95, 90, HOUR, 7_200_000, id="hours"),
        pytest.param(2 * DAY_MS, 95, 90, DAY, 2 * DAY_MS, id="days"),
    ],
)
def test_the_source_is_the_coarsest_that_is_fine_enough_and_reaches_back(
    width: int, from_day: int, whole_day: int, tier: Tier | None, told: int
) -> None:
    window = choose(width, from_day * DAY_MS, 100 * DAY_MS, whole_ms=whole_day * DAY_MS, edges=EDGES)
    assert (window.tier, window.width_ms) == (tier, told)
    assert window.from_ms <= from_day * DAY_MS
    assert window.to_ms >= 100 * DAY_MS


def test_days_begin_at_midnight_in_vietnam() -> None:
    assert day_text(day_start("2025-11-21")) == "2025-11-21"
    assert day_start("2025-11-21") == 1_763_658_000_000  # 2025-11-20 17:00 UTC
    assert [tier.width_ms for tier in TIERS] == [900_000, HOUR_MS, DAY_MS]
