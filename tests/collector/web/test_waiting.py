"""The wait channel: heartbeat, tasks at once, the sign of a new plan."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from collector.api import Actor, NotFound
from collector.commands import CollectorCommands
from collector.hub import Hub
from collector.register import plans
from collector.register.presence import overdue
from tests.support import planned
from tests.support.collector import Running, serving
from wire.client import Refused
from wire.messages import Enrolled, WaitAnswer

ME = Actor("me", "session")


@pytest.fixture
def running(hub: Hub) -> Iterator[Running]:
    with serving(hub) as found:
        yield found


@pytest.fixture
def who(running: Running) -> Enrolled:
    return running.enrol()


def sha(running: Running, who: Enrolled) -> str:
    with running.hub.store.reading() as conn:
        return plans.in_force(conn, who.agent).sha256


def first_item(running: Running, who: Enrolled) -> str:
    with running.hub.store.reading() as conn:
        return plans.items_of(conn, who.agent)[0].id


def poll(running: Running, who: Enrolled, plan: str, running_tasks: str = "") -> WaitAnswer:
    with running.client(who.token) as client:
        return client.wait(plan, running=running_tasks)


def wait_until_parked(running: Running, polls: int = 1) -> None:
    turn = threading.Event()
    for _ in range(1_000):
        if running.hub.counters.registry.get_sample_value("motcua_collector_parked_polls") == polls:
            return
        turn.wait(0.005)
    pytest.fail("the poll was never parked")


def test_an_agent_with_another_plan_is_told_at_once(running: Running, who: Enrolled) -> None:
    answer = poll(running, who, "")
    assert (answer.plan_sha256, answer.tasks) == (sha(running, who), [])
    assert answer.server_time_ms == running.hub.clock.wall_ms()


def test_a_parked_poll_gets_a_task_at_once_and_the_task_is_seen_on_its_way(running: Running, who: Enrolled) -> None:
    commands, item, plan = CollectorCommands(running.hub), first_item(running, who), sha(running, who)
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(poll, running, who, plan)
        wait_until_parked(running)
        made = commands.request_task(ME, who.agent, item)
        (task,) = waiting.result(10).tasks
        assert (task.id, task.args, task.requested_by) == (made.id, {"item": item}, "me")
        again = threads.submit(poll, running, who, plan, task.id)
        wait_until_parked(running)
        assert commands.request_task(ME, who.agent, item).state == "running"
        running.stop()
        assert again.result(10).tasks == []


def test_a_task_that_was_queued_before_is_given_to_the_next_poll(running: Running, who: Enrolled) -> None:
    CollectorCommands(running.hub).request_task(ME, who.agent, first_item(running, who))
    assert len(poll(running, who, sha(running, who)).tasks) == 1


def test_a_task_queued_by_another_process_is_found(running: Running, who: Enrolled) -> None:
    elsewhere = Hub(running.hub.store, running.hub.clock, running.hub.settings)
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(poll, running, who, sha(running, who))
        wait_until_parked(running)
        CollectorCommands(elsewhere).request_task(ME, who.agent, first_item(running, who))
        assert len(waiting.result(10).tasks) == 1


def test_a_new_plan_wakes_the_poll(running: Running, who: Enrolled) -> None:
    hub = running.hub
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(poll, running, who, sha(running, who))
        wait_until_parked(running)
        hub.store.writer.do(lambda conn: plans.put(conn, who.agent, [], hub.clock.wall_ms()))
        hub.wake(f"agent:{who.agent}")
        hub.wake("register")
        assert waiting.result(10).plan_sha256 == sha(running, who)


def test_an_import_by_another_process_reaches_a_parked_poll(running: Running, who: Enrolled, tmp_path: Path) -> None:
    elsewhere, woken = Hub(running.hub.store, running.hub.clock, running.hub.settings), threading.Event()
    running.hub.on("register", lambda _topic: woken.set())
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(poll, running, who, sha(running, who))
        wait_until_parked(running)
        woken.clear()
        planned.province(elsewhere, tmp_path / "p", lines=planned.LINES + "00000-1/b,tslcd,vnpt,,interface:eth1\n",
                         centres="key,name_vi\n00000-1,Máy này\n")  # fmt: skip
        assert waiting.result(10).plan_sha256 == sha(running, who)
    assert woken.wait(10), "the judge's places are read anew"
    assert ("line:00000-1/b", "collector") in planned.told(running.hub, who.agent)


def test_a_newer_poll_releases_the_older(running: Running, who: Enrolled) -> None:
    plan = sha(running, who)
    with ThreadPoolExecutor(2) as threads:
        older = threads.submit(poll, running, who, plan)
        wait_until_parked(running)
        newer = threads.submit(poll, running, who, plan)
        assert older.result(10).tasks == []
        CollectorCommands(running.hub).request_task(ME, who.agent, first_item(running, who))
        assert len(newer.result(10).tasks) == 1


def test_a_poll_with_nothing_to_say_ends_after_its_time(hub: Hub) -> None:
    with serving(hub) as running:
        running.parts.waiting._park_s = 0.05
        who = running.enrol()
        answer = poll(running, who, sha(running, who))
    assert (answer.tasks, answer.plan_sha256) == ([], sha(running, who))


def test_a_poll_is_a_heartbeat(hub: Hub) -> None:
    with serving(hub, loops=[]) as running:
        who = running.enrol()
        poll(running, who, "")
        running.parts.heartbeats.loops()[0].step()
    with hub.store.reading() as conn:
        assert [late.agent for late in overdue(conn, hub.clock.wall_ms() + 50_000)] == [who.agent]


def test_only_agents_may_wait(running: Running) -> None:
    with running.client("nobody") as client, pytest.raises(Refused) as caught:
        client.wait("")
    assert (caught.value.status, caught.value.problem.instance) == (401, "/api/v1/agent/wait")


@pytest.mark.parametrize("query", ["x" * 5_000, "&".join(f"a{n}=1" for n in range(30))])
def test_a_query_that_cannot_be_read_is_a_problem(running: Running, who: Enrolled, query: str) -> None:
    with running.client(who.token) as client, pytest.raises(Refused, match="400"):
        client.call("GET", f"/api/v1/agent/wait?{query}")


def test_a_task_is_asked_for_what_is_planned_only(running: Running, who: Enrolled) -> None:
    commands = CollectorCommands(running.hub)
    for agent, item in ((who.agent, "nothing"), ("nobody", "nothing")):
        with pytest.raises(NotFound):
            commands.request_task(ME, agent, item)
