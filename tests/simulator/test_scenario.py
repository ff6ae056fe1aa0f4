"""Scenarios at the door: those that come with the suite can be played, the others are refused with place and remedy."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest

from simulator.chance import Dice
from simulator.copying import write_copy
from simulator.errors import HomeError, ScenarioError
from simulator.order import Order, check, settle_home
from simulator.province import read_province
from simulator.scenario import known, read_scenario, resolve
from tests.support.simulated import MINUTE, START, province

BAC_NINH = Path(str(resources.files("province") / "bac-ninh"))
ONE = 'about = "a test"\n[[cause]]\nkind = "line_cut"\nfrom_s = 0\nto_s = 60\n'


@pytest.mark.parametrize("name", known())
def test_every_scenario_of_the_suite_can_be_played_on_the_example_province(name: str, tmp_path: Path) -> None:
    assert write_copy(BAC_NINH, tmp_path, None) == 99
    found = read_province(tmp_path)
    span = (START, START + 240 * MINUTE)
    causes = resolve(read_scenario(name), found, Dice(1), zero_ms=START, span=span)
    assert bool(causes) is (name != "calm")
    assert all(c.touches for c in causes)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("", "about", id="an empty file"),
        pytest.param("about = ", "not TOML", id="no TOML"),
        pytest.param(ONE + "untill_s = 3", "unknown key cause[0].untill_s", id="an unknown key"),
        pytest.param(ONE.replace("line_cut", "line_cuts"), "did you mean line_cut?", id="a kind with a typing error"),
        pytest.param(ONE.replace("line_cut", "flood"), "known are power", id="a kind nobody knows"),
        pytest.param(ONE.replace("to_s = 60", "to_s = 0"), "cause[0].to_s: 0 is not after from_s", id="over at once"),
        pytest.param(ONE.replace("to_s = 60", "to_s = 1e9"), "cause[0].to_s", id="for thirty years"),
        pytest.param(ONE + 'services = ["dvcqg"]', "cause[0].services: a line_cut is of lines", id="of something else"),
        pytest.param(
            ONE.replace("line_cut", "line_lossy") + "severity = 2", "share of packets lost", id="more than everything"
        ),
        pytest.param('about = "x"\n[generate]\ncount = 0', "generate.count", id="nothing to generate"),
        pytest.param(
            'about = "x"\n[generate]\ncount = 1\nkinds = ["powr"]', "did you mean power?", id="a kind to generate"
        ),
        pytest.param(
            'about = "x"\n[generate]\ncount = 1\nshortest_s = 9\nlongest_s = 3', "longest_s: 3 is less", id="shorter"
        ),
    ],
)
def test_a_flaw_is_named_with_file_key_and_remedy(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(ScenarioError) as told:
        read_scenario(str(path))
    assert says in str(told.value)
    assert "mine.toml" in str(told.value)


def test_a_name_with_a_typing_error_is_answered_with_the_nearest() -> None:
    with pytest.raises(ScenarioError, match=r"no scenario 'stor'; did you mean storm\?"):
        read_scenario("stor")
    with pytest.raises(ScenarioError, match="cannot be read"):
        read_scenario("/nowhere/mine.toml")


@pytest.mark.parametrize(
    ("more", "says"),
    [
        pytest.param('centres = ["07001-2"]', "did you mean 07001-1?", id="a centre"),
        pytest.param('lines = ["99999-1/z"]', "cause[0].lines", id="a line"),
        pytest.param('areas = ["atlantis"]', "nothing in this province matches", id="an area"),
    ],
)
def test_what_the_province_does_not_have_is_named(more: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(ONE + more, "utf-8")
    with pytest.raises(ScenarioError) as told:
        resolve(read_scenario(str(path)), province(), Dice(1), zero_ms=START, span=(START, START + 1))
    assert says in str(told.value)


def test_a_copy_has_its_systems_on_and_as_many_centres_as_wanted(tmp_path: Path) -> None:
    assert write_copy(BAC_NINH, tmp_path / "few", 5) == 5
    assert write_copy(BAC_NINH, tmp_path / "many", 250) == 250
    few, many = read_province(tmp_path / "few"), read_province(tmp_path / "many")
    assert len(few.sites) == 5
    assert len(many.sites) == 250
    assert len(few.services) > 20
    assert "dvcqg" not in read_province(BAC_NINH).services, "the original is as it was"
    assert len({line for site in many.sites.values() for line in site.lines}) > 500


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({"replay_days": 1.0, "back_days": 1.0}, "exclude each other", id="replay and backfill"),
        pytest.param({"only_back": True}, "--only goes with --backfill", id="only nothing"),
        pytest.param({"rare_days": 1.0, "back_days": 2.0}, "farther back", id="rare things from later on"),
        pytest.param({"rare_days": 1.0, "replay_days": 1.0}, "exclude each other", id="replay and rare things"),
        pytest.param({"start_ms": 1}, "--start goes with --replay", id="a start without a replay"),
        pytest.param({"back_days": 1e6}, "cannot be simulated", id="three thousand years"),
        pytest.param({"centres": 0}, "--centres", id="no centre"),
    ],
)
def test_options_that_do_not_go_together_are_refused(changes: dict[str, float], says: str, tmp_path: Path) -> None:
    order = Order(tmp_path, BAC_NINH, read_scenario("calm"), **changes)  # type: ignore[arg-type]
    with pytest.raises(ScenarioError, match=says):
        check(order)


def test_a_home_that_holds_real_data_is_never_simulated_in(tmp_path: Path) -> None:
    (tmp_path / "core.db").write_bytes(b"measured")
    with pytest.raises(HomeError, match="holds data that is not simulated"):
        settle_home(Order(tmp_path, BAC_NINH, read_scenario("calm")))
    assert [path.name for path in tmp_path.iterdir()] == ["core.db"]


def test_a_folder_that_is_no_province_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HomeError, match=r"centres\.csv"):
        settle_home(Order(tmp_path / "home", tmp_path / "nothing", read_scenario("calm")))
