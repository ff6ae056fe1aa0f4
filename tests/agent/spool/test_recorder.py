"""From the hand of a probe into the spool, and from there into batches."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from agent.counts import Counts
from agent.spool.keeper import Keeper
from agent.spool.queue import Spool
from agent.spool.recorder import GATHER_S, MAX_HELD, RETRY_S
from tests.support.agent_parts import keeper, observation, recorder
from tests.support.clock import FakeClock
from wire.outcomes import Outcome


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def kept(tmp_path: Path, clock: FakeClock) -> Iterator[Keeper]:
    made = keeper(tmp_path, clock)
    yield made
    made.close()


def test_the_promise_of_a_second_leaves_room_for_the_commit() -> None:
    assert GATHER_S <= 0.5


def test_a_batch_is_cut_every_minute_and_the_first_at_a_moment_of_chance(kept: Keeper, clock: FakeClock) -> None:
    writing, cuts = recorder(kept, clock, cut_s=60), list[int]()
    writing.step()
    for second in range(300):
        writing.put(observation(second))
        before = kept.use(Spool.stats).batches
        writing.step()
        if kept.use(Spool.stats).batches > before:
            cuts.append(second)
        clock.advance(1)
    assert 12 <= cuts[0] <= 60
    assert [b - a for a, b in pairwise(cuts)] == [60] * (len(cuts) - 1)
    assert len(cuts) >= 4


@pytest.mark.parametrize(
    ("outcomes", "urgent"),
    [
        pytest.param(["ok", "ok", "ok"], [False, False, False], id="all is well"),
        pytest.param(["fail"] * 5, [True, True, True, False, False], id="a failure until it is confirmed"),
        pytest.param(
            ["ok", *["fail"] * 4, *["ok"] * 4], [False, *[True] * 3, False, *[True] * 3, False], id="and the recovery"
        ),
        pytest.param(["unknown", "fail", "unknown"], [True, True, True], id="every change"),
    ],
)
def test_what_makes_a_change_certain_is_cut_at_once(
    kept: Keeper, clock: FakeClock, outcomes: list[Outcome], urgent: list[bool]
) -> None:
    writing, cut = recorder(kept, clock), list[bool]()
    writing.step()
    for outcome in outcomes:
        before = kept.use(Spool.stats).batches
        writing.put(observation(1, outcome=outcome))
        writing.step()
        cut.append(kept.use(Spool.stats).batches > before)
    assert cut == urgent


def test_neighbours_share_a_commit(kept: Keeper, clock: FakeClock) -> None:
    writing = recorder(kept, clock)
    for n in range(50):
        writing.put(observation(n))
    writing.step()
    assert [h.items for h in kept.use(lambda s: s.oldest(9))] == [50]


def test_without_a_spool_memory_is_bounded_and_what_is_lost_is_counted(tmp_path: Path, clock: FakeClock) -> None:
    counts, folder = Counts(), tmp_path / "gone"
    kept = keeper(folder, clock)
    writing = recorder(kept, clock, counts=counts)
    for n in range(MAX_HELD + 7):
        writing.put(observation(n))
    assert writing.step() == RETRY_S
    assert counts.get("unkept") == 7
    folder.mkdir()
    writing.step()
    assert sum(h.items for h in kept.use(lambda s: s.oldest(99))) == MAX_HELD
    kept.close()
