"""Scenes are those of their seed, and each has what it is for."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.causes import FLAP_LOST, KINDS
from simulator.chance import Dice
from simulator.command import PROVINCE
from simulator.composing import GAP_MS, LEAD_MS, compose
from simulator.little import write_little
from simulator.owners import TRUNK_LINES
from simulator.province import Province, read_province
from simulator.truth import tell
from simulator.world import World
from tests.support.simulated import MINUTE, START, cause, province, world


@pytest.fixture(scope="module")
def little(tmp_path_factory: pytest.TempPathFactory) -> Province:
    folder: Path = tmp_path_factory.mktemp("little") / "province"
    write_little(PROVINCE, folder)
    return read_province(folder)


def test_the_little_province_has_what_scenes_need(little: Province) -> None:
    areas = [site.area for site in little.sites.values()]
    groups = [line.group for line in little.lines.values()]
    assert (len(areas), {areas.count(area) for area in areas}) == (12, {4})
    assert {len(site.lines) for site in little.sites.values()} == {1, 2}
    assert len({line.carrier for line in little.lines.values()}) > 1
    assert sum(groups.count(group) >= TRUNK_LINES for group in set(groups)) >= 3
    assert [service.scope for service in little.services.values()] == ["national", "province", "province"]


@given(st.integers(0, 2**62))
def test_a_shared_system_is_ill_once_in_a_seed(seed: int) -> None:
    systems = [c.touches for c in compose(province(8), seed, START).causes if c.its.names == "services"]
    assert len(systems) == len(set(systems))


@given(st.integers(0, 2**62))
def test_a_seed_is_its_scenes_whenever_they_are_played(seed: int) -> None:
    one, other = compose(province(8), seed, START), compose(province(8), seed, START + MINUTE)
    assert [(c.kind, c.touches, c.from_ms + MINUTE, c.to_ms + MINUTE) for c in one.causes] == [
        (c.kind, c.touches, c.from_ms, c.to_ms) for c in other.causes
    ]
    assert 2 <= len(one.causes) <= 6
    assert all(START + LEAD_MS <= c.from_ms < c.to_ms <= one.until_ms - GAP_MS for c in one.causes)
    assert {centre for centre, at in one.off.items() if at > START} == set(one.off)


def test_the_seeds_bring_every_kind_and_all_ways_to_be_beside_each_other(little: Province) -> None:
    every = [compose(little, seed, START) for seed in range(200)]
    told = [one for scenes in every for one in tell(scenes.causes, little, scenes.stops)]
    kinds = {one.cause.kind for one in told if one.expected}
    assert kinds >= {kind for kind, its in KINDS.items() if its.composed} | {"line_flapping", "hop_cut", "failover"}
    assert {len(scenes.causes) for scenes in every} >= {2, 3, 4, 5, 6}
    assert any(one.planned for one in told)
    assert any(not one.expected and not one.planned for one in told), "some are hidden"


def test_a_flapping_line_is_lost_at_the_beginning_of_each_turn() -> None:
    where: World = world(cause("line_flapping", "07001-1/a", first=0, last=20))
    turn = KINDS["line_flapping"].severity
    lost = [
        not where.carries("07001-1/a", START + round(1000 * turn * (n + part)))
        for n in range(4)
        for part in (0, FLAP_LOST)
    ]
    assert lost == [True, False] * 4
    assert all(where.sends("07001-1", at) is not any(a <= at < b for a, b in where.silences("07001-1"))
               for at in range(START, START + 25 * MINUTE, 7_000))  # fmt: skip
    assert Dice(1).draws(b"x", 0) == Dice(1).draws(b"x", 0)
