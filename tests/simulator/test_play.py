"""`motcua simulate` as people run it: over real TLS, alive on the board, found again; replayed against the truth."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 90.0

CUT = """about = "a line and a power cut"
[[cause]]
kind = "line_cut"
from_s = 180
to_s = 420
lines = ["07210-1/a"]
[[cause]]
kind = "power"
from_s = 180
to_s = 420
centres = ["07228-1"]
[[cause]]
kind = "lan"
from_s = 200
to_s = 400
centres = ["07246-1"]
[[cause]]
kind = "clock_skew"
from_s = 120
to_s = 500
centres = ["07288-1"]
[[cause]]
kind = "disk_full"
from_s = 0
to_s = 400
centres = ["07246-1"]
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def simulate(*arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "motcua", "simulate", *arguments], cwd=ROOT, capture_output=True, text=True, check=False,
        env=os.environ | {"MOTCUA_HOME": str(home)}, timeout=LIMIT_S,
    )  # fmt: skip


def test_a_replay_is_judged_as_the_truth_says(tmp_path: Path) -> None:
    scenario = tmp_path / "cut.toml"
    scenario.write_text(CUT, "utf-8")
    done = simulate(
        "--replay", "--days", "0.009", "--centres", "8", "--scenario", str(scenario), "--json", home=tmp_path / "unused"
    )
    assert done.returncode == 0, done.stderr
    end = json.loads(done.stdout)
    count = end["count"]
    assert (count["agents"], count["rejected"], count["waiting"]) == (9, 0, 0)
    assert count["receipted"] == count["batches"] > 9 * 8
    assert [row["missing"] for row in end["rows"] if row["missing"]] == []
    assert {row["kind"]: row["found"] > 0 for row in end["rows"]} == {
        "line_cut": True, "power": True, "lan": True, "clock_skew": True, "disk_full": True,
    }  # fmt: skip
    assert end["found"] == end["expected"]
    assert end["unexplained"] == []
    assert not (tmp_path / "unused").exists(), "a replay leaves nothing behind"


def test_a_history_ends_now_and_all_of_it_is_receipted_and_judged(tmp_path: Path) -> None:
    moved = {"MOTCUA_HOME": str(tmp_path), "MOTCUA_AGENTS": f"127.0.0.1:{free_port()}"}
    moved["MOTCUA_BOARD"] = f"127.0.0.1:{free_port()}"
    done = subprocess.run(
        [sys.executable, "-m", "motcua", "simulate", "--backfill", "0.02", "--only", "--centres", "2", "--json"],
        cwd=ROOT, capture_output=True, text=True, check=False, env=os.environ | moved, timeout=LIMIT_S,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    count = json.loads(done.stdout)["count"]
    assert count["accepted"] == count["observations"] > 2 * 300
    assert (count["rejected"], count["waiting"]) == (0, 0)


class Running:
    """A `motcua simulate` that goes on until Ctrl-C, read line by line."""

    def __init__(self, home: Path, arguments: Sequence[str]) -> None:
        self.lines, self.over = list[str](), False
        self.board = free_port()
        self._more = threading.Condition()
        moved = {"MOTCUA_HOME": str(home), "MOTCUA_AGENTS": f"127.0.0.1:{free_port()}"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "motcua", "simulate", *arguments], cwd=ROOT, text=True, start_new_session=True,
            env=os.environ | moved | {"MOTCUA_BOARD": f"127.0.0.1:{self.board}"}, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._more:
                self.lines.append(line)
                self._more.notify_all()
        with self._more:
            self.over = True
            self._more.notify_all()

    def wait_for(self, pattern: str) -> str:
        def found() -> bool:
            return re.search(pattern, "".join(self.lines)) is not None

        with self._more:
            self._more.wait_for(lambda: found() or self.over, LIMIT_S)
        assert found(), "".join(self.lines)
        return "".join(self.lines)

    def interrupt(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        code = self.process.wait(LIMIT_S)
        self._reader.join(LIMIT_S)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


@contextmanager
def simulated(home: Path, *arguments: str) -> Iterator[Running]:
    running = Running(home, arguments)
    try:
        yield running
    finally:
        running.interrupt()


def test_a_newcomer_sees_a_province_that_says_it_is_simulated_and_finds_it_again(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with simulated(home, "--centres", "4", "--scenario", "calm") as first:
        first.wait_for(r"4 of 4 centres are judged")
        with urllib.request.urlopen(f"http://127.0.0.1:{first.board}/?lang=en", timeout=10) as answer:
            page = answer.read().decode()
        assert "Simulated data – nothing here was measured" in page
        assert "4 centres serve normally" in page or "Bac Giang" in page
        assert first.interrupt() == 0, first.lines
        assert "0 rejected" in first.wait_for("count")
    truth = [json.loads(line) for line in (home / "truth.ndjson").read_text("utf-8").splitlines()]
    assert truth[0]["simulated"] is True
    assert truth[0]["names"]["agent@07210-1"].startswith("agent:")
    with simulated(home) as second:
        second.wait_for(r"0 enrolled with one-time codes, 5 known before")
        second.wait_for("Board")
        assert second.interrupt() == 0, second.lines
    assert (home / "simulated.json").stat().st_mode & 0o077 == 0, "tokens are for their owner"


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        pytest.param(["--scenario", "stor"], 2, "did you mean storm?", id="a scenario with a typing error"),
        pytest.param(["--centres", "0"], 2, "--centres", id="no centre"),
        pytest.param(["--replay", "--start", "yesterday"], 2, "is no moment", id="no moment"),
        pytest.param(["--replay", "--start", "2001-01-01"], 2, "within the last 400 days", id="long ago"),
        pytest.param(["--replay", "--province", "/nowhere"], 2, "cannot be copied", id="no province"),
    ],
)
def test_wrong_usage_ends_with_its_sentence(arguments: list[str], code: int, says: str, tmp_path: Path) -> None:
    done = simulate(*arguments, home=tmp_path / "home")
    assert (done.returncode, says in done.stderr) == (code, True), done.stderr


def test_a_home_with_measurements_is_refused(tmp_path: Path) -> None:
    (tmp_path / "core.db").write_bytes(b"measured")
    done = simulate(home=tmp_path)
    assert (done.returncode, "holds data that is not simulated" in done.stderr) == (2, True), done.stderr
