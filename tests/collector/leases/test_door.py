"""`POST /api/v1/leases` over real HTTPS: who may ask, what is refused, and everybody asking at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from collector.hub import Hub
from collector.leases.keeping import read_slots
from collector.leases.slots import Server
from collector.settings import MeasureServer
from tests.support import planned
from tests.support.collector import Running, serving
from tests.support.leased import must_hold
from wire.client import Refused
from wire.messages import Enrolled, LeaseAsk

SERVER = MeasureServer("https://measure.example:8444", 1_000, 20)
CENTRES = 12


@pytest.fixture
def running(hub: Hub, tmp_path: Path) -> Iterator[Running]:
    """Twelve centres behind three cabinets, one measurement server."""
    made = Hub(hub.store, hub.clock, dataclasses.replace(hub.settings, measure=(SERVER,)))
    keys = [f"{7000 + n:05}-1" for n in range(CENTRES)]
    centres = "key,name_vi\n" + "".join(f"{key},Xã {key}\n" for key in keys)
    lines = "key,kind,carrier,contract_bps,uplink_group,reach_by\n"
    lines += "".join(f"{key}/a,internet,vnpt,100000000,cabinet-{n % 3},default\n" for n, key in enumerate(keys))
    planned.province(made, tmp_path / "province", centres=centres, lines=lines)
    with serving(made) as found:
        found.parts.leases.loop().step()
        yield found


def item_of(running: Running, who: Enrolled) -> str:
    return next(i.id for i in planned.items(running.hub, who.agent) if i.probe == "bandwidth")


def test_an_agent_asks_loads_and_gives_back(running: Running) -> None:
    who = running.enrol("07000-1")
    with running.client(who.token) as client:
        given = client.lease(LeaseAsk(item_of(running, who), "task")).lease
        assert given is not None
        assert given.url == SERVER.url
        over = client.lease(LeaseAsk(item_of(running, who), "task", returns=given.id, used_bytes=5))
        assert (over.lease, over.why, over.again_s) == (None, "", None)
        planned_turn = client.lease(LeaseAsk(item_of(running, who)))
        assert (planned_turn.lease, planned_turn.why) == (None, "window")
    counted = running.hub.counters.registry.get_sample_value
    assert [counted("motcua_collector_leases_total", {"why": why}) for why in ("given", "returned", "window")] == [
        1
    ] * 3


@pytest.mark.parametrize(
    ("token", "body", "status", "code"),
    [
        pytest.param("", b"{}", 401, "token", id="nobody"),
        pytest.param("mine", b"", 400, "malformed", id="nothing said"),
        pytest.param("mine", b"[" * 200, 422, "invalid", id="not an object"),
        pytest.param("mine", b'{"item": 5}', 422, "invalid", id="no item's id"),
        pytest.param(
            "mine", b'{"item": "a", "returns": "l", "used_bytes": -1}', 422, "invalid", id="less than nothing"
        ),
        pytest.param("mine", b"x" * 70_000, 413, "too_large", id="too large"),
    ],
)
def test_what_is_no_question_is_refused(running: Running, token: str, body: bytes, status: int, code: str) -> None:
    who = running.enrol("07000-1")
    with running.client(who.token if token else "") as client, pytest.raises(Refused) as refused:
        client.call("POST", "/api/v1/leases", body, {"Content-Type": "application/json"})
    assert (refused.value.status, refused.value.problem.code) == (status, code)


def test_an_agent_that_asks_all_the_time_is_slowed_and_others_are_not(running: Running) -> None:
    busy, calm = running.enrol("07000-1"), running.enrol("07001-1")
    with running.client(busy.token) as client:
        for _ in range(40):
            client.lease(LeaseAsk("no such item"))
        with pytest.raises(Refused) as refused:
            client.lease(LeaseAsk("no such item"))
    assert (refused.value.problem.code, refused.value.retry_after_s) == ("rate", 3)
    with running.client(calm.token) as client:
        assert client.lease(LeaseAsk("no such item")).why == "unknown_item"


def test_all_asking_at_once_never_meet_on_an_uplink(running: Running) -> None:
    boxes = [planned.enrol(running.hub, f"{7000 + n:05}-1") for n in range(CENTRES)]
    items = [item_of(running, box) for box in boxes]

    def ask(n: int, task: str | None = None) -> str:
        with running.client(boxes[n].token) as client:
            answer = client.lease(LeaseAsk(items[n], task))
            return "given" if answer.lease else answer.why

    with ThreadPoolExecutor(CENTRES) as pool:
        assert set(pool.map(ask, range(CENTRES))) <= {"window", "given"}
        people = list(pool.map(lambda n: ask(n, f"t{n}"), range(CENTRES)))
    assert sorted(people) == ["busy"] * (CENTRES - 3) + ["given"] * 3
    with running.hub.store.reading() as conn:
        slots = read_slots(conn, 0)
    must_hold(slots, [Server(SERVER.url, 10**9, 20)], 20)
    assert {slot.line for slot in slots if slot.task} == {f"{7000 + n:05}-1/a" for n in range(CENTRES)}
