"""The reflector as a process: its socket, its command, its way to end."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from collector import claims
from collector.measure.ticket import KEY_FILE, load_key
from collector.reflector.serving import bind
from collector.settings import Address
from tests.support.reflecting import AGENT, TICKET, numbers, reflecting, train
from wire import reflecting as said
from wire.datagram import Receiver
from wire.reflecting import pass_of, passes_key, read_pass

ROOT = Path(__file__).resolve().parents[3]
SESSION, NONCE = b"session!", b"nonce123"


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_answers_carry_the_dscp_of_their_questions(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with (
        reflecting(lambda: bind(Address(host, 0))) as running,
        socket.socket(family, socket.SOCK_DGRAM) as mine,
    ):
        receiver = Receiver(mine, time.monotonic_ns)
        mine.settimeout(5)
        mine.connect((host, running.port))
        mine.send(said.ask(read_pass(TICKET), SESSION, NONCE))
        cookie = said.read_grant(receiver.receive().data, SESSION, NONCE)
        assert cookie is not None
        for number, tos in enumerate((184, 136, 0)):
            mine.send(said.question(SESSION, cookie, number, 1, tos=tos, size=300))
            found = receiver.receive()
            assert (found.tos, len(found.data)) == (tos, 300)


def test_a_port_that_is_taken_is_named() -> None:
    with bind(Address("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        with pytest.raises(claims.Taken, match=f"127.0.0.1:{port}.*--listen"):
            bind(Address("127.0.0.1", port))


def started(home: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "motcua", "collector", "reflect", *arguments], cwd=ROOT, text=True,
        env=os.environ | {"MOTCUA_HOME": str(home)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def test_the_command_answers_until_it_is_told_to_stop_and_says_what_it_did(tmp_path: Path) -> None:
    with started(tmp_path, "--listen", "127.0.0.1:0") as process:
        assert process.stdout is not None
        port = re.search(r"127\.0\.0\.1:(\d+)", process.stdout.readline())
        assert port is not None
        ticket = pass_of(passes_key(load_key(tmp_path / KEY_FILE)), AGENT).text()
        found = train(f"127.0.0.1:{port[1]}", {"ticket": ticket})
        assert (found.result.outcome, numbers(found, "ef")["received_packets"]) == ("ok", 40.0)
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=20)
    assert process.returncode == 0, log
    assert "granted 1" in log
    assert "answered 120" in log


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(["--listen", "8462"], "--listen", id="no address"),
        pytest.param(["--key", "/nowhere/measure.key"], "collector's home", id="no key"),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, arguments: list[str], says: str) -> None:
    with started(tmp_path, *arguments) as process:
        _, log = process.communicate(timeout=20)
    assert (process.returncode, says in log) == (2, True), log
