"""The agent as a process: started, stopped, killed at any moment, started again."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
import pytest

from agent.__main__ import FAULT, NOT_JOINED, RUNS_ALREADY, USAGE
from agent.identity import CA_FILE, FILE
from tests.support.collector_double import Double, hangs, identity_json, serving
from tests.support.disks import read_only, small_disk, writable
from wire.codec import decode_parcel
from wire.messages import Lease, LeaseAnswer, Observation, Plan, PlanItem, Task

ROOT = Path(__file__).resolve().parents[2]
LATER = 2**52


@pytest.fixture
def double(tmp_path: Path) -> Iterator[Double]:
    folder = tmp_path / "double"
    folder.mkdir()
    made = Double(hold_s=1.0)
    with serving(made, folder):
        yield made


@pytest.fixture
def home(tmp_path: Path, double: Double) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / FILE).write_bytes(identity_json(double))
    (folder / CA_FILE).write_bytes(double.paper.ca)
    (folder / "agent.toml").write_text('cut_s = 1\nlog_level = "debug"\n', "utf-8")
    return folder


def ticks(count: int, *, probe: str = "tick") -> list[PlanItem]:
    return [PlanItem(f"t{n}", "lan:07375-1", probe, f"192.0.2.{n}", 1, 5) for n in range(count)]


def program(home: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "tests.support.agent_process", "run", "--home", str(home), *more]


@contextmanager
def running(home: Path, *, log: Path | None = None) -> Iterator[subprocess.Popen[bytes]]:
    with (log or home / "log").open("ab") as said:
        process = subprocess.Popen(program(home), cwd=ROOT, stderr=said, stdout=said)
        try:
            yield process
        finally:
            process.kill()
            process.wait(10)


def committed(home: Path) -> list[Observation]:
    """What the spool of a dead agent holds; it is copied first, for looking must not repair it."""
    copy = home / "copy"
    copy.mkdir(exist_ok=True)
    for name in ("spool.db", "spool.db-wal"):
        (copy / name).unlink(missing_ok=True)
        if (home / name).exists():
            (copy / name).write_bytes((home / name).read_bytes())
    if not (copy / "spool.db").exists():
        return []
    with closing(sqlite3.connect(copy / "spool.db")) as db:
        try:
            bodies = db.execute("SELECT sha256, body FROM batch").fetchall()
            fresh = db.execute("SELECT line FROM fresh").fetchall()
        except sqlite3.OperationalError:
            return []  # killed before its tables were made
    found = [msgspec.json.decode(line, type=Observation) for (line,) in fresh]
    for sha256, body in bodies:
        raw = zlib.decompress(body)
        assert hashlib.sha256(raw).digest() == sha256
        found += decode_parcel(raw).observations
    return found


def name_of(o: Observation) -> tuple[str, int, int]:
    return (o.target, o.mono_ms, o.at_ms)


def test_killed_at_any_moment_it_loses_nothing_committed_and_sends_nothing_twice(home: Path, double: Double) -> None:
    double.items = ticks(30)
    chance = random.Random(os.environ.get("MOTCUA_SEED", "8"))
    promised: set[tuple[str, int, int]] = set()
    for kills in range(40):
        if kills >= 8 and len(promised) > 50:
            break  # a slow machine has less in flight at each
        with running(home) as process:
            before = len(double.waits)
            assert double.wait_for(lambda before=before: len(double.waits) > before)  # type: ignore[misc]
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(chance.uniform(0.1, 1.6))
        promised |= {name_of(o) for o in committed(home)}
    assert len(promised) > 50, "nothing was in flight: this test shows nothing"
    known = len(double.waits)
    with running(home) as process:
        assert double.wait_for(lambda: len(double.waits) > known)
        assert double.wait_for(lambda: promised <= {name_of(o) for o in double.observations}, 30)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    counted = Counter(name_of(o) for o in double.observations)
    assert promised - set(counted) == set()
    assert [name for name, count in counted.items() if count > 1] == []
    assert committed(home) == []


def test_a_test_waits_for_its_lease_and_without_one_says_so(home: Path, double: Double) -> None:
    double.items = [PlanItem("line", "line:07375-1/a", "turn", "province", 3_600, 20)]
    given = Lease("01JLEASE", "https://measure.example", "ticket", 0.0, 60.0, 10**9, 30.0)
    double.leases.extend([LeaseAnswer(why="busy", again_s=1.0), LeaseAnswer(given)])
    double.tasks = [Task("first", "probe", {"item": "line"}, LATER, "An")]
    with running(home):
        assert double.wait_for(lambda: any(o.task_id == "first" for o in double.observations)), "never answered"
        double.tasks = [Task("second", "probe", {"item": "line"}, LATER, "An")]
        assert double.wait_for(lambda: any(o.task_id == "second" for o in double.observations))
    told = {o.task_id: (o.outcome, o.reason, o.detail) for o in double.observations if o.task_id}
    assert told["first"] == ("ok", None, {"lease": "01JLEASE"})
    assert told["second"][:2] == ("unknown", "no_lease")
    assert told["second"][2]["why"] == "no_collector"
    asked = [(ask.item, ask.task_id) for ask in double.lease_asks if ask.task_id is not None]
    assert asked[:2] == [("line", "first")] * 2


def test_told_to_stop_it_says_its_last_words_within_seconds(home: Path, double: Double) -> None:
    (home / "agent.toml").write_text("cut_s = 60\n", "utf-8")
    double.items = ticks(5)
    with running(home) as process:
        assert double.wait_for(lambda: len(double.waits) >= 3)
        process.send_signal(signal.SIGTERM)
        assert process.wait(6) == 0
    assert committed(home) == []
    assert len(double.observations) >= 5
    said = (home / "log").read_text("utf-8")
    assert "event=start" in said
    assert "event=stop" in said
    assert double.token not in said


def test_told_to_stop_while_the_collector_hangs_it_stops_all_the_same(home: Path, double: Double) -> None:
    double.items = ticks(5)
    double.faults.extend([hangs] * 5)
    with running(home) as process:
        assert double.wait_for(lambda: len(double.faults) < 5)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert len(committed(home)) >= 1


def test_on_a_read_only_disk_it_is_there_and_goes_on_by_itself(tmp_path: Path, home: Path, double: Double) -> None:
    double.items = ticks(5)
    with small_disk(tmp_path / "disk") as disk:
        for file in home.iterdir():
            (disk / file.name).write_bytes(file.read_bytes())
        read_only(disk)
        with running(disk, log=home / "log"):
            assert double.wait_for(lambda: len(double.waits) >= 4), (home / "log").read_text()
            assert double.observations == []
            writable(disk)
            assert double.wait_for(lambda: len({o.target for o in double.observations}) >= 5, 30), double
    said = (home / "log").read_text("utf-8")
    assert "event=spool_unwritable" in said
    assert "event=spool_writable" in said


def test_it_measures_from_the_first_moment_without_a_collector(home: Path, double: Double) -> None:
    raw = msgspec.json.encode(ticks(3))
    plan = Plan(1, 4, hashlib.sha256(raw).hexdigest(), msgspec.Raw(raw))
    (home / "plan.json").write_bytes(msgspec.json.encode(plan))
    (home / FILE).write_bytes(identity_json(double).replace(str(double.port).encode(), b"1"))
    with running(home) as process, pytest.raises(subprocess.TimeoutExpired):
        process.wait(3)
    assert {o.target for o in committed(home)} >= {"192.0.2.0", "192.0.2.1", "192.0.2.2"}


def test_a_task_that_was_cut_off_is_interrupted_and_never_runs_again(home: Path, double: Double) -> None:
    double.items = [PlanItem("slow", "lan:07375-1", "stuck", "192.0.2.1", 3_600, 600)]
    with running(home):
        assert double.wait_for(lambda: len(double.waits) >= 2)
        double.tasks = [Task("task-1", "probe", {"item": "slow"}, LATER, "a technician")]
        assert double.wait_for(lambda: any(w.get("running") == ["task-1"] for w in double.waits))
    double.tasks = [Task("task-1", "probe", {"item": "slow"}, LATER, "a technician")]
    with running(home):
        assert double.wait_for(lambda: any(o.task_id for o in double.observations))
        known = len(double.waits)
        double.tasks = [Task("task-1", "probe", {"item": "slow"}, LATER, "a technician")]
        assert double.wait_for(lambda: len(double.waits) >= known + 3)
    answers = [(o.task_id, o.reason, o.target) for o in double.observations if o.task_id]
    assert answers == [("task-1", "interrupted", "192.0.2.1")]


def test_two_agents_never_share_a_home(home: Path, double: Double) -> None:
    with running(home):
        assert double.wait_for(lambda: bool(double.waits))
        second = subprocess.run(program(home), cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)
    assert second.returncode == RUNS_ALREADY
    assert "another agent runs here already" in second.stderr


@pytest.mark.parametrize(
    ("spoil", "code", "text"),
    [
        pytest.param(lambda h: (h / FILE).unlink(), NOT_JOINED, "no agent is enrolled here", id="no identity"),
        pytest.param(lambda h: (h / FILE).write_bytes(b"{"), NOT_JOINED, "no agent is enrolled here", id="half of one"),
        pytest.param(
            lambda h: (h / "agent.toml").write_text("cut = 1"), USAGE, "did you mean cut_s?", id="unknown key"
        ),
    ],
)
def test_what_it_cannot_start_with_is_said_in_a_sentence(home: Path, spoil: object, code: int, text: str) -> None:
    assert callable(spoil)
    spoil(home)
    done = subprocess.run(program(home), cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == code != FAULT
    assert text in done.stderr
    assert "Traceback" not in done.stderr
