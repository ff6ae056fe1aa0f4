"""The wait channel, the plan and the tasks, against a real server on loopback."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from agent.counts import Counts
from agent.spool.keeper import Keeper
from agent.spool.queue import Spool
from agent.talk.contact import MAX_NOTICES, Contact
from agent.talk.wait import BARRED_S, LONGEST_RETRY_S, Waiter
from agent.work.plan import FILE, Held, PlanError, PlanFile, verify
from agent.work.tasks import MAX_RUNNING, Tasks
from tests.support.agent_parts import client, keeper, recorder
from tests.support.clock import BOOT, LATER_BOOT, FakeClock
from tests.support.collector_double import (
    AGENT,
    Double,
    Fault,
    answers,
    floods,
    hangs_up,
    refuses,
    serving,
    truncates,
)
from wire.client import Client
from wire.messages import Notice, Observation, Plan, PlanItem, Task

ITEM = PlanItem("a", "lan:07375-1", "reach", "192.0.2.1", 10, 2)
SOON = 60_000


class StillRunner:
    """Takes what it is asked and never finishes."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.left_s: list[float] = []

    def ask(self, item: PlanItem, task_id: str, left_s: float) -> None:
        self.asked.append((item.id, task_id))
        self.left_s.append(left_s)


class Bench:
    """A waiter with everything around it."""

    def __init__(self, home: Path, double: Double, transport: Client) -> None:
        self.clock, self.counts, self.double = FakeClock(), Counts(), double
        self.contact = Contact(self.clock)
        self.plan = PlanFile(home, self.counts)
        self.applied: list[Held] = []
        self.kept = keeper(home, self.clock)
        self.runner, self.told = StillRunner(), list[Observation]()
        self.tasks = self.make_tasks(self.kept)
        self.reached: list[bool] = []
        double.now_ms = lambda: self.clock.wall
        self.waiter = Waiter(
            transport,
            clock=self.clock,
            contact=self.contact,
            plan=self.plan,
            caps="pc,reach",
            running=self.tasks.running,
            apply=self.applied.append,
            take=self.tasks.take,
            reached=lambda: self.reached.append(True),
            chance=random.Random(1),
        )

    def make_tasks(self, kept: Keeper) -> Tasks:
        return Tasks(
            kept,
            self.runner,
            agent=AGENT,
            clock=self.clock,
            contact=self.contact,
            find=lambda key: ITEM if key == "a" else None,
            sink=self.told.append,
        )

    def task(self, key: str, item: str = "a", *, kind: str = "probe", expires_in_ms: int = SOON) -> Task:
        return Task(key, kind, {"item": item}, self.clock.wall + expires_in_ms, "a technician")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    (tmp_path / "double").mkdir()
    with serving(Double(), tmp_path / "double") as double, client(double) as transport:
        made = Bench(tmp_path, double, transport)
        yield made
        made.kept.close()


def plan_of(items: list[object], *, schema: int = 1, sha: str = "") -> Plan:
    raw = msgspec.json.encode(items)
    return Plan(schema, 1, sha or hashlib.sha256(raw).hexdigest(), msgspec.Raw(raw))


# --- the plan ---------------------------------------------------------------------------------------------------------


def test_a_changed_plan_is_fetched_verified_kept_and_applied(bench: Bench, tmp_path: Path) -> None:
    bench.double.items = [ITEM]
    bench.waiter.step()
    assert [h.items for h in bench.applied] == [(ITEM,)]
    assert PlanFile(tmp_path, Counts()).now == bench.plan.now == bench.applied[0]
    bench.waiter.step()
    assert len(bench.applied) == 1
    assert [w.get("plan") for w in bench.double.waits] == [None, [bench.plan.now.sha256]]
    assert bench.double.waits[0]["caps"] == ["pc,reach"]


