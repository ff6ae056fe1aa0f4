"""The command line: what it prints, and the exit codes it promises."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from collector.cli import commands
from wire.joincode import parse


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("MOTCUA_AGENTS", "MOTCUA_BOARD", "MOTCUA_DATABASE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MOTCUA_HOME", str(tmp_path))
    return tmp_path


def run(*words: str) -> Result:
    return CliRunner().invoke(commands(), list(words))


def test_a_join_code_makes_the_centre_it_is_given_a_name_for() -> None:
    made = json.loads(run("join-code", "07375-1", "--name-vi", "Một cửa", "--json").stdout)
    assert (made["centre"], made["role"], made["url"]) == ("07375-1", "box", "https://127.0.0.1:8443")
    assert str(parse(made["join_code"])) == made["join_code"]
    (centre,) = json.loads(run("centres", "--json").stdout)
    assert centre == {"key": "07375-1", "name_vi": "Một cửa", "name_en": "Một cửa", "out_of_service": None}
    assert "Một cửa" in run("centres").stdout


def test_a_plain_join_code_is_all_that_is_printed() -> None:
    code = run("join-code", "07375-1", "--name-en", "Office").stdout.strip()
    assert str(parse(code)) == code


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        pytest.param(["join-code", "07375-1"], 3, "give it a name", id="unknown centre"),
        pytest.param(["join-code", "7"], 2, "not a centre's key", id="no key"),
        pytest.param(["join-code", "07375-1", "--role", "king"], 2, "no role", id="no role"),
        pytest.param(["agents", "--revoke", "x"], 3, "no agent x", id="unknown agent"),
        pytest.param(["nonsense"], 2, "nonsense", id="no command"),
    ],
)
def test_what_is_wrong_has_its_sentence_and_its_code(words: list[str], code: int, said: str) -> None:
    result = run(*words)
    assert result.exit_code == code
    assert said in result.stderr


def test_settings_that_are_wrong_are_named(home: Path) -> None:
    (home / "collector.toml").write_text("nonsense = 1")
    result = run("check-config")
    assert (result.exit_code, "unknown key nonsense" in result.stderr) == (2, True)


def test_settings_are_shown_without_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTCUA_DATABASE", "postgresql://u:secret@h/d")
    for words in (["check-config"], ["check-config", "--json"]):
        assert "secret" not in run(*words).stdout
    assert json.loads(run("check-config", "--json").stdout)["database"] == "postgresql://u:***@h/d"


def test_a_database_that_is_locked_is_busy(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("migrate").exit_code == 0
    monkeypatch.setattr("collector.store.databases.BUSY_MS", 20)
    other = sqlite3.connect(home / "core.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert run("login-link", "Lan").exit_code == 4
    other.close()


def test_a_login_link_leads_to_the_board() -> None:
    made = json.loads(run("login-link", "Lan", "--json").stdout)
    assert made["url"].startswith("http://127.0.0.1:8080/login/")


def test_agents_are_listed() -> None:
    assert json.loads(run("agents", "--json").stdout) == []


def test_every_command_says_its_exit_codes() -> None:
    for name in ("join-code", "centres", "agents", "migrate", "check-config", "login-link", "import"):
        assert "Exit codes" in run(name, "--help").stdout
