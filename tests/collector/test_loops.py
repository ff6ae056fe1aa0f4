"""Loops, bells and wake-ups."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from pathlib import Path

import pytest

from collector.hub import Hub
from collector.loops import Loop, run_loops
from collector.relay import Relay
from collector.settings import Settings
from collector.store.databases import Store, open_store
from collector.web.bucket import Bucket
from tests.support.handclock import HandClock
from tests.support.postgres import Cluster


def run(hub: Hub, *loops: Loop, until: threading.Event) -> None:
    async def both() -> None:
        stop = asyncio.Event()
        running = asyncio.create_task(run_loops(hub, loops, stop))
        await asyncio.to_thread(until.wait, 20)
        stop.set()
        await running

    asyncio.run(both())


def test_a_loop_is_stepped_again_at_once_while_there_is_more_to_do(hub: Hub) -> None:
    done, turns = threading.Event(), list[int]()

    def step() -> float:
        turns.append(1)
        if len(turns) == 3:
            done.set()
            return 3_600.0
        return 0.0

    run(hub, Loop("work", "ingest", step), until=done)
    assert len(turns) == 3


def test_a_loop_rests_between_looks_at_what_comes_all_the_time(hub: Hub) -> None:
    done, turns = threading.Event(), list[float]()

    def step() -> float:
        turns.append(time.monotonic())
        hub.wake("inbox")
        if len(turns) == 3:
            done.set()
        return 3_600.0

    run(hub, Loop("reader", "judge", step, wakes_on="inbox", rest_s=0.1), until=done)
    assert len(turns) == 3
    assert min(b - a for a, b in itertools.pairwise(turns)) >= 0.099


def test_a_loop_that_rests_ends_at_once(hub: Hub) -> None:
    done = threading.Event()

    def step() -> float:
        done.set()
        return 3_600.0

    began = time.monotonic()
    run(hub, Loop("reader", "judge", step, wakes_on="inbox", rest_s=3_600.0), until=done)
    assert time.monotonic() - began < 10


def test_a_loop_is_woken_by_its_topic(hub: Hub) -> None:
    done, turns = threading.Event(), list[int]()

    def step() -> float:
        turns.append(1)
        if len(turns) == 1:
            threading.Timer(0.01, hub.wake, ["inbox"]).start()
        else:
            done.set()
        return 3_600.0

    run(hub, Loop("reader", "judge", step, wakes_on="inbox"), until=done)
    assert len(turns) == 2


def test_a_step_that_fails_is_counted_and_tried_again(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collector.loops.MAX_BACK_OFF_S", 0.01)
    done, turns, failing = threading.Event(), list[int](), list[dict[str, int]]()

    def step() -> float:
        turns.append(1)
        failing.append(dict(hub.failing))
        if len(turns) < 3:
            raise ValueError("not today")
        if len(turns) == 4:
            done.set()
        return 0.001

    run(hub, Loop("work", "ingest", step), until=done)
    assert failing[:4] == [{}, {"work": 1}, {"work": 2}, {}]
    counted = hub.counters.registry.get_sample_value("motcua_collector_loop_failures_total", {"loop": "work"})
    assert counted == 2


@pytest.mark.postgres
def test_a_single_loop_runs_where_it_is_owned_only(cluster: Cluster, clock: HandClock) -> None:
    url = cluster.database()
    owner, other = open_store(url, clock), open_store(url, clock)
    assert owner.own("judge")
    done = threading.Event()

    def step() -> float:
        pytest.fail("two owners")

    def watch() -> float:
        done.set()
        return 3_600.0

    hub = Hub(other, clock, Settings(home=_nowhere(other)))
    run(hub, Loop("judge", "judge", step, single=True), Loop("watch", "judge", watch), until=done)
    owner.close()
    assert other.own("judge")
    other.close()


def _nowhere(store: Store) -> Path:
    return Path("/nonexistent") / str(store.core.url.database)


def test_wake_ups_reach_who_listens_to_a_topic_or_to_its_kind(hub: Hub) -> None:
    heard: list[str] = []
    stop = hub.on("agent:a", heard.append)
    hub.on("agent:", heard.append)
    for topic in ("agent:a", "agent:b", "inbox"):
        hub.wake(topic)
    stop()
    hub.wake("agent:a")
    assert heard == ["agent:a", "agent:a", "agent:b", "agent:a"]


def test_a_bell_keeps_one_ring(hub: Hub) -> None:
    bell = hub.bell("inbox")
    hub.wake("inbox")
    hub.wake("inbox")
    assert [bell.wait(0), bell.wait(0)] == [True, False]


@pytest.mark.postgres
def test_wake_ups_travel_between_processes(cluster: Cluster, clock: HandClock) -> None:
    url = cluster.database()
    stores = [open_store(url, clock) for _ in range(2)]
    here, there = (Hub(store, clock, Settings(home=Path("/nonexistent"))) for store in stores)
    bell = there.bell("agent:a")
    with Relay(here), Relay(there):
        for _ in range(200):  # the other side may not listen yet
            here.wake("agent:a")
            if bell.wait(0.05):
                break
        else:
            pytest.fail("nothing was heard")
    for store in stores:
        store.close()


def test_a_bucket_refills_with_time_and_keeps_keys_apart() -> None:
    bucket = Bucket(burst=2, a_minute=6)
    assert [bucket.take("a", 0), bucket.take("a", 0), bucket.take("b", 0)] == [0, 0, 0]
    assert bucket.take("a", 0) == 10
    assert bucket.take("a", 5_000) == 5
    assert bucket.take("a", 10_000) == 0
