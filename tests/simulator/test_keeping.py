"""Trials that are kept: a score in pieces is the score in one, of one source, and says what is left."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.errors import HomeError
from simulator.keeping import Keeping, source
from simulator.scoring import Row, Scored


def trial(seed: int) -> Scored:
    row = Row(
        "s1.1", "power", ("07210-1",), 1, 2, ("power",), due=True, planned=False, timely=True, calls={"officer": 1}
    )
    return Scored(seed, [row], [], [seed], [])


@pytest.fixture
def province(tmp_path: Path) -> Path:
    folder = tmp_path / "province"
    folder.mkdir()
    (folder / "policy.toml").write_text("[alerts]\n", "utf-8")
    return folder


def test_what_was_played_is_found_again_and_nothing_else(tmp_path: Path, province: Path) -> None:
    keeping = Keeping(tmp_path / "kept.ndjson", province)
    assert keeping.found([1, 2]) == []
    for seed in (3, 1):
        keeping.add(trial(seed))
    assert Keeping(tmp_path / "kept.ndjson", province).found([1, 2, 3]) == [trial(1), trial(3)]


def test_a_trial_of_another_policy_does_not_count(tmp_path: Path, province: Path) -> None:
    Keeping(tmp_path / "kept.ndjson", province).add(trial(1))
    before = source(province)
    (province / "policy.toml").write_text("[alerts]\ngrace_s = 1\n", "utf-8")
    assert source(province) != before
    assert Keeping(tmp_path / "kept.ndjson", province).found([1]) == []


def test_a_line_that_was_cut_short_is_no_trial(tmp_path: Path, province: Path) -> None:
    path = tmp_path / "kept.ndjson"
    keeping = Keeping(path, province)
    for seed in (1, 2):
        keeping.add(trial(seed))
    path.write_bytes(path.read_bytes()[:-20])
    assert keeping.found([1, 2]) == [trial(1)]
    keeping.add(trial(2))
    assert keeping.found([1, 2]) == [trial(1), trial(2)]


def test_a_file_of_something_else_is_refused_by_its_name(tmp_path: Path, province: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("milk\n", "utf-8")
    with pytest.raises(HomeError, match=r"notes\.txt holds no trials"):
        Keeping(path, province).found([1])
