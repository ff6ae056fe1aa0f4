"""A run whose turn has not come: started again by the clock that nobody sets, told once, and not for ever."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.context import Facts
from agent.counts import Counts
from agent.probes import Again
from agent.work.later import MAX_ASKS, Later, Run, planned_until
from agent.work.runner import Runner
from agent.work.workers import Workers
from tests.support.clock import FakeClock
from tests.support.turn_probe import probe
from wire.client import Unreachable
from wire.messages import Lease, LeaseAnswer, LeaseAsk, Observation, PlanItem

ITEM = PlanItem("a", "line:07375-1/a", "bandwidth", "province", 86_400, 75)
HOUR_S = 3_600.0
GRANTED = Lease("l1", "https://measure.example", "t", 0.0, 60.0, 10**9, 30.0)


class Collector:
    """Grants the lease once its answers are used up; None: it is away."""

    def __init__(self, *answers: float | None) -> None:
        self.answers, self.asked = list(answers), list[LeaseAsk]()

    def ask(self, word: LeaseAsk) -> LeaseAnswer:
        self.asked.append(word)
        again_s = self.answers.pop(0) if self.answers else 0.0
        if again_s is None:
            raise Unreachable("refused", "nobody is there")
        return LeaseAnswer(GRANTED) if again_s == 0 else LeaseAnswer(why="window", again_s=again_s)


class Stage:
    """A runner, a collector to ask, and what came out of it."""

    def __init__(self, *answers: float | None) -> None:
        self.clock, self.counts, self.came = FakeClock(), Counts(), list[Observation]()
        self.collector, self._some = Collector(*answers), threading.Condition()
        self.runner = Runner(
            clock=self.clock, workers=Workers(2), load=lambda _name: probe, facts=lambda: Facts("192.0.2.9"),
            sink=self._take, counts=self.counts, lease=self.collector.ask,
        )  # fmt: skip

    def _take(self, o: Observation) -> None:
        with self._some:
            self.came.append(o)
            self._some.notify_all()

    def wait(self, count: int = 1) -> list[Observation]:
        with self._some:
            assert self._some.wait_for(lambda: len(self.came) >= count, 10), f"only {self.came}"
            return list(self.came)

    def waits(self, times: int = 1) -> None:
        """Until the run was put off so often and its slot is free."""
        self._until(lambda: self.counts.get("put_off") == times and self.runner._slots[ITEM.id].run is None)

    def _until(self, true: Callable[[], bool]) -> None:
        for _ in range(2_000):
            if true():
                return
            threading.Event().wait(0.002)
        raise AssertionError("it did not get there")

    def later(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.runner.watch()


def test_a_run_that_is_put_off_leaves_no_trace_until_its_turn() -> None:
    stage = Stage(3 * HOUR_S)
    stage.runner.due(ITEM)
    stage.waits()
    stage.later(3 * HOUR_S - 1)
    assert (stage.came, stage.counts.get("awaited")) == ([], 1)
    stage.later(1)
    (o,) = stage.wait()
    assert (o.outcome, o.detail, o.mono_ms) == ("ok", {"lease": "l1"}, stage.clock.mono)
    assert (stage.counts.get("awaited"), stage.counts.get("put_off"), stage.counts.get("no_lease")) == (0, 1, 0)


@pytest.mark.parametrize("step_s", [-86_400.0, 7_200.0, 86_400.0])
def test_a_step_of_the_wall_clock_moves_no_turn(step_s: float) -> None:
    stage = Stage(HOUR_S)
    stage.runner.due(ITEM)
    stage.waits()
    stage.clock.step_wall(step_s)
    stage.later(HOUR_S - 1)
    assert stage.came == []
    stage.later(1)
    assert stage.wait()[0].outcome == "ok"


def test_a_turn_that_came_while_the_machine_slept_is_taken_when_it_wakes() -> None:
    stage = Stage(HOUR_S)
    stage.runner.due(ITEM)
    stage.waits()
    stage.clock.suspend(2 * HOUR_S)
    stage.runner.watch()
    assert stage.wait()[0].outcome == "ok"


def test_a_turn_may_be_moved_again_and_again_within_the_period() -> None:
    stage = Stage(600, 700, 800)
    stage.runner.due(ITEM)
    for times, pause_s in ((1, 600), (2, 700), (3, 800)):
        stage.waits(times)
        stage.later(pause_s)
    (o,) = stage.wait()
    assert (o.outcome, len(stage.collector.asked)) == ("ok", 4)


def test_one_that_would_come_after_the_next_is_given_up_at_once() -> None:
    stage = Stage(0.96 * 86_400)
    stage.runner.due(ITEM)
    (o,) = stage.wait()
    assert (o.outcome, o.reason, o.detail) == ("unknown", "no_lease", {"why": "waited", "asked": 1})
    assert o.values == []
    assert (stage.counts.get("no_lease"), stage.counts.get("awaited")) == (1, 0)


def test_the_next_one_takes_the_place_of_one_that_still_waits() -> None:
    stage = Stage(HOUR_S)
    stage.runner.due(ITEM)
    stage.waits()
    stage.runner.due(ITEM)
    assert [o.reason for o in stage.wait(2)] == ["no_lease", None]
    stage.later(2 * HOUR_S)
    assert len(stage.came) == 2


def test_a_task_waits_within_its_expiry_beside_the_plans_own_run() -> None:
    stage = Stage(HOUR_S, 40, 0, 0)
    stage.runner.due(ITEM)
    stage.waits()
    stage.runner.ask(ITEM, "task-1", 120)
    stage.waits(2)
    stage.later(40)
    (o,) = stage.wait()
    assert (o.task_id, o.outcome) == ("task-1", "ok")
    assert [ask.task_id for ask in stage.collector.asked] == [None, "task-1", "task-1"]
    stage.later(HOUR_S)
    assert [o.task_id for o in stage.wait(2)] == ["task-1", None]


def test_a_task_whose_turn_comes_too_late_hears_so_at_once() -> None:
    stage = Stage(121)
    stage.runner.ask(ITEM, "task-1", 120)
    (o,) = stage.wait()
    assert (o.task_id, o.reason) == ("task-1", "no_lease")


def test_an_agent_that_cannot_ask_says_so_and_loads_nothing() -> None:
    stage = Stage(None)
    stage.runner.due(ITEM)
    (o,) = stage.wait()
    assert (o.reason, o.detail["why"], o.values) == ("no_lease", "no_collector", [])


def test_an_item_that_left_the_plan_waits_no_longer() -> None:
    stage = Stage(HOUR_S)
    stage.runner.ask(ITEM, "task-1", 7_200)
    stage.waits()
    stage.runner.forget(keep=set())
    assert [(o.task_id, o.reason) for o in stage.came] == [("task-1", "no_lease")]
    stage.later(2 * HOUR_S)
    assert len(stage.came) == 1


def test_a_probe_that_always_says_again_is_given_up_in_the_end() -> None:
    later, now = Later(), 0
    run = Run(ITEM, until_ms=planned_until(ITEM, now))
    asks = 0
    while later.put(run, Again(0.0), now):
        asks, now = asks + 1, now + 1_000
        [run] = later.due(now, busy=())
    assert asks == MAX_ASKS - 1


@pytest.mark.parametrize("after_s", [math.nan, math.inf, -math.inf])
def test_a_turn_that_is_no_time_is_none(after_s: float) -> None:
    assert not Later().put(Run(ITEM, until_ms=10**9), Again(after_s), 0)


def test_of_one_item_one_run_is_started_at_a_time() -> None:
    later = Later()
    for name in ("t1", "t2"):
        assert later.put(Run(ITEM, name, until_ms=10**6), Again(1), 0)
    assert [later.due(5_000, busy=("a",)), len(later)] == [[], 2]
    assert [run.task_id for run in later.due(5_000, busy=())] == ["t1"]
    assert [run.task_id for run in later.due(5_000, busy=())] == ["t2"]
    assert len(later) == 0


@given(st.lists(st.floats(min_value=0, max_value=20_000), max_size=40))
def test_whatever_the_collector_says_a_run_ends_before_the_next(pauses: list[float]) -> None:
    later, now, run = Later(), 0, Run(ITEM, until_ms=planned_until(ITEM, 0))
    for after_s in pauses:
        if not later.put(run, Again(after_s), now):
            break
        assert now <= 0.95 * ITEM.period_s * 1000
        now += round(1000 * max(1.0, after_s))
        [run] = later.due(now, busy=())
