"""One run of one probe: whatever the probe does, exactly one observation comes of every due moment."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.context import Context, Facts
from agent.counts import Counts
from agent.probes import Measured, Probe
from agent.work.bounds import bounded
from agent.work.measure import observe
from agent.work.runner import MAX_WAITING, Runner
from agent.work.workers import Workers
from tests.support.clock import FakeClock
from wire.codec import decode_parcel, encode_batch
from wire.messages import Batch, Observation, PlanItem, Scalar, Value
from wire.outcomes import OK, fail

ITEM = PlanItem("a", "lan:07375-1", "reach", "192.0.2.1", 10, 2)
TEXT_FOR_A_NUMBER = Measured(OK, [Value("motcua_lan_rtt_seconds", "x")])  # type: ignore[arg-type]  # it may
FINE = Measured(OK, [Value("motcua_lan_rtt_seconds", 0.01)], detail={"asked": "192.0.2.1"})


class Stage:
    """A runner with probes of the test's making, and what came out of it."""

    def __init__(self, probe: Probe, *, threads: int = 4) -> None:
        self.clock, self.counts, self.came = FakeClock(), Counts(), list[Observation]()
        self._some = threading.Condition()
        self.workers = Workers(threads)
        self.runner = Runner(
            clock=self.clock,
            workers=self.workers,
            load=lambda name: {"reach": probe}[name],
            facts=lambda: Facts("192.0.2.9", 3, 0.5),
            sink=self._take,
            counts=self.counts,
        )

    def _take(self, o: Observation) -> None:
        with self._some:
            self.came.append(o)
            self._some.notify_all()

    def wait(self, count: int = 1) -> list[Observation]:
        with self._some:
            assert self._some.wait_for(lambda: len(self.came) >= count, 10), f"only {self.came}"
            return list(self.came)


class Hanging:
    """A probe that hangs until it is let go."""

    def __init__(self) -> None:
        self.began, self.let_go, self.runs = threading.Semaphore(0), threading.Event(), 0

    def __call__(self, _item: PlanItem, _context: Context) -> Measured:
        self.runs += 1
        self.began.release()
        assert self.let_go.wait(20)
        return FINE


def raises(error: BaseException) -> Probe:
    def probe(_item: PlanItem, _context: Context) -> Measured:
        raise error

    return probe


def returns(found: object) -> Probe:
    return lambda _item, _context: found  # type: ignore[return-value]  # a probe that breaks its promise


@pytest.mark.parametrize(
    ("probe", "outcome", "reason"),
    [
        pytest.param(returns(FINE), "ok", None, id="ok"),
        pytest.param(returns(Measured(fail("no_answer"))), "fail", "no_answer", id="fail"),
        pytest.param(raises(ValueError("x" * 9_000)), "unknown", "probe_error", id="raises"),
        pytest.param(raises(SystemExit(3)), "unknown", "probe_error", id="wants to end the program"),
        pytest.param(raises(RecursionError()), "unknown", "probe_error", id="recursion"),
        pytest.param(returns(None), "unknown", "probe_error", id="returns nothing"),
        pytest.param(returns(TEXT_FOR_A_NUMBER), "unknown", "probe_error", id="text for a number"),
    ],
)
def test_every_run_has_an_observation(probe: Probe, outcome: str, reason: str | None) -> None:
    stage = Stage(probe)
    stage.runner.due(ITEM)
    (o,) = stage.wait()
    assert (o.outcome, o.reason) == (outcome, reason)
    assert (o.subject, o.probe, o.target, o.at_ms, o.mono_ms) == (
        ITEM.subject, "reach", "192.0.2.1", stage.clock.wall, stage.clock.mono,
    )  # fmt: skip
    assert stage.counts.get("probe_errors") == (reason == "probe_error")


def test_an_unknown_probe_is_unsupported() -> None:
    stage = Stage(returns(FINE))
    stage.runner.due(msgspec.structs.replace(ITEM, probe="teleport"))
    assert stage.wait()[0].reason == "unsupported"


def test_a_missing_library_is_unsupported_and_named() -> None:
    def load(_name: str) -> Probe:
        raise ModuleNotFoundError("No module named 'pysnmp'", name="pysnmp")

    stage = Stage(returns(FINE))
    stage.runner._load = load
    stage.runner.due(ITEM)
    (o,) = stage.wait()
    assert (o.reason, o.detail["missing"]) == ("unsupported", "pysnmp")


def test_the_clocks_are_read_at_the_start_and_the_duration_is_monotonic() -> None:
    def slow(_item: PlanItem, _context: Context) -> Measured:
        stage.clock.advance(1.5)
        stage.clock.step_wall(-86_400)
        return FINE

    stage = Stage(slow)
    began = (stage.clock.wall, stage.clock.mono)
    stage.runner.due(ITEM)
    (o,) = stage.wait()
    assert (o.at_ms, o.mono_ms, o.took_ms) == (*began, 1_500)


def test_a_probe_knows_its_deadline_and_the_agents_facts_and_keeps_its_memory() -> None:
    seen: list[tuple[float, Facts, object]] = []

    def probe(_item: PlanItem, context: Context) -> Measured:
        seen.append((context.left_s(), context.facts, context.memory.get("runs")))
        context.memory["runs"] = len(seen)
        return FINE

    stage = Stage(probe)
    for n in (1, 2):
        stage.runner.due(ITEM)
        stage.wait(n)
    facts = Facts("192.0.2.9", 3, 0.5)
    assert seen == [(2.0, facts, None), (2.0, facts, 1)]


