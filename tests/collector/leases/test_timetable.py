"""The timetable of a day: what stands in it, what is expected, what each line has spent; and its command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import func, select
from typer.testing import CliRunner, Result

from collector.cli import commands
from collector.hub import Hub
from collector.leases.keeping import Asked, Leases, day_start
from collector.leases.timetable import Entry, read_day, spent_bytes
from collector.leases.windows import DAY_MS
from collector.settings import MeasureServer, Settings
from collector.store.databases import migrate, open_store
from collector.store.lease_tables import lease as t
from tests.support import planned
from tests.support.handclock import HandClock
from tests.support.leased import must_hold
from wire.clock import Clock, SystemClock
from wire.messages import LeaseAnswer, LeaseAsk

SERVER = MeasureServer("https://measure.example:8444", 1_000, 20)
LINES = (
    "key,kind,carrier,contract_bps,uplink_group,reach_by\n07375-1/a,internet,vnpt,100000000,cabinet,default\n"
    "07330-1/a,internet,vnpt,50000000,cabinet,default\n"
)


class Town:
    """Two boxes behind one cabinet."""

    def __init__(self, home: Path, clock: Clock) -> None:
        store = open_store(home / "home", clock)
        migrate(store)
        self.clock = clock
        self.hub = Hub(store, clock, Settings(home=home / "home", measure=(SERVER,)))
        planned.province(self.hub, home / "province", lines=LINES)
        self.leases = Leases(self.hub)
        self.leases.loop().step()
        self.boxes = [planned.enrol(self.hub, key).agent for key in ("07375-1", "07330-1")]

    def ask(self, n: int = 0, *, task: str | None = None, returns: str | None = None, used: int = 0) -> LeaseAnswer:
        item = next(i.id for i in planned.items(self.hub, self.boxes[n]) if i.probe == "bandwidth")
        one = Asked(self.boxes[n], LeaseAsk(item, task, returns, used))
        self.leases.ready(one)
        [answer] = self.hub.store.writer.do(lambda conn: self.leases.do(conn, [one]))
        return answer

    def day(self, ahead: int = 0) -> list[Entry]:
        now_ms = self.clock.wall_ms()
        with self.hub.store.reading() as conn:
            return read_day(conn, day_start(now_ms) + ahead * DAY_MS, now_ms)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def town(tmp_path: Path, clock: HandClock) -> Town:
    return Town(tmp_path, clock)


def told(entries: list[Entry]) -> list[tuple[str, str]]:
    return [(entry.slot.line, entry.standing) for entry in entries]


def test_what_was_given_is_under_way_then_done_or_never_returned(town: Town, clock: HandClock) -> None:
    first = town.ask(task="t").lease
    assert first is not None
    assert ("07375-1/a", "under_way") in told(town.day())
    assert spent_bytes(town.day()) == {"07375-1/a": 375_000_000}
    clock.forward(20_000)
    town.ask(returns=first.id, used=5_000_000)
    assert ("07375-1/a", "done") in told(town.day())
    assert town.ask(1, task="u").lease is not None
    clock.forward(3_600_000)
    assert ("07330-1/a", "expired") in told(town.day())
    assert spent_bytes(town.day()) == {"07375-1/a": 5_000_000, "07330-1/a": 187_500_000}


def test_days_to_come_hold_what_is_reserved_and_what_is_expected(town: Town) -> None:
    assert town.ask(0).why == "window"
    both = [*town.day(), *town.day(1), *town.day(2)]
    ahead = {line: [standing for found, standing in told(both) if found == line] for line in ("07375-1/a", "07330-1/a")}
    assert "reserved" in ahead["07375-1/a"]
    assert "expected" in ahead["07330-1/a"]
    must_hold([entry.slot for entry in both], [], 20)
    with town.hub.store.reading() as conn:
        assert conn.scalar(select(func.count()).select_from(t)) == 1  # looking writes nothing


def test_a_turn_nobody_came_for_is_said(town: Town, clock: HandClock) -> None:
    turn = town.ask(0)
    assert turn.again_s is not None
    clock.forward(round(turn.again_s * 1000) + 120_000)
    assert ("07375-1/a", "missed") in told(town.day())


class TestCommand:
    @pytest.fixture(autouse=True)
    def _home(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("MOTCUA_AGENTS", "MOTCUA_BOARD", "MOTCUA_DATABASE", "MOTCUA_MEASURE"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("MOTCUA_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("COLUMNS", "200")

    @staticmethod
    def run(*words: str) -> Result:
        return CliRunner().invoke(commands(), ["leases", *words])

    def test_it_lists_whose_turn_it_is_and_what_it_cost(self, tmp_path: Path) -> None:
        town = Town(tmp_path, SystemClock())
        assert town.ask(task="t").lease is not None
        table = self.run()
        assert table.exit_code == 0, table.output
        assert "under way" in table.stdout
        document = json.loads(self.run("--json").stdout)
        assert document["servers"] == [{"url": SERVER.url, "bps": 1_000_000_000, "tests": 20}]
        [mine] = [slot for slot in document["slots"] if slot["standing"] == "under_way"]
        assert (mine["line"], mine["uplink"], mine["on_demand"], mine["used_bytes"]) == (
            "07375-1/a", "cabinet", True, None,
        )  # fmt: skip
        assert document["spent_bytes"] == {"07375-1/a": 375_000_000}

    def test_tomorrow_is_foreseen_for_every_line(self, tmp_path: Path) -> None:
        Town(tmp_path, SystemClock())
        days = [json.loads(self.run("--json", *more).stdout) for more in ([], ["--tomorrow"])]
        slots = [slot for day in days for slot in day["slots"]]
        assert {slot["line"] for slot in slots} == {"07375-1/a", "07330-1/a"}
        assert {slot["standing"] for slot in slots} == {"expected"}

    def test_without_a_server_it_says_what_to_do(self, tmp_path: Path) -> None:
        assert "motcua serve --measure URL" in self.run().stdout

    def test_a_day_that_is_none_is_named(self) -> None:
        wrong = self.run("--day", "yesterday")
        assert wrong.exit_code == 2
        assert "'yesterday' is not a day" in wrong.stderr
