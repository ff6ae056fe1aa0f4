"""The schedule: a real APScheduler, and a clock that is set, stopped and put to sleep under it."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.counts import Counts
from agent.work.guard import Guard
from agent.work.schedule import FIRST_SOON_S, FIRST_WITHIN_S, Grid, Schedule, Ticks
from tests.support.clock import FakeClock
from wire.messages import PlanItem

DAY_S = 86_400


def item(key: str = "a", *, period_s: float = 10, target: str = "192.0.2.1") -> PlanItem:
    return PlanItem(key, "lan:07375-1", "reach", target, period_s, 2)


class Seen:
    """What was due, and a way to wait for it."""

    def __init__(self) -> None:
        self.items: list[PlanItem] = []
        self._some = threading.Condition()

    def __call__(self, due: PlanItem) -> None:
        with self._some:
            self.items.append(due)
            self._some.notify_all()

    def within(self, count: int, seconds: float) -> bool:
        with self._some:
            return self._some.wait_for(lambda: len(self.items) >= count, seconds)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
def schedule(clock: FakeClock, seen: Seen) -> Iterator[Schedule]:
    made = Schedule(clock, seen, random.Random(1))
    made.start()
    yield made
    made.stop()


def guard(clock: FakeClock, schedule: Schedule, counts: Counts | None = None) -> Guard:
    return Guard(clock, wake=schedule.wake, counts=counts or Counts(), awake_ms=clock.awake_ms)


@pytest.mark.parametrize("step_s", [-DAY_S, DAY_S, -4_000 * DAY_S, 27_000 * DAY_S], ids=["back", "on", "1995", "2100"])
def test_measuring_goes_on_as_before_when_the_wall_clock_steps(
    clock: FakeClock, seen: Seen, schedule: Schedule, step_s: float
) -> None:
    counts = Counts()
    watching = guard(clock, schedule, counts)
    schedule.apply([item()])
    for n in range(1, 4):
        clock.step_wall(step_s if n == 2 else 0)
        clock.advance(10.6)
        watching.tick()
        schedule.wake()
        assert seen.within(n, 10), f"silent after {len(seen.items)} runs"
        assert not seen.within(n + 1, 0.1), "a stampede"
    assert counts.get("clock_steps") == 1


def test_apscheduler_on_the_wall_clock_would_be_silent(
    clock: FakeClock, seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: with the zone that everybody uses, the test above fails."""
    monkeypatch.setattr(Ticks, "fromutc", lambda zone, _dt: datetime.fromtimestamp(clock.wall / 1000, zone.wall))
    monkeypatch.setattr(Ticks, "wall", UTC, raising=False)
    monkeypatch.setattr(Ticks, "at", lambda _zone, ms: datetime.fromtimestamp(ms / 1000, UTC))
    schedule = Schedule(clock, seen, random.Random(1))
    schedule.start()
    schedule.apply([item()])
    clock.advance(10.6)
    schedule.wake()
    assert seen.within(1, 10)
    clock.step_wall(-DAY_S)
    clock.advance(60)
    schedule.wake()
    assert not seen.within(2, 0.3)
    schedule.stop()


@pytest.mark.parametrize(
    ("planned", "runs"),
    [
        pytest.param(item(period_s=3_600), 1, id="once, besides its rhythm"),
        pytest.param(item("b", period_s=3_600), 0, id="it left the plan"),
        pytest.param(item(period_s=3_600, target="192.0.2.9"), 0, id="the plan has another by that name"),
    ],
)
def test_an_item_may_be_due_once_more_soon(
    clock: FakeClock, seen: Seen, schedule: Schedule, planned: PlanItem, runs: int
) -> None:
    asked = item(period_s=3_600)
    schedule.apply([asked])
    schedule.soon(asked, 10)
    schedule.soon(asked, 10)
    schedule.apply([planned])
    clock.advance(9.9)
    schedule.wake()
    assert not seen.within(1, 0.1)
    clock.advance(0.2)
    schedule.wake()
    assert seen.within(1, 10 if runs else 0.1) == bool(runs)
    assert not seen.within(2, 0.1)


def test_after_a_suspend_there_is_one_catch_up_and_then_the_old_rhythm(
    clock: FakeClock, seen: Seen, schedule: Schedule
) -> None:
    counts = Counts()
    watching = guard(clock, schedule, counts)
    schedule.apply([item()])
    clock.advance(10.6)
    watching.tick()
    schedule.wake()
    assert seen.within(1, 10)
    clock.suspend(3 * DAY_S)
    assert not seen.within(2, 0.1), "the scheduler sleeps on: that is what the guard is for"
    watching.tick()
    assert seen.within(2, 10)
    assert not seen.within(3, 0.2), "what was missed is made up for once"
    clock.advance(10.6)
    schedule.wake()
    assert seen.within(3, 10)
    assert (counts.get("suspends"), counts.get("clock_steps")) == (1, 0)


