"""`motcua collector policy`: shown, compared, tried, set, gone back from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from collector.cli import commands
from collector.hub import Hub
from collector.judging.loop import Judge
from collector.judging.policy import read_policy_file
from collector.settings import Settings
from collector.store.databases import migrate, open_store
from tests.support.handclock import HandClock
from tests.support.measured import LAN, LINE, every, ms, train
from tests.support.town import Town

RAW, _ = read_policy_file(None)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("MOTCUA_AGENTS", "MOTCUA_BOARD", "MOTCUA_DATABASE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MOTCUA_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "240")
    monkeypatch.setenv("LOGNAME", "hoa")
    return tmp_path


@pytest.fixture
def slower(tmp_path: Path) -> str:
    """A candidate that lets a line be slower, and is a file."""
    path = tmp_path / "slower.toml"
    path.write_bytes(RAW.replace(b"rtt_s = 0.05", b"rtt_s = 0.08"))
    return str(path)


@pytest.fixture
def lived(home: Path, clock: HandClock) -> None:
    """An hour of a line that was slow for half of it, judged by the province's policy."""
    store = open_store(home, clock)
    migrate(store)
    hub = Hub(store, clock, Settings(home=home))
    town, judge = Town(hub), Judge(hub)
    town.settle()
    clock.wall = ms(0)
    judge.step()
    town.hear(ms(3_600), since_ms=ms(0))
    town.send([train(s, LINE, rtt_s=0.06 if s < 1_800 else 0.01) for s in range(0, 3_600, 10)])
    town.send(every(range(0, 3_600, 10), LAN, target="gateway"))
    clock.wall = ms(3_600)
    while judge.step() == 0:
        pass
    store.close()


def run(*words: str, given: str | None = None) -> Result:
    return CliRunner().invoke(commands(), ["policy", *words], input=given)


def tried(*words: str) -> Result:
    """What a policy would have said, as far as anything was lived: up to now would be a year of nothing."""
    return run("try", *words, "--to", "2025-11-21T13:00")


def numbers() -> list[int]:
    return [version["number"] for version in json.loads(run("list", "--json").stdout)["versions"]]


def test_the_policy_in_force_is_shown_in_words_with_units(lived: None) -> None:
    told = run("show").stdout
    assert "policy version 1, from 2025-11-21 11:40:00, read from the policy file" in told
    assert "Median round trip over this: degraded" in told
    assert "50 ms" in told
    shown = json.loads(run("show", "--json").stdout)
    assert (shown["number"], shown["set_by"]) == (1, None)
    assert {"key": "line.rtt_s", "value": 0.05, "unit": "s", "written": "50 ms",
            "says": "Median round trip over this: degraded"} in shown["thresholds"]  # fmt: skip


def test_the_text_of_a_version_is_a_file_to_begin_from(lived: None, home: Path) -> None:
    (home / "copy.toml").write_text(run("show", "--toml").stdout, "utf-8")
    assert "no threshold differs" in run("diff", str(home / "copy.toml")).stdout


def test_a_file_is_compared_with_what_is_in_force(lived: None, slower: str) -> None:
    told = " ".join(run("diff", slower).stdout.split())
    assert "line.rtt_s 50 ms → 80 ms Median round trip over this: degraded" in told
    (change,) = json.loads(run("diff", slower, "--json").stdout)["changes"]
    assert (change["key"], change["old"], change["new"], change["unit"]) == ("line.rtt_s", 0.05, 0.08, "s")


def test_trying_says_what_would_differ_and_how_far_back_it_looked(lived: None, slower: str) -> None:
    result = tried(slower)
    told = " ".join(result.stdout.split())
    assert result.exit_code == 0, result.stderr
    assert "preview covers from 2025-11-21 11:40:00 to " in told
    assert "0 would appear, 4 would not be, 0 would move" in told
    assert f"{LINE} would not be 2025-11-21 11:42:50 – degraded (slow)" in told
    assert f"{LINE} degraded" in told
    assert "not tried, and left as on record: shared systems in the province as a whole; speed tests" in told
    assert "nothing was written" in told
    assert numbers() == [1]


