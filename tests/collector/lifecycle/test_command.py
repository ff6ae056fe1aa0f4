"""`motcua collector pause|resume|move|…`: shown first, asked, done, and the way back; exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from collector.cli import commands
from collector.lifecycle import command
from collector.lifecycle.command import moment

NOW = 1_763_700_000_000  # 2025-11-21 11:40 in Vietnam


@pytest.fixture(autouse=True)
def register(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MOTCUA_AGENTS", "MOTCUA_BOARD", "MOTCUA_DATABASE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MOTCUA_HOME", str(tmp_path / "home"))
    tables = tmp_path / "tables"
    tables.mkdir()
    (tables / "centres.csv").write_text("key,name_vi\n07375-1,Xã Lạng Giang\n07330-1,Xã Phúc Hoà\n", "utf-8")
    (tables / "lines.csv").write_text("key,kind,carrier\n07375-1/a,internet,vnpt\n", "utf-8")
    assert run("import", str(tables), "--yes").exit_code == 0


def run(*words: str, **how: str) -> Result:
    return CliRunner().invoke(commands(), list(words), **how)  # type: ignore[arg-type]


def told(*words: str) -> dict[str, object]:
    document = json.loads(run(*words, "--json").stdout)
    assert isinstance(document, dict)
    return document


def recorded(centre: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(run("changes", centre, "--json").stdout)["changes"]
    return found


def test_a_dry_run_shows_what_would_come_of_it_and_changes_nothing() -> None:
    shown = run("merge", "07330-1", "07375-1", "--reason", "NQ 388", "--dry-run")
    assert (shown.exit_code, shown.stdout) == (
        0, "  centre:07330-1 leaves service in favour of centre:07375-1\nnothing was changed\n",
    )  # fmt: skip
    assert recorded("07330-1") == []


def test_every_act_says_how_it_is_taken_back_and_that_works() -> None:
    for words in (
        ["rename", "07375-1", "--vi", "Phường Lạng Giang", "--reason", "NQ 388"],
        ["pause", "07375-1/a", "--until", "+4h", "--reason", "Thay cáp"],
        ["move", "07375-1/a", "07330-1", "--reason", "dời tuyến"],
        ["merge", "07330-1", "07375-1", "--reason", "NQ 388"],
        ["decommission", "07375-1", "--reason", "giải thể"],
    ):
        done = run(*words, "--yes")
        assert done.exit_code == 0, done.output
        back = done.stdout.strip().rpartition("motcua collector ")[2]
        if words[0] in {"merge", "decommission"}:
            assert run(*back.split(), "--yes").exit_code == 0
    listed = {row["key"]: row for row in json.loads(run("centres", "--json").stdout)}
    assert [row["out_of_service"] for row in listed.values()] == [None, None]
    assert listed["07375-1"]["name_vi"] == "Phường Lạng Giang"


def test_an_act_as_json() -> None:
    done = told("decommission", "07375-1/a", "--reason", "cắt hợp đồng", "--yes", "--by", "Trần Văn Bình")
    assert (done["applied"], done["act"], done["back"]) == (True, "decommission", "restore line:07375-1/a")
    changes = [(change["actor"], change["reason"]) for change in recorded("07375-1")]
    assert changes == [("Trần Văn Bình", "cắt hợp đồng")]


@pytest.mark.parametrize(("answer", "there"), [("có\n", 1), ("\n", 0)])
def test_a_person_is_asked(monkeypatch: pytest.MonkeyPatch, answer: str, there: int) -> None:
    monkeypatch.setattr(command, "is_terminal", lambda: True)
    assert "Do this?" in run("decommission", "07375-1", "--reason", "x", input=answer).stdout
    assert len(recorded("07375-1")) == there


def test_a_centre_that_went_into_another_is_listed_with_it() -> None:
    run("merge", "07330-1", "07375-1", "--reason", "NQ 388", "--yes")
    listed = {row["key"]: row["out_of_service"] for row in json.loads(run("centres", "--json").stdout)}
    assert listed == {"07330-1": "centre:07375-1", "07375-1": None}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        pytest.param(["pause", "07399-1", "--until", "+1h", "--reason", "x", "--yes"], 3, "no centre", id="unknown"),
        pytest.param(["pause", "07375-1", "--until", "soon", "--reason", "x", "--yes"], 2, "is no moment", id="when"),
        pytest.param(["pause", "07375-1", "--until", "2001-01-01", "--reason", "x", "--yes"], 1, "ends b", id="past"),
        pytest.param(["resume", "07375-1", "--yes"], 1, "no planned stop", id="nothing runs"),
        pytest.param(["restore", "07375-1", "--json"], 2, "--json asks nothing", id="json without yes"),
        pytest.param(["decommission", "07375-1", "--reason", "x"], 2, "say --yes", id="nobody there"),
        pytest.param(["replace", "01ARZ3NDEKTSV4RRFFQ69G5FAV"], 3, "could be replaced", id="no agent"),
        pytest.param(["decommission", "07375-1", "--reason", "x", "--by", "x" * 81], 2, "80 letters", id="a long name"),
    ],
)  # fmt: skip
def test_wrong_words_have_their_sentence_and_their_code(words: list[str], code: int, said: str) -> None:
    result = run(*words)
    assert (result.exit_code, said in result.stderr) == (code, True), result.output


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("+4h", NOW + 4 * 3_600_000), ("+90m", NOW + 90 * 60_000), ("+2d", NOW + 2 * 86_400_000),
        ("2025-11-21T11:40", NOW), ("2025-11-21T04:40+00:00", NOW),
    ],
)  # fmt: skip
def test_moments_are_vietnam_s_unless_they_say_otherwise(text: str, ms: int) -> None:
    assert moment(text, NOW) == ms


@pytest.mark.parametrize("text", ["", "+h", "+999999d", "21/11/2025", "now"])
def test_what_is_no_moment_ends_the_command(text: str) -> None:
    with pytest.raises(typer.Exit):
        moment(text, NOW)
