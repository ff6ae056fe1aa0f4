"""The LAN page in a running agent: what it measures is shown, and a clerk's word reaches the collector at once."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.identity import CA_FILE, FILE
from tests.agent.test_process import running
from tests.support.collector_double import Double, identity_json, serving
from wire.messages import PlanItem


@pytest.fixture
def double(tmp_path: Path) -> Iterator[Double]:
    folder = tmp_path / "double"
    folder.mkdir()
    made = Double(hold_s=1.0)
    with serving(made, folder):
        yield made


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        found: int = free.getsockname()[1]
    return found


@pytest.fixture
def home(tmp_path: Path, double: Double, port: int) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / FILE).write_bytes(identity_json(double))
    (folder / CA_FILE).write_bytes(double.paper.ca)
    (folder / "agent.toml").write_text(f'cut_s = 60\nlan_listen = "127.0.0.1:{port}"\n', "utf-8")
    return folder


def ask(port: int, method: str, path: str, body: bytes = b"") -> tuple[int, str]:
    there = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    there.request(method, path, body, {"Content-Type": "application/x-www-form-urlencoded"})
    answer = there.getresponse()
    text = answer.read().decode()
    there.close()
    return answer.status, text


def test_a_clerks_word_is_sent_at_once_and_what_was_measured_is_shown(home: Path, double: Double, port: int) -> None:
    double.items = [PlanItem("d", "line:07375-1/a", "dns", "resolver", 1, 5)]
    with running(home):
        assert double.wait_for(lambda: len(double.waits) >= 2)
        assert ask(port, "POST", "/slow", b"text=cong+dich+vu")[0] == 200
        assert double.wait_for(lambda: any(o.probe == "complaint" for o in double.observations), 10), "not sent at once"
        status, text = ask(port, "GET", "/")
    told = [(o.subject, o.target, o.detail) for o in double.observations if o.probe == "complaint"]
    assert told == [("centre:07375-1", "clerk", {"text": "cong dich vu"})]
    assert (status, "Đường truyền a" in text) == (200, True)
