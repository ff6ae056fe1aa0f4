"""Ground truth: the same for the same seed, and nothing is expected where something worse hides it."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.causes import KINDS, Cause
from simulator.chance import Dice
from simulator.owners import Planned
from simulator.scenario import Generate, Scenario, resolve
from simulator.truth import lines, tell, without
from tests.support.simulated import MINUTE, START, cause, province

DAY = 24 * 60 * MINUTE
STORM = Scenario(about="a storm", generate=Generate(count=25))


def composed(seed: int, zero_ms: int = START) -> list[Cause]:
    return resolve(STORM, province(8), Dice(seed), zero_ms=zero_ms, span=(zero_ms, zero_ms + DAY))


@given(st.integers(0, 2**62))
def test_the_same_seed_is_the_same_truth(seed: int) -> None:
    one, other = composed(seed), composed(seed)
    assert list(lines(tell(one, province(8)))) == list(lines(tell(other, province(8))))
    assert all(START <= c.from_ms < c.to_ms <= START + DAY for c in one)


def test_another_seed_is_another_truth() -> None:
    assert composed(1) != composed(2)


@given(st.integers(0, 2**62), st.integers(0, 10**12))
def test_another_beginning_is_the_same_truth_at_another_time(seed: int, later: int) -> None:
    moved = [(c.kind, c.from_ms - later, c.to_ms - later, c.touches) for c in composed(seed, START + later)]
    assert sorted(moved) == sorted((c.kind, c.from_ms, c.to_ms, c.touches) for c in composed(seed))


def test_every_kind_of_cause_has_an_owner_and_is_told_as_a_line_of_json() -> None:
    whom = {"centres": "07001-1", "lines": "07001-1/a", "services": "dvcqg"}
    nine_days = 9 * 24 * 60
    every = [cause(kind, whom[its.names], first=0, last=nine_days, name=kind) for kind, its in KINDS.items()]
    for one in every:
        (told,) = tell([one], province())
        row = msgspec.json.decode(next(lines([told])))
        assert (row["id"], row["owner"], row["from_ms"]) == (one.kind, KINDS[one.kind].owner, START)
        assert bool(row["expected"]) is (one.kind not in {"class_lossy", "port_slow"})


def test_a_shared_system_that_is_slow_is_so_for_all_and_in_itself() -> None:
    (told,) = tell([cause("service_slow", "dvcqg", first=0, last=60)], province())
    subjects = {e.subject for e in told.expected}
    assert subjects == {"service:dvcqg", *(f"service:dvcqg@{key}" for key in province().sites)}


@pytest.mark.parametrize(
    ("worse", "left"),
    [
        pytest.param(cause("power", "07001-1", first=30, last=200), [(0, 30)], id="hidden at its end"),
        pytest.param(cause("power", "07001-1", first=0, last=200), [], id="hidden altogether"),
        pytest.param(
            cause("power", "07002-1", first=0, last=200), [(0, 100)], id="a power cut elsewhere hides nothing"
        ),
        pytest.param(cause("line_cut", "07001-1/a", first=40, last=60), [(0, 40), (60, 100)], id="in the middle"),
        pytest.param(cause("line_cut", "07001-1/b", first=40, last=60), [(0, 100)], id="not by the other line"),
        pytest.param(cause("disk_full", "07001-1", first=0, last=100), [(0, 100)], id="not by what is no worse"),
        pytest.param(cause("power", "07001-1", first=10, last=90), [], id="what is left is too short to be judged"),
    ],
)
def test_what_something_worse_hides_is_not_expected(worse: Cause, left: list[tuple[int, int]]) -> None:
    slow = cause("line_slow", "07001-1/a", first=0, last=100, name="slow")
    (told,) = [t for t in tell([slow, worse], province()) if t.cause is slow]
    spans = [(e.from_ms, e.to_ms) for e in told.expected if e.subject == "line:07001-1/a"]
    assert spans == [(START + a * MINUTE, START + b * MINUTE) for a, b in left]


Spans = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)).map(lambda p: (p[0], p[0] + p[1])), max_size=8)


@given(Spans)
def test_what_is_left_of_a_span_is_what_nobody_covers(covered: list[tuple[int, int]]) -> None:
    left = without((10, 50), covered)
    for at in range(60):
        inside = 10 <= at < 50 and not any(a <= at < b for a, b in covered)
        assert any(a <= at < b for a, b in left) is inside


@pytest.mark.parametrize(
    ("stop", "timely"),
    [
        pytest.param(None, True, id="nothing was announced"),
        pytest.param(
            Planned("line:07001-1/a", START + 12 * MINUTE, START + 40 * MINUTE), False, id="its line is to rest"
        ),
        pytest.param(Planned("line:07001-1/b", START + 12 * MINUTE, START + 40 * MINUTE), True, id="another line is"),
        pytest.param(
            Planned("line:07001-1/a", START + 20 * MINUTE, START + 40 * MINUTE), True, id="too late to explain it"
        ),
    ],
)
def test_nobody_need_be_called_to_a_silence_that_was_announced_until_more_is_known(
    stop: Planned | None, timely: bool
) -> None:
    (told,) = tell([cause("lan", "07001-1", first=10, last=30)], province(), [stop] if stop else [])
    assert (bool(told.expected), told.timely) == (True, timely)