def test_what_is_overdue_is_given_up_once_and_its_late_answer_is_not_believed() -> None:
    probe = Hanging()
    stage = Stage(probe)
    stage.runner.due(ITEM)
    assert probe.began.acquire(timeout=10)
    stage.clock.advance(2.2)
    stage.runner.watch()
    assert stage.came == [], "a probe that comes back at its deadline has kept it"
    stage.clock.advance(0.1)
    stage.runner.watch()
    stage.runner.watch()
    assert [(o.reason, o.took_ms) for o in stage.came] == [("deadline", 2_300)]
    assert stage.counts.get("abandoned") == stage.workers.left_behind() == 1
    probe.let_go.set()
    until(lambda: stage.workers.left_behind() == 0)
    stage.runner.due(ITEM)
    assert [o.reason for o in stage.wait(2)] == ["deadline", None]
    assert stage.counts.get("abandoned") == 0


def until(true: Callable[[], bool]) -> None:
    """Until another thread got there: a turn of the interpreter at a time."""
    for _ in range(2_000):
        if true():
            return
        threading.Event().wait(0.005)
    raise AssertionError("it did not get there")


def test_an_item_never_runs_twice_at_once() -> None:
    probe = Hanging()
    stage = Stage(probe)
    stage.runner.due(ITEM)
    assert probe.began.acquire(timeout=10)
    stage.runner.due(ITEM)
    assert [o.reason for o in stage.came] == ["overlap"]
    stage.clock.advance(60)
    stage.runner.watch()
    stage.runner.due(ITEM)
    assert [o.reason for o in stage.came] == ["overlap", "deadline", "overlap"]
    assert (probe.runs, stage.counts.get("overlaps")) == (1, 2)
    probe.let_go.set()


def test_a_slow_probe_delays_nobody() -> None:
    slow, others = Hanging(), [msgspec.structs.replace(ITEM, id=f"b{n}") for n in range(30)]

    def probe(item: PlanItem, context: Context) -> Measured:
        return slow(item, context) if item.id == "a" else FINE

    stage = Stage(probe, threads=2)
    stage.runner.due(ITEM)
    assert slow.began.acquire(timeout=10)
    for item in others:
        stage.runner.due(item)
    assert len(stage.wait(30)) == 30
    slow.let_go.set()


def test_threads_that_hang_are_replaced() -> None:
    slow = Hanging()

    def probe(item: PlanItem, context: Context) -> Measured:
        return slow(item, context) if item.id.startswith("slow") else FINE

    stage = Stage(probe, threads=2)
    for n in (1, 2):
        stage.runner.due(msgspec.structs.replace(ITEM, id=f"slow{n}"))
        assert slow.began.acquire(timeout=10)
    stage.runner.due(ITEM)
    stage.clock.advance(3)
    stage.runner.watch()
    assert sorted(o.reason or "" for o in stage.wait(3)) == ["", "deadline", "deadline"]
    slow.let_go.set()


def test_a_task_waits_for_the_busy_item_instead_of_hearing_that_it_is_busy() -> None:
    probe = Hanging()
    stage = Stage(probe)
    stage.runner.due(ITEM)
    assert probe.began.acquire(timeout=10)
    stage.runner.ask(ITEM, "task-1", 120)
    probe.let_go.set()
    assert [(o.task_id, o.reason) for o in stage.wait(2)] == [(None, None), ("task-1", None)]


def test_tasks_behind_a_hanging_item_are_answered() -> None:
    probe = Hanging()
    stage = Stage(probe)
    stage.runner.due(ITEM)
    assert probe.began.acquire(timeout=10)
    for n in range(MAX_WAITING + 1):
        stage.runner.ask(ITEM, f"t{n}", 120)
    assert [(o.task_id, o.reason) for o in stage.came] == [(f"t{MAX_WAITING}", "overlap")]
    stage.clock.advance(10)
    stage.runner.watch()
    answered = {o.task_id: o.reason for o in stage.came}
    assert answered == {None: "deadline"} | {f"t{n}": "overlap" for n in range(MAX_WAITING + 1)}
    probe.let_go.set()


# --- bounds -----------------------------------------------------------------------------------------------------------

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=600)
VALUES = st.builds(
    Value,
    st.sampled_from(["motcua_lan_rtt_seconds", "motcua_device_disk_free_bytes", "motcua_made_up", ""]),
    st.floats(),
    st.none() | st.text(max_size=300),
)


@given(
    values=st.lists(VALUES, max_size=30),
    phases=st.dictionaries(st.text(max_size=40), st.floats(), max_size=40),
    detail=st.dictionaries(st.text(max_size=300), SCALARS, max_size=40),
)
def test_whatever_a_probe_finds_the_wire_takes_it(
    values: list[Value], phases: dict[str, float], detail: dict[str, Scalar]
) -> None:
    found, dropped = bounded(Measured(OK, values * 12, phases, detail))
    o = observe(ITEM, found, at_ms=1, mono_ms=1, took_ms=1)
    boot = "00000000-0000-4000-8000-00000000b001"
    parcel = decode_parcel(encode_batch(Batch(boot, 1, boot), [o]))
    assert parcel.rejected == []
    assert len(parcel.observations[0].values) + dropped == 12 * len(values)


def test_an_undeclared_metric_loses_only_that_value() -> None:
    found, dropped = bounded(Measured(OK, [Value("motcua_made_up", 1), Value("motcua_lan_rtt_seconds", 2)]))
    assert ([v.metric for v in found.values], dropped) == (["motcua_lan_rtt_seconds"], 1)


def test_a_number_that_is_none_is_dropped() -> None:
    nans = [float("nan"), float("inf"), float("-inf"), sys.float_info.max]
    found, dropped = bounded(Measured(OK, [Value("motcua_lan_rtt_seconds", n) for n in nans]))
    assert ([v.value for v in found.values], dropped) == ([sys.float_info.max], 3)
