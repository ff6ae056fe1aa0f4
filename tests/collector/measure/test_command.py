"""`motcua collector measure`, its links and its kit, as a person types them."""

from __future__ import annotations

import http.client
import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from collector.cli import commands
from collector.measure import ticket
from wire.clock import SystemClock
from wire.pinning import pinned

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MOTCUA_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_a_link_opens_the_server_that_has_the_same_key(home: Path) -> None:
    done = CliRunner().invoke(commands(), ["measure-link", "http://192.0.2.7:8444/", "--line", "07375-1/a", "--json"])
    said = json.loads(done.stdout)
    assert said["url"] == f"http://192.0.2.7:8444/m/{said['ticket']}/"
    read = ticket.read(ticket.load_key(home / ticket.KEY_FILE), said["ticket"], now_ms=SystemClock().wall_ms())
    assert (read.line, read.kind, read.max_bytes) == ("07375-1/a", "browser", 1_000_000_000)


def test_a_server_made_from_the_kit_is_trusted_and_takes_our_tickets(home: Path, tmp_path: Path) -> None:
    kit = tmp_path / "kit"
    done = CliRunner().invoke(commands(), ["measure-kit", "127.0.0.1", str(kit)])
    assert done.exit_code == 0, done.output
    assert {stat.S_IMODE((kit / name).stat().st_mode) for name in ("server.key", ticket.KEY_FILE)} == {0o600}
    link = json.loads(CliRunner().invoke(commands(), ["measure-link", "http://x", "--json"]).stdout)
    files = {"key-file": "measure.key", "cert": "server.pem", "cert-key": "server.key"}
    options = [f"--{name}={kit / file}" for name, file in files.items()]
    command = [sys.executable, "-m", "motcua", "collector", "measure", "--listen", "127.0.0.1:0", *options]
    environment = os.environ | {"MOTCUA_HOME": str(tmp_path / "elsewhere")}
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=environment) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline().split(",")[0].rpartition(":")[2])
        secure = http.client.HTTPSConnection(
            "127.0.0.1", port, timeout=10, context=pinned((home / "ca.pem").read_bytes())
        )
        secure.request("GET", f"/m/{link['ticket']}/ping")
        assert secure.getresponse().status == 204
        secure.close()
        server.send_signal(signal.SIGTERM)
        assert server.wait(10) == 0


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        pytest.param(["measure", "--listen", "nowhere"], 2, "is not an address", id="an address that is none"),
        pytest.param(["measure", "--key-file", "/nonexistent"], 1, "copy measure.key", id="a key that is not there"),
        pytest.param(["measure", "--cert", "x.pem"], 2, "come together", id="a certificate without its key"),
    ],
)
def test_what_cannot_be_done_is_said_with_its_remedy(arguments: list[str], code: int, words: str) -> None:
    done = CliRunner().invoke(commands(), arguments)
    assert (done.exit_code, words in done.output) == (code, True), done.output