@pytest.mark.parametrize(
    ("act", "steps", "suspends"),
    [
        pytest.param(lambda c: c.advance(1), 0, 0, id="a second"),
        pytest.param(lambda c: c.advance(90), 0, 0, id="a busy machine"),
        pytest.param(lambda c: c.step_wall(1.5), 0, 0, id="a slew of ntp"),
        pytest.param(lambda c: c.step_wall(2.5), 1, 0, id="a step"),
        pytest.param(lambda c: c.step_wall(-2.5), 1, 0, id="a step back"),
        pytest.param(lambda c: c.suspend(60), 0, 1, id="a suspend"),
    ],
)
def test_the_guard_tells_steps_from_sleep(clock: FakeClock, act: object, steps: int, suspends: int) -> None:
    woken, counts = list[bool](), Counts()
    watching = Guard(clock, wake=lambda: woken.append(True), counts=counts, awake_ms=clock.awake_ms)
    assert callable(act)
    act(clock)
    watching.tick()
    watching.tick()
    assert (counts.get("clock_steps"), counts.get("suspends")) == (steps, suspends)
    assert len(woken) == steps + suspends


def test_a_new_plan_leaves_alone_what_did_not_change(clock: FakeClock, seen: Seen, schedule: Schedule) -> None:
    schedule.apply([item("a"), item("b"), item("c")])
    rhythm = {j.id: j.next_run_time for j in schedule._scheduler.get_jobs()}
    schedule.apply([item("a"), item("b", target="192.0.2.2"), item("d")])
    after = {j.id: j.next_run_time for j in schedule._scheduler.get_jobs()}
    assert sorted(after) == ["a", "b", "d"]
    assert after["a"] == rhythm["a"]
    assert after["b"] != rhythm["b"]
    found = schedule.item("b")
    assert found is not None
    assert found.target == "192.0.2.2"
    assert schedule.item("c") is None


def test_agents_that_start_together_do_not_ask_together(clock: FakeClock, seen: Seen, schedule: Schedule) -> None:
    schedule.apply([item(f"i{n}", period_s=300) for n in range(300)])
    seconds = {int(j.next_run_time.timestamp()) for j in schedule._scheduler.get_jobs()}
    assert len(seconds) > 150


@given(
    period_s=st.floats(1, DAY_S),
    seed=st.integers(0, 2**32),
    start_ms=st.integers(0, 10**10),
    late_s=st.floats(0, 0.9),
)
def test_due_moments_keep_their_mean_and_never_come_twice(
    period_s: float, seed: int, start_ms: int, late_s: float
) -> None:
    clock = FakeClock(mono_ms=start_ms)
    zone, chance = Ticks(clock), random.Random(seed)
    phase_s = start_ms / 1000 + chance.uniform(0, period_s)
    grid = Grid(zone, period_s=period_s, phase_s=phase_s, chance=chance)
    fired = [grid.get_next_fire_time(None, zone.at(start_ms))]
    for _ in range(50):
        fired.append(grid.get_next_fire_time(fired[-1], fired[-1] + timedelta(seconds=late_s * period_s)))
    gaps = [(b - a).total_seconds() for a, b in pairwise(fired)]
    assert min(gaps) >= period_s * 0.94 - 0.002
    assert max(gaps) <= period_s * 1.06 + 0.002
    assert abs(sum(gaps) / 50 - period_s) <= period_s * 0.05 / 50 + 0.001


@pytest.mark.parametrize(
    ("period_s", "within_s"),
    [(DAY_S, FIRST_WITHIN_S + 6), (300, FIRST_WITHIN_S + 6), (60, FIRST_SOON_S + 4), (1, 2)],
    ids=["once a day", "a national service", "every minute", "every second"],
)
def test_the_first_run_comes_soon(clock: FakeClock, schedule: Schedule, period_s: float, within_s: float) -> None:
    schedule.apply([item(f"i{n}", period_s=period_s) for n in range(50)])
    due_s = [job.next_run_time.timestamp() - clock.mono / 1000 for job in schedule._scheduler.get_jobs()]
    assert 0 <= min(due_s) <= max(due_s) <= within_s


@pytest.mark.parametrize("period_s", [60, 300, 2_479], ids=["a minute", "a national service", "stretched"])
def test_what_all_agents_share_begins_anywhere_in_its_period_so_that_no_plan_comes_to_all_at_once(
    clock: FakeClock, schedule: Schedule, period_s: float
) -> None:
    shared = [PlanItem(f"s{n}", f"service:s{n}@07375-1", "service", "https://x", period_s, 9) for n in range(50)]
    schedule.apply(shared)
    due_s = sorted(job.next_run_time.timestamp() - clock.mono / 1000 for job in schedule._scheduler.get_jobs())
    assert due_s[-1] <= period_s + 6
    assert due_s[10] > period_s / 20
    assert due_s[39] > period_s / 2


def test_the_lines_of_a_province_take_turns_over_the_whole_minute(clock: FakeClock, schedule: Schedule) -> None:
    schedule.apply([item(f"i{n}", period_s=60) for n in range(460)])
    seconds = [int(j.next_run_time.timestamp() - clock.mono / 1000) for j in schedule._scheduler.get_jobs()]
    fullest = max(seconds.count(second) for second in seconds)
    assert max(seconds) > 50
    assert fullest < 25, "in the mean it is eight"
