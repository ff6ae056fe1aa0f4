"""The simulated world: the same moment is the same whoever asks, and causes do what they say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.world import BOOT_MS
from tests.support.simulated import MINUTE, START, cause, world

HERE, LINE = "07001-1", "07001-1/a"


@given(st.lists(st.integers(0, 600), min_size=2, max_size=20), st.integers(0, 2**40))
def test_the_world_does_not_remember_who_asked(minutes: list[int], seed: int) -> None:
    causes = (cause("line_slow", LINE, first=5, last=50), cause("power", HERE, first=20, last=30))
    one, other = world(*causes, seed=seed), world(*causes, seed=seed)
    asked = {m: one.way(LINE, START + m * MINUTE) for m in minutes}
    assert asked == {m: other.way(LINE, START + m * MINUTE) for m in reversed(minutes)}
    assert world(seed=seed + 1).way(LINE, START) != world(seed=seed).way(LINE, START)


@pytest.mark.parametrize(
    ("kind", "touches", "measures", "sends"),
    [
        pytest.param("power", HERE, False, False, id="a power cut measures nothing"),
        pytest.param("agent_stopped", HERE, False, False, id="nor does an agent that was stopped"),
        pytest.param("lan", HERE, True, False, id="without its network it measures and cannot send"),
        pytest.param("line_cut", LINE, True, False, id="nor without its first line"),
        pytest.param("line_cut", "07001-1/b", True, True, id="the second line is not its way out"),
        pytest.param("carrier_cut", LINE, True, False, id="whoever cut it"),
        pytest.param("line_slow", LINE, True, True, id="a slow line carries"),
    ],
)
def test_what_goes_wrong_decides_whether_an_agent_measures_and_sends(
    kind: str, touches: str, measures: bool, sends: bool
) -> None:
    where = world(cause(kind, touches, first=1, last=2))
    at = START + 90_000
    assert (where.measures(HERE, at), where.sends(HERE, at)) == (measures, sends)
    assert where.sends("07002-1", at)
    assert where.sends(HERE, START)
    assert where.sends(HERE, START + 2 * MINUTE + BOOT_MS)


def test_an_officials_pc_goes_on_where_the_agent_of_the_box_was_stopped() -> None:
    where = world(cause("agent_stopped", HERE, first=1, last=2), cause("lan", HERE, first=3, last=4))
    at = START + 90_000
    assert (where.sends(HERE, at, "box"), where.sends(HERE, at, "pc")) == (False, True)
    assert not where.sends(HERE, START + 210_000, "pc"), "its way out is the centre's own"


def test_after_a_power_cut_the_machine_is_another_boot_and_takes_its_time() -> None:
    where = world(cause("power", HERE, first=1, last=2))
    before, behind = where.boot(HERE, START), where.boot(HERE, START + 3 * MINUTE)
    assert (before.number, behind.number) == (0, 1)
    assert before.from_ms < START < behind.from_ms
    assert not where.measures(HERE, START + 2 * MINUTE + BOOT_MS - 1)
    assert where.measures(HERE, START + 2 * MINUTE + BOOT_MS)


def test_silences_are_when_nothing_is_sent() -> None:
    where = world(cause("power", HERE, first=1, last=2), cause("carrier_cut", LINE, first=10, last=20))
    silent = where.silences(HERE)
    for at in range(START, START + 30 * MINUTE, 5_000):
        assert where.sends(HERE, at) is not any(a <= at < b for a, b in silent)


def test_working_hours_are_busier_than_the_night() -> None:
    where = world()
    assert where.load(START) > 0.5
    assert where.load(START + 12 * 60 * MINUTE) == 0.0