def test_a_plan_that_is_not_what_its_hash_says_is_not_followed(bench: Bench) -> None:
    bench.double.items, bench.double.spoil_plan = [ITEM], True
    waits = [bench.waiter.step() for _ in range(6)]
    assert bench.applied == []
    assert waits[-1] >= 10, "a broken plan must not be asked for without a pause"


@pytest.mark.parametrize(
    ("plan", "text"),
    [
        pytest.param(plan_of([], sha="0" * 64), "sha256", id="wrong hash"),
        pytest.param(plan_of([], schema=2), "schema 2", id="another schema"),
        pytest.param(Plan(1, 1, hashlib.sha256(b"3").hexdigest(), msgspec.Raw(b"3")), "no list", id="no list"),
        pytest.param(plan_of(["x" * 2_000_000]), "larger", id="too large"),
    ],
)
def test_a_plan_that_cannot_be_followed_is_refused(plan: Plan, text: str) -> None:
    with pytest.raises(PlanError, match=text):
        verify(plan)


def test_an_item_that_cannot_be_read_spoils_only_itself() -> None:
    broken = {"id": "b", "subject": "x", "probe": "Not A Word", "target": "t", "period_s": 1, "deadline_s": 1}
    held = verify(plan_of([ITEM, broken, 17, {"id": "c"}, ITEM]))
    assert (held.items, held.refused) == ((ITEM,), 4)


@pytest.mark.parametrize("rubbish", [b"", b"{", b"\xff" * 99, b"[" * 100_000], ids=["empty", "half", "bytes", "deep"])
def test_a_plan_file_that_was_spoiled_is_as_good_as_none(tmp_path: Path, rubbish: bytes) -> None:
    (tmp_path / FILE).write_bytes(rubbish)
    assert PlanFile(tmp_path, Counts()).now.items == ()


# --- the channel ------------------------------------------------------------------------------------------------------


def test_the_answer_tells_the_collectors_time(bench: Bench) -> None:
    bench.double.offset_ms = -90_000
    bench.waiter.step()
    assert bench.contact.clock_offset_s == 90.0
    bench.clock.step_wall(-86_400)
    bench.clock.advance(5)
    assert bench.contact.server_now_ms() == bench.clock.wall + 86_400_000 - 90_000


def test_an_answer_at_once_is_not_followed_by_a_question_at_once(bench: Bench) -> None:
    assert 0.5 <= bench.waiter.step() <= 1.0


@pytest.mark.parametrize(
    ("fault", "at_least_s", "at_most_s"),
    [
        pytest.param(hangs_up, 0.5, 1, id="closes"),
        pytest.param(truncates, 0.5, 1, id="truncated"),
        pytest.param(floods, 0.5, 1, id="50 MB"),
        pytest.param(answers(200, b"{}"), 0.5, 1, id="another answer"),
        pytest.param(answers(502, b"<html>"), 0.5, 1, id="a proxy"),
        pytest.param(refuses(503, "full", Retry_After="9"), 9.5, 10, id="503 with Retry-After"),
        pytest.param(refuses(401, "token"), BARRED_S, BARRED_S + 1, id="401: slowly"),
    ],
)
def test_a_fault_is_followed_by_a_pause_and_then_all_is_well(
    bench: Bench, fault: Fault, at_least_s: float, at_most_s: float
) -> None:
    bench.double.wait_faults.append(fault)
    assert at_least_s <= bench.waiter.step() <= at_most_s
    assert bench.reached == []
    bench.waiter.step()
    assert bench.reached == [True]


def test_the_pause_grows_to_a_bound_that_keeps_the_agent_from_falling_silent(bench: Bench) -> None:
    bench.double.wait_faults.extend([hangs_up] * 30)
    waits = [bench.waiter.step() for _ in range(12)]
    assert 5 <= waits[-1] <= LONGEST_RETRY_S


def test_notices_are_kept_and_bounded(bench: Bench) -> None:
    bench.contact.heard(1, [Notice(str(n), "vi", "en", 1, 1) for n in range(500)])
    assert len(bench.contact.notices) == MAX_NOTICES


