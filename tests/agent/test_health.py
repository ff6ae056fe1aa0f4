"""The agent watched by itself: its numbers, its page, its log lines."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent import health
from agent.context import Context, Facts
from agent.counts import Counts
from agent.health import Health
from agent.lifetime import LifetimeFile
from agent.lock import AlreadyRunning, HomeLock
from agent.log import line
from agent.spool.keeper import Keeper
from agent.spool.queue import Spool
from agent.talk.contact import Contact
from agent.talk.metrics_page import Page
from tests.support.agent_parts import keeper, observation
from tests.support.clock import BOOT, LATER_BOOT, FakeClock
from wire.messages import Scalar, Value
from wire.metrics import METRICS

ROOT = Path(__file__).resolve().parents[2]
OWN = {name for name in METRICS if name.startswith("motcua_agent_")}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


class Subject:
    def __init__(self, home: Path, clock: FakeClock, kept: Keeper) -> None:
        self.clock, self.counts, self.contact = clock, Counts(), Contact(clock)
        self.health = Health(
            kept,
            clock=clock,
            counts=self.counts,
            contact=self.contact,
            lifetime=LifetimeFile(home),
            home=home,
            plan_version=lambda: 7,
        )

    def look(self) -> tuple[dict[str, float], dict[str, Scalar]]:
        context = Context(self.clock, self.clock.mono + 20_000, Facts("192.0.2.1"))
        found = self.health.probe(health.item("agent:x"), context)
        assert found.result.outcome == "ok"
        return {v.metric.removeprefix("motcua_agent_"): v.value for v in found.values}, found.detail


def test_every_declared_number_of_the_agent_is_measured(tmp_path: Path, clock: FakeClock) -> None:
    kept = keeper(tmp_path, clock)
    subject = Subject(tmp_path, clock, kept)
    clock.advance(60)
    values, detail = subject.look()
    assert {f"motcua_agent_{name}" for name in values} == OWN
    assert detail["plan"] == 7
    kept.close()


def test_the_numbers_are_of_the_spool(tmp_path: Path, clock: FakeClock) -> None:
    kept = keeper(tmp_path, clock)
    subject = Subject(tmp_path, clock, kept)
    kept.use(lambda s: s.append([observation(1)]))
    kept.use(Spool.cut)
    clock.advance(90)
    subject.counts.add("unkept", 3)
    subject.contact.barred = "revoked"
    values, detail = subject.look()
    assert (values["spool_batches"], values["spool_oldest_seconds"], values["dropped_count"]) == (1, 90, 3)
    assert detail["barred"] == "revoked"
    kept.close()


def test_what_cannot_be_known_is_left_out_and_not_zero(tmp_path: Path, clock: FakeClock) -> None:
    subject = Subject(tmp_path / "gone", clock, keeper(tmp_path / "gone", clock))
    values, detail = subject.look()
    assert not {"spool_bytes", "spool_batches", "disk_free_bytes", "cpu_ratio", "dropped_count"} & set(values)
    assert detail["epoch"] is None


def test_boots_are_counted_once_each_and_outlive_the_agent(tmp_path: Path) -> None:
    for boot in (BOOT, BOOT, LATER_BOOT):
        LifetimeFile(tmp_path).see_boot(boot)
    assert LifetimeFile(tmp_path).now.boots == 2


# --- /metrics ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def page() -> Iterator[Page]:
    made = Page(("127.0.0.1", 0), lambda: [Value("motcua_agent_spool_batches", 4)])
    made.start()
    yield made
    made.stop()


def get(page: Page, path: str = "/metrics", **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=5)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_the_page_shows_the_latest_numbers(page: Page) -> None:
    status, text = get(page)
    assert status == 200
    assert "motcua_agent_spool_batches 4.0" in text


@pytest.mark.parametrize(
    ("headers", "path", "status"),
    [
        pytest.param({"Origin": "https://evil.example"}, "/metrics", 403, id="a web page asks"),
        pytest.param({"Host": "evil.example:9410"}, "/metrics", 403, id="a name that was rebound"),
        pytest.param({}, "/", 404, id="another page"),
        pytest.param({"Host": "localhost:9410"}, "/metrics", 200, id="localhost"),
        pytest.param({"Host": "[::1]:9410"}, "/metrics", 200, id="loopback of IPv6"),
        pytest.param({"Host": "[::1"}, "/metrics", 403, id="no name"),
        pytest.param({}, "/metrics?x=1", 404, id="a question"),
    ],
)
def test_the_page_is_for_this_machine(page: Page, headers: dict[str, str], path: str, status: int) -> None:
    assert get(page, path, **headers)[0] == status


def test_prometheus_client_is_loaded_only_for_the_page() -> None:
    script = "import sys, agent.__main__; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"prometheus_client", "cryptography", "typer", "rich", "httpx"} & set(done.stdout.split())


# --- small things -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        pytest.param({"n": 3, "ok": True}, "event=e n=3 ok=True", id="plain"),
        pytest.param({"t": "two words"}, 'event=e t="two words"', id="quoted"),
        pytest.param({"t": 'a "b"\nlevel=ERROR'}, 'event=e t="a \\"b\\" level=ERROR"', id="cannot forge a line"),
        pytest.param({"t": ""}, 'event=e t=""', id="empty"),
    ],
)
def test_an_event_is_one_line(facts: dict[str, Scalar], text: str) -> None:
    assert line("e", facts) == text


def test_a_home_is_held_by_one_and_given_back(tmp_path: Path) -> None:
    held = HomeLock(tmp_path)
    with pytest.raises(AlreadyRunning):
        HomeLock(tmp_path)
    held.release()
    HomeLock(tmp_path).release()
    assert os.listdir(tmp_path) == ["agent.lock"]  # noqa: PTH208 (the names are the point)
