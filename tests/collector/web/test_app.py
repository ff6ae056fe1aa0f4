"""The agents' socket as a whole: who may read what, health, and problems everywhere."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import select

from collector.commands import CollectorCommands, create_login_link
from collector.hub import Hub
from collector.reading.reader import HubReader
from collector.settings import Settings
from collector.store import tables
from collector.store.databases import migrate, open_store
from tests.support.collector import Pen, Running, serving
from tests.support.handclock import NOON_MS, HandClock
from wire.client import Client, Refused, Reply

MONO = 5_000_000


@pytest.fixture
def running(hub: Hub) -> Iterator[Running]:
    with serving(hub, HubReader(hub)) as found:
        yield found


@pytest.fixture
def agent(running: Running) -> Iterator[Client]:
    """An agent that has sent one observation."""
    who = running.enrol()
    pen = Pen(who.agent, "lan:00000-1")
    batch = pen.batch([pen.observation(at_ms=NOON_MS, mono_ms=MONO)])
    with running.client(who.token) as client:
        client.post_batches(pen.packed(batch, at_ms=NOON_MS, mono_ms=MONO))
        yield client


@pytest.fixture
def person(running: Running) -> Iterator[Client]:
    session = CollectorCommands(running.hub).open_session(create_login_link(running.hub, "Lan"))
    with running.client(session) as client:
        yield client


PAGES = [
    "centres", "centres/00000-1/subjects", "centres/00000-1/standings", "centres/00000-1/latest", "agents",
    f"observations?subject=lan:00000-1&before_ms={NOON_MS + 1}",
    "intervals?subject=lan:00000-1&from_ms=1&to_ms=5", "history?subject=lan:00000-1&metric=m&from_ms=1&to_ms=5",
    "daily?subject=lan:00000-1&metric=m&from_day=2025-11-01&to_day=2025-11-21",
]  # fmt: skip


def test_an_agent_reads_its_own_centre(agent: Client) -> None:
    for page in PAGES:
        assert isinstance(get(agent, page), list), page


def test_a_person_reads_everything(person: Client, agent: Client) -> None:
    for page in (*PAGES, "flips?after=3"):
        assert isinstance(get(person, page), list), page


def test_an_observation_is_found_by_its_id(agent: Client, person: Client) -> None:
    found = get(person, f"observations?subject=lan:00000-1&before_ms={NOON_MS + 1}")
    assert isinstance(found, list)
    assert get(agent, f"observations/{found[0]['id']}") == found[0]


def test_an_agent_reads_nothing_of_another_centre(running: Running, agent: Client) -> None:
    running.enrol("00000-2")
    assert get(agent, "centres") == [
        {"key": "00000-1", "name_vi": "máy này", "name_en": "this machine", "retired": None, "former": []}
    ]
    for page in ("centres/00000-2/latest", "flips", "health", "observations?subject=lan:00000-2&before_ms=5"):
        assert refused(agent, f"/api/v1/{page}") == (403, "foreign_centre")


def test_nobody_reads_without_saying_who(running: Running) -> None:
    with running.client() as client:
        assert refused(client, "/api/v1/centres") == (401, "token")
    with running.client("nonsense") as client:
        assert refused(client, "/api/v1/centres") == (401, "token")


WRONG = {
    "no such path": ("/nothing", 404, "not_found"),
    "wrong method": ("/api/v1/enrol", 405, "method"),
    "no such observation": ("/api/v1/observations/x/y/1/0", 404, "not_found"),
    "no such subject": ("/api/v1/observations?subject=x&before_ms=1", 404, "not_found"),
    "no number": ("/api/v1/observations?subject=lan:00000-1&before_ms=x", 400, "malformed"),
    "something is missing": ("/api/v1/observations?subject=lan:00000-1", 400, "malformed"),
    "too many": ("/api/v1/flips?limit=9999", 400, "malformed"),
    "no span": ("/api/v1/intervals?subject=lan:00000-1&from_ms=5&to_ms=5", 422, "span"),
    "no such day": ("/api/v1/daily?subject=lan:00000-1&metric=m&from_day=2025-02-30&to_day=2025-03-01", 422, "day"),
    "days backwards": ("/api/v1/daily?subject=lan:00000-1&metric=m&from_day=2025-03-02&to_day=2025-03-01", 422, "span"),
    "too long": ("/api/v1/intervals?subject=lan:00000-1&from_ms=0&to_ms=40000000000", 422, "span"),
}


def test_what_cannot_be_answered_is_a_problem(person: Client, agent: Client) -> None:
    for name, (path, status, code) in WRONG.items():
        assert refused(person, path) == (status, code), name


def test_the_read_api_is_described(agent: Client) -> None:
    described = msgspec.json.decode(agent.call("GET", "/api/v1/schema").body)
    assert {"/api/v1/centres", "/api/v1/history", "/api/v1/enrol", "/readyz"} <= set(described["paths"])


def test_health_and_numbers_are_open(running: Running) -> None:
    who = running.enrol()
    with running.client(who.token) as client:
        pen = Pen(who.agent, "lan:00000-1")
        batch = pen.batch([pen.observation(at_ms=NOON_MS, mono_ms=MONO)])
        client.post_batches(pen.packed(batch, at_ms=NOON_MS, mono_ms=MONO))
    with running.client() as client:
        assert msgspec.json.decode(client.call("GET", "/healthz").body) == {"status": "ok"}
        assert msgspec.json.decode(client.call("GET", "/readyz").body) == {"status": "ready", "failing": {}}
        numbers = client.call("GET", "/metrics").body.decode()
    assert 'motcua_collector_batches_total{code="stored"} 1.0' in numbers
    assert "motcua_collector_commit_seconds_count" in numbers
    assert "motcua_collector_writer_queue 0.0" in numbers


def test_a_store_that_takes_nothing_is_503_with_its_reason_and_nothing_is_lost(
    tmp_path: Path, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("collector.store.databases.BUSY_MS", 50)
    store = open_store(tmp_path, clock)
    migrate(store)
    with serving(Hub(store, clock, Settings(home=tmp_path)), loops=[]) as running:
        who = running.enrol()
        pen = Pen(who.agent, "lan:00000-1")
        body = pen.packed(
            pen.batch([pen.observation(at_ms=NOON_MS, mono_ms=MONO)]), at_ms=NOON_MS, mono_ms=MONO
        )  # fmt: skip
        other = sqlite3.connect(tmp_path / "core.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with running.client(who.token) as client:
            with pytest.raises(Refused) as caught:
                client.post_batches(body)
            assert (caught.value.status, caught.value.problem.code) == (503, "locked")
            assert caught.value.retry_after_s == 5
            assert refused(client, "/readyz") == (503, "locked")
            other.close()
            assert client.post_batches(body).receipts[0].code == "stored"
            assert client.call("GET", "/readyz").status == 200
    with store.reading() as conn:
        assert len(conn.execute(select(tables.inbox.c.seq)).all()) == 1
    store.close()


def get(client: Client, page: str) -> object:
    reply: Reply = client.call("GET", f"/api/v1/{page}")
    return msgspec.json.decode(reply.body)


def refused(client: Client, path: str) -> tuple[int, str]:
    with pytest.raises(Refused) as caught:
        client.call("GET", path)
    problem = caught.value.problem
    assert problem.instance == path.partition("?")[0]
    assert problem.detail
    return caught.value.status, problem.code
