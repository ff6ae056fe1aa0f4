"""`motcua collector plan`: what is measured there and why something is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from collector.cli import commands
from collector.hub import Hub
from collector.settings import Settings
from collector.store.databases import migrate, open_store
from tests.support.handclock import HandClock
from tests.support.planned import enrol, province, service

RUNNER = CliRunner()


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A province with a box at 07375-1, a PC beside it and a vantage, in the home that the commands use."""
    home = tmp_path / "home"
    store = open_store(home, HandClock())
    migrate(store)
    hub = Hub(store, store.clock, Settings(home=home))
    services = service(budget=1) + service("dvcqg", scope="national", period_s=300, on=False)
    province(hub, tmp_path / "p", services=services)
    found = enrol(hub).agent
    enrol(hub, role="pc")
    enrol(hub, "00000-2", "vantage")
    store.close()
    monkeypatch.setenv("MOTCUA_HOME", str(home))
    monkeypatch.setenv("COLUMNS", "250")
    return found


def asked(*words: str) -> str:
    done = RUNNER.invoke(commands(), ["plan", *words])
    assert done.exit_code == 0, done.output
    return done.output


def test_a_centres_plan_is_a_table_with_its_reasons(box: str) -> None:
    table = asked("07375-1")
    assert "leaves by the interface eth1" in table
    assert "120 s is stretched" in table
    assert "not listed" in table
    assert "service:dvcqg@07375-1" not in table
    assert table.count(" pc ") == 2, "the box and the PC"


def test_every_row_is_in_the_document(box: str) -> None:
    rows = json.loads(asked("07375-1", "--json"))["plan"]
    named = {(row["subject"], row["probe"]): row for row in rows if row["agent"] == box}
    assert named["service:dvcqg@07375-1", ""]["why"] == "it is switched off"
    assert named["service:dvcqg@07375-1", ""]["period_s"] is None
    assert named["line:07375-1/b", "reach"]["settings"]["interface"] == "eth1"
    assert named["service:portal@07375-1", "service"]["period_s"] > 120


def test_one_agents_plan_is_asked_by_its_id(box: str) -> None:
    assert {row["agent"] for row in json.loads(asked(box, "--json"))["plan"]} == {box}


def test_a_line_that_is_not_measured_is_told_at_its_centre(box: str) -> None:
    from collector.console import opened

    with opened() as hub:
        enrol(hub, "07330-1")
    assert "not measurable from here" in asked("07330-1")


def test_an_unknown_name_is_not_found(box: str) -> None:
    done = RUNNER.invoke(commands(), ["plan", "99999-1"])
    assert done.exit_code == 3
    assert "99999-1" in done.output