# --- tasks ------------------------------------------------------------------------------------------------------------


def test_a_task_is_started_once_and_reported_as_running(bench: Bench) -> None:
    bench.double.tasks = [bench.task("t1"), bench.task("t2")]
    bench.waiter.step()
    bench.double.tasks = [bench.task("t1")]
    bench.waiter.step()
    bench.waiter.step()
    assert bench.runner.asked == [("a", "t1"), ("a", "t2")]
    assert bench.double.waits[-1]["running"] == ["t1,t2"]
    bench.tasks.finished("t1")
    assert bench.tasks.running() == "t2"


def test_a_task_that_is_done_does_not_run_again_after_a_restart(bench: Bench, tmp_path: Path) -> None:
    bench.tasks.take([bench.task("t1")])
    done = Observation(0, "reach", "lan:07375-1", "192.0.2.1", 1, 1, 1, "ok", task_id="t1")
    writing = recorder(bench.kept, bench.clock)
    writing.put(done)
    writing.step()
    bench.kept.close()
    again = keeper(tmp_path, bench.clock)
    tasks = bench.make_tasks(again)
    assert tasks.report_interrupted() == 0
    tasks.take([bench.task("t1")])
    assert len(bench.runner.asked) == 1
    assert again.use(Spool.stats).batches == 1, "an answer somebody waits for is cut at once"
    again.close()


def test_a_task_that_was_cut_off_is_told_as_interrupted_in_the_name_of_its_boot(bench: Bench, tmp_path: Path) -> None:
    began = bench.clock.mono
    bench.tasks.take([bench.task("t1")])
    bench.kept.close()
    bench.clock.reboot()
    again = keeper(tmp_path, bench.clock, boot_id=LATER_BOOT)
    tasks = bench.make_tasks(again)
    assert (tasks.report_interrupted(), tasks.report_interrupted()) == (1, 0)
    ((boot, line),) = again.use(lambda s: s.query("SELECT boot, line FROM fresh"))
    assert isinstance(line, bytes)
    o = msgspec.json.decode(line, type=Observation)
    assert (boot, o.outcome, o.reason, o.task_id, o.target, o.mono_ms) == (
        BOOT, "unknown", "interrupted", "t1", "192.0.2.1", began,
    )  # fmt: skip
    again.close()


def test_an_expired_task_is_not_started_by_the_collectors_clock(bench: Bench) -> None:
    bench.double.offset_ms = 3_600_000
    bench.double.tasks = [bench.task("late", expires_in_ms=1_800_000), bench.task("good", expires_in_ms=7_200_000)]
    bench.waiter.step()
    assert bench.runner.asked == [("a", "good")]


@pytest.mark.parametrize(
    ("item", "kind"),
    [
        pytest.param("gone", "probe", id="an item that is not in the plan"),
        pytest.param("a", "dance", id="another kind"),
    ],
)
def test_what_cannot_be_done_is_answered(bench: Bench, item: str, kind: str) -> None:
    bench.tasks.take([bench.task("t1", item, kind=kind)])
    assert [(o.task_id, o.reason, o.subject) for o in bench.told] == [("t1", "unsupported", f"agent:{AGENT}")]
    assert bench.tasks.running() == ""


def test_tasks_are_bounded(bench: Bench) -> None:
    bench.tasks.take([bench.task(f"t{n}") for n in range(MAX_RUNNING + 20)])
    assert len(bench.runner.asked) == MAX_RUNNING


def test_a_task_that_cannot_be_written_down_is_not_started(bench: Bench, tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    tasks = bench.make_tasks(keeper(folder, bench.clock))  # there is no such folder
    tasks.take([bench.task("t1")])
    assert (bench.runner.asked, tasks.running()) == ([], "")
    folder.mkdir()
    tasks.take([bench.task("t1")])
    assert bench.runner.asked == [("a", "t1")]
