"""What is found of lines over days, from what history keeps to what the judge tells, on both databases."""

from __future__ import annotations

from itertools import permutations
from random import Random

import pytest
from sqlalchemy import func, select

from collector.history.buckets import DAY_MS, start_of
from collector.history.keeping import History
from collector.hub import Hub
from collector.judging.lines import SETTLE_MS, LineFindings
from collector.judging.loop import Judge
from collector.reading.reader import HubReader
from collector.store.line_tables import finding, line_due, line_test, use_week
from tests.support.handclock import HandClock
from tests.support.lined import declare, line, speed_test, use
from tests.support.measured import CENTRE, LAN, LINE, T0, every, ms
from tests.support.town import Town

HOUR = 3_600.0
Told = list[tuple[float, str, str | None]]


@pytest.fixture
def town(hub: Hub, clock: HandClock) -> Town:
    made = Town(hub)
    made.settle()
    clock.wall = ms(0)
    declare(hub, "lines", {"00000-1/a": line()})
    return made


class Collector:
    """The loops that judge, in one hand."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.judge, self.history, self.lines = Judge(hub), History(hub), LineFindings(hub)

    def settle(self) -> None:
        for _ in range(2):  # findings are judged in the turn after they were recorded
            for loop in (self.judge, self.history, self.lines):
                while loop.step() == 0:
                    pass
        self.judge.step()

    def told(self, key: str = LINE) -> Told:
        flips = HubReader(self.hub).intervals([key], ms(0), self.hub.clock.wall_ms())[key]
        return [((one.from_ms - T0) / 1000, one.state, one.reason) for one in flips]

    def count(self) -> int:
        with self.hub.store.reading() as conn:
            return conn.scalar(select(func.count()).select_from(finding)) or 0


def trains(town: Town, hours: int) -> None:
    """A minute of good trains every hour: what lies between is stale, and that is no matter here."""
    town.hear(ms(hours * HOUR), since_ms=ms(0))
    for hour in range(hours):
        seconds = [hour * HOUR + 10 * n for n in range(6)]
        town.send([*every(seconds, LAN, target="gateway"), *every([s + 5 for s in seconds], LINE)])


def alive(town: Town, first: float, last: float) -> None:
    """Good trains from second to second."""
    town.hear(ms(last), since_ms=ms(first))
    seconds = [first + 10 * n for n in range(int((last - first) / 10) + 1)]
    for n in range(0, len(seconds), 200):
        town.send([*every(seconds[n : n + 200], LAN, target="gateway"), *every(seconds[n : n + 200], LINE)])


def test_three_valid_tests_in_a_row_below_the_contract_and_one_that_is_not(
    hub: Hub, town: Town, clock: HandClock
) -> None:
    alive(town, 0, 3_000)
    stamps = [(100, 70, "valid"), (500, 30, "contaminated"), (900, 60, "valid"), (1_300, 0, "line_busy")]
    stamps += [(1_700, 75, "valid"), (2_100, 95, "cpu_bound"), (2_500, 90, "valid")]
    town.send([speed_test(second, megabits, stamp=stamp) for second, megabits, stamp in stamps])
    clock.wall = ms(3_000)
    it = Collector(hub)
    it.settle()
    assert it.told() == [(0.0, "ok", None), (1_700.0, "degraded", "below_contract"), (2_500.0, "ok", None)]
    flip = next(f for f in HubReader(hub).flips_of(LINE) if f.to == "degraded")
    assert (flip.detail["value"], flip.detail["limit"], flip.detail["direction"]) == (70e6, 80e6, "download")
    assert [HubReader(hub).observation(key).at_ms for key in flip.evidence] == [ms(1_700), ms(900), ms(100)]
    assert it.told(CENTRE)[1][1:] == ("degraded", "own_fault")


TESTS = [(100, 70.0), (600, 70.0), (1_100, 70.0), (1_600, 70.0), (2_100, 90.0), (2_600, 70.0)]
ORDERS = [list(order) for order in Random(4).sample(list(permutations(range(len(TESTS)))), 5)]


@pytest.mark.parametrize("order", [pytest.param(one, id="".join(map(str, one))) for one in ORDERS])
def test_tests_that_come_in_any_order_are_told_the_same(
    hub: Hub, town: Town, clock: HandClock, order: list[int]
) -> None:
    alive(town, 0, 3_000)
    it = Collector(hub)
    clock.wall = ms(3_000)
    for n in order:
        town.send([speed_test(*TESTS[n])])
        it.settle()
    assert it.told() == [(0.0, "ok", None), (1_100.0, "degraded", "below_contract"), (2_100.0, "ok", None)]


def test_what_is_looked_at_again_writes_nothing(hub: Hub, town: Town, clock: HandClock) -> None:
    alive(town, 0, 600)
    town.send([speed_test(s, 10) for s in (100, 200, 300)])
    clock.wall = ms(600)
    it = Collector(hub)
    it.settle()
    before, told = it.count(), it.told()
    assert before == 1
    hub.store.ts_writer.do(lambda conn: conn.execute(
        line_due.insert().values(kind="test", at_ms=ms(100), subject=LINE, touched=1)
    ))  # fmt: skip
    it.settle()
    assert (it.count(), it.told()) == (before, told)
    with hub.store.reading_ts() as conn:
        assert conn.scalar(select(func.count()).select_from(line_due)) == 0


def test_a_figure_of_zero_or_of_an_unsure_clock_is_no_test(hub: Hub, town: Town, clock: HandClock) -> None:
    town.send([speed_test(100, 0), speed_test(200, 50)])
    clock.wall = ms(300)
    Collector(hub).settle()
    with hub.store.reading_ts() as conn:
        rows = conn.execute(select(line_test.c.at_ms, line_test.c.download_bps).order_by(line_test.c.at_ms)).all()
    assert [tuple(row) for row in rows] == [(ms(100), None), (ms(200), 50e6)]


# --- use over seven days --------------------------------------------------------------------------------------------

MIDNIGHT = start_of(T0, DAY_MS) + DAY_MS
"""The first of the days."""


def day_of_use(town: Town, day: int, *, full: int, turns: int = 288) -> None:
    """A local day of 5-minute samples, of which `full` are over the limit towards the centre."""
    start = MIDNIGHT + day * DAY_MS
    facts = [use(start + n * 300_000, 95e6 if n < full else 10e6, 1e6) for n in range(turns)]
    town.send(facts, received_ms=start + DAY_MS)


def seconds(day: float) -> float:
    return (MIDNIGHT + day * DAY_MS - T0) / 1000


def test_a_line_is_full_after_seven_days_and_no_longer_after_the_first_week_that_is_not(
    hub: Hub, town: Town, clock: HandClock
) -> None:
    it = Collector(hub)
    alive(town, seconds(7) - 600, seconds(7) + 2_000)
    for day in range(7):
        day_of_use(town, day, full=72 if day == 6 else 5)  # 102 of 2016: more than a twentieth
    clock.wall = MIDNIGHT + 7 * DAY_MS + SETTLE_MS
    it.settle()
    assert it.told()[-1] == (seconds(7), "degraded", "line_full")
    flip = HubReader(hub).flips_of(LINE)[0]
    assert (flip.detail["value"], flip.detail["limit"], flip.detail["days"]) == (95e6, 90e6, 7)
    for day in range(7, 9):
        day_of_use(town, day, full=0)
    alive(town, seconds(9) - 600, seconds(9) + 2_000)
    clock.wall = MIDNIGHT + 9 * DAY_MS + SETTLE_MS
    it.settle()
    with hub.store.reading() as conn:
        held = conn.execute(select(finding).order_by(finding.c.id.desc())).first()
    assert held is not None
    # A day later it is 97 of 2016.
    assert (held.from_ms, held.to_ms) == (MIDNIGHT + 7 * DAY_MS, MIDNIGHT + 8 * DAY_MS)
    assert it.told()[-1][1:] == ("ok", None)


def test_late_days_are_judged_again(hub: Hub, town: Town, clock: HandClock) -> None:
    it = Collector(hub)
    for day in (0, 1, 2, 5, 6):
        day_of_use(town, day, full=40)
    clock.wall = MIDNIGHT + 7 * DAY_MS + SETTLE_MS
    it.settle()
    assert it.count() == 0  # five of seven days are 71 %: nothing is concluded
    day_of_use(town, 3, full=40)
    it.settle()
    assert it.count() == 1
    with hub.store.reading_ts() as conn:
        weeks = {row.day_ms: row.samples for row in conn.execute(select(use_week))}
    assert weeks[MIDNIGHT + 6 * DAY_MS] == 6 * 288


def test_a_line_of_which_nothing_comes_any_more_is_no_longer_full(hub: Hub, town: Town, clock: HandClock) -> None:
    it = Collector(hub)
    for day in range(7):
        day_of_use(town, day, full=288)
    for day in range(7, 10):
        clock.wall = MIDNIGHT + day * DAY_MS + SETTLE_MS
        it.settle()
    with hub.store.reading() as conn:
        held = conn.execute(select(finding.c.from_ms, finding.c.to_ms).order_by(finding.c.id.desc())).first()
    assert held is not None
    # Six days of seven are enough to say so, and five are not.
    assert tuple(held) == (MIDNIGHT + 6 * DAY_MS, MIDNIGHT + 9 * DAY_MS)


def test_what_was_told_between_is_told_anew_when_a_finding_comes_late(hub: Hub, town: Town, clock: HandClock) -> None:
    alive(town, 1_000, 4_000)
    alive(town, 6_000, 9_000)
    it = Collector(hub)
    clock.wall = ms(9_000)
    it.settle()
    town.send([speed_test(s, 10) for s in (100, 200, 300)])
    it.settle()
    assert [one for one in it.told() if one[1] == "ok"] == []
    assert [one[1:] for one in it.told()].count(("degraded", "below_contract")) == 2


# --- what cannot be measured ----------------------------------------------------------------------------------------


def test_a_line_that_nothing_can_send_by_says_so_until_the_inventory_tells_how(
    hub: Hub, town: Town, clock: HandClock
) -> None:
    it = Collector(hub)
    clock.wall = ms(100)
    declare(hub, "lines", {"00000-1/b": line(reach_by="none")}, ms(100))
    town.hear(ms(100), since_ms=ms(0))
    town.send([*every(range(0, 100, 10), LAN, target="gateway"), *every(range(0, 100, 10), LINE)])
    it.settle()
    spare = "line:00000-1/b"
    standing = HubReader(hub).standings("00000-1")
    assert (standing[spare].state, standing[spare].reason) == ("unknown", "not_measurable")
    assert standing[CENTRE].state == "ok"
    clock.wall = ms(200)
    declare(hub, "lines", {"00000-1/b": line(reach_by="interface:eth1")}, ms(200))
    it.settle()
    assert HubReader(hub).standings("00000-1")[spare].reason == "never_measured"
