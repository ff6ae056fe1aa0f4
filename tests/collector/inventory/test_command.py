"""`motcua collector import`: what is printed, what is asked, and the exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from collector.cli import commands
from collector.inventory import command

PROVINCE = str(Path(__file__).parents[3] / "province" / "bac-ninh")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("MOTCUA_AGENTS", "MOTCUA_BOARD", "MOTCUA_DATABASE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MOTCUA_HOME", str(tmp_path / "home"))
    return tmp_path


def run(*words: str, **how: str) -> Result:
    return CliRunner().invoke(commands(), ["import", *words], **how)  # type: ignore[arg-type]


def small(folder: Path, name: str = "Một cửa") -> str:
    (folder / "centres.csv").write_text(f"key,name_vi\n07375-1,{name}\n", "utf-8")
    return str(folder)


def test_a_dry_run_shows_the_difference_and_changes_nothing() -> None:
    for _ in range(2):
        result = run(PROVINCE, "--dry-run")
        assert result.exit_code == 0
        assert "centres   99     0" in result.stdout
        assert "dry run: nothing was changed" in result.stdout


def test_an_import_and_the_way_back_as_json(home: Path) -> None:
    folder = small(home)
    made = json.loads(run(folder, "--yes", "--json").stdout)
    assert (made["applied"], made["import"], made["tables"]["centres"]["added"]) == (True, 1, 1)
    small(home, "Tên [bold]mới[/bold]")
    (changed,) = json.loads(run(folder, "--dry-run", "--json").stdout)["tables"]["centres"]["examples"]
    assert changed["before"]["name_vi"] == "Một cửa"
    shown = run(folder, "--yes").stdout
    assert "~ centres 07375-1: name_vi Một cửa → Tên [bold]mới[/bold]" in shown
    assert "--undo takes it back" in shown
    back = json.loads(run("--undo", "--yes", "--json").stdout)
    assert (back["undoes"], back["applied"], back["tables"]["centres"]["changed"]) == (2, True, 1)
    assert "import 1 is undone" in run("--undo", "--yes").stdout
    assert run("--undo", "--yes").exit_code == 3


def test_the_same_files_again_change_nothing(home: Path) -> None:
    folder = small(home)
    run(folder, "--yes")
    assert "nothing differs: nothing was changed" in run(folder, "--yes").stdout


@pytest.mark.parametrize(("answer", "there"), [("y\n", 1), ("có\n", 1), ("\n", 0), ("n\n", 0)])
def test_a_person_is_asked(home: Path, monkeypatch: pytest.MonkeyPatch, answer: str, there: int) -> None:
    folder = small(home)
    monkeypatch.setattr(command, "is_terminal", lambda: True)
    assert "Import this?" in run(folder, input=answer).stdout
    listed = CliRunner().invoke(commands(), ["centres", "--json"]).stdout
    assert len(json.loads(listed)) == there


def test_a_program_that_does_not_agree_is_told_how(home: Path) -> None:
    result = run(small(home))
    assert (result.exit_code, "say --yes" in result.stderr) == (2, True)


def test_flaws_are_listed_and_end_with_one(home: Path) -> None:
    (home / "centres.csv").write_text("key,name_vi\nx,a\n" + "y,\n" * 150, "utf-8")
    result = run(str(home), "--yes")
    assert result.exit_code == 1
    assert "centres.csv:2 · key: 'x' is not a centre's key" in result.stderr
    assert "… and 101 more" in result.stderr
    assert "301 problems; nothing was imported" in result.stderr
    found = json.loads(run(str(home), "--yes", "--json").stdout)
    assert (len(found["problems"]), found["more"], found["applied"]) == (200, 101, False)
    assert found["problems"][0]["line"] == 2


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        pytest.param([], 2, "name the folder", id="nothing"),
        pytest.param(["a", "--undo"], 2, "one of the two", id="both"),
        pytest.param(["nowhere"], 3, "there is no nowhere", id="no folder"),
        pytest.param(["--undo", "--yes"], 3, "no import that could be undone", id="nothing to undo"),
    ],
)
def test_wrong_words_have_their_sentence_and_their_code(words: list[str], code: int, said: str) -> None:
    result = run(*words)
    assert (result.exit_code, said in result.stderr) == (code, True)