def test_trying_for_machines_is_one_document(lived: None, slower: str) -> None:
    made = json.loads(run("try", slower, "--json", "--from", "2025-11-21T11:50", "--to", "2025-11-21T12:30").stdout)
    assert made["to_ms"] - made["from_ms"] == 40 * 60_000
    found = made["appears"] + made["vanishes"] + made["moves"]
    assert (found, made["left_out"]) == (len(made["differences"]), 0)
    assert made["not_tried"] == ["shared", "bandwidth", "line.full"]
    (line,) = [t for t in made["state_ms"] if t["subject"] == LINE]
    assert sum(line["old"].values()) == sum(line["new"].values()) == 40 * 60_000


def test_the_same_policy_tried_finds_nothing(lived: None, home: Path) -> None:
    (home / "same.toml").write_bytes(RAW)
    assert "nothing would have been different" in tried(str(home / "same.toml")).stdout
    one = tried(str(home / "same.toml"), "--centre", "00000-1")
    assert (one.exit_code, "at 1 centres" in one.stdout) == (0, True)
    assert run("try", str(home / "same.toml"), "--centre", "99999-1").exit_code == 3


def test_setting_asks_and_says_the_way_back(lived: None, slower: str) -> None:
    refused = run("set", slower, given="n\n")
    assert (refused.exit_code, "nothing was set" in refused.stderr, numbers()) == (1, True, [1])
    done = run("set", slower, given="y\n")
    assert done.exit_code == 0
    assert "80 ms" in done.stdout
    assert "to go back: motcua collector policy set --version 1" in done.stdout
    back = json.loads(run("set", "--version", "1", "--yes", "--json", "--by", "Trần Văn Bình").stdout)
    assert (back["version"], back["before"], back["changed"]) == (3, 2, True)
    assert "set by Trần Văn Bình" in run("show").stdout
    listed = json.loads(run("list", "--json").stdout)["versions"]
    assert [v["set_by"] for v in listed] == ["Trần Văn Bình", "hoa", None]
    assert "50 ms" in run("show", "--version", "3").stdout


def test_where_nobody_answers_nothing_is_set(lived: None, slower: str) -> None:
    assert run("set", slower, given="").exit_code == 1
    assert numbers() == [1]


def test_setting_what_is_in_force_sets_nothing(lived: None) -> None:
    assert "nothing was set" in run("set", "--version", "1", "--yes").stdout
    assert numbers() == [1]


def test_a_policy_can_be_set_before_the_collector_ever_ran(slower: str) -> None:
    assert run("set", slower, "--yes").exit_code == 0
    assert numbers() == [2, 1]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        pytest.param(["show"], 3, "no policy is kept yet", id="nothing kept"),
        pytest.param(["show", "--version", "9"], 3, "no policy version 9", id="no such version"),
        pytest.param(["set"], 2, "a file or --version", id="nothing to set"),
        pytest.param(["set", "x.toml", "--version", "1"], 2, "a file or --version", id="both"),
        pytest.param(["set", "--version", "1", "--json"], 2, "give --yes too", id="asking a machine"),
        pytest.param(["set", "SLOWER", "--yes", "--by", "x" * 81], 2, "at most 80", id="a long name"),
        pytest.param(["set", "SLOWER", "--yes", "--by", "a\x1b[2Jb"], 2, "at most 80", id="no name"),
        pytest.param(["diff", "none.toml"], 2, "cannot be read", id="no file"),
        pytest.param(["try", "SLOWER"], 1, "holds no policy yet", id="nothing to try on"),
        pytest.param(["try", "SLOWER", "--from", "soon"], 2, "'soon' is no moment", id="no moment"),
        pytest.param(["try", "SLOWER", "--from", "2999-01-01"], 2, "in the past", id="the future"),
        pytest.param(["set", "BAD", "--yes"], 2, "time.decide_within_s", id="contradiction"),
        pytest.param(["diff", "LARGE"], 2, "this is not a policy", id="too large"),
    ],
)
def test_what_is_wrong_has_its_sentence_and_its_code(
    home: Path, slower: str, words: list[str], code: int, said: str
) -> None:
    bad, large = home / "bad.toml", home / "large.toml"
    bad.write_bytes(RAW.replace(b"cut_s = 60", b"cut_s = 600"))
    large.write_bytes(b"#" * 300_000)
    given = {"SLOWER": slower, "BAD": str(bad), "LARGE": str(large)}
    result = run(*(given.get(word, word) for word in words))
    assert (result.exit_code, said in result.stderr) == (code, True), result.output


def test_every_command_says_its_exit_codes() -> None:
    for name in ("show", "list", "diff", "try", "set"):
        assert "Exit codes" in run(name, "--help").stdout
