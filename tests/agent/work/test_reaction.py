"""The agent looks at the way by itself: after how many trains, how often, for which line."""

from __future__ import annotations

import pytest

from agent.work.reaction import Reactions
from tests.support.clock import FakeClock
from wire.messages import Observation, PlanItem, Scalar
from wire.outcomes import OK, Result, fail, unknown

LINE, OTHER = "line:00000-1/a", "line:00000-1/b"


def path(subject: str = LINE, target: str = "collector", /, **settings: Scalar) -> PlanItem:
    return PlanItem(f"p-{subject}", subject, "path", target, 86_400, 15, {"after_lost": 3, "rest_s": 600.0, **settings})


RESULTS: dict[str, Result] = {
    "ok": OK, "lost": fail("no_answer"), "gone": fail("unreachable"), "nameless": fail("not_resolved"),
    "unknown": unknown("deadline"),
}  # fmt: skip


def train(word: str, subject: str = LINE, target: str = "collector", probe: str = "reach") -> Observation:
    return Observation(0, probe, subject, target, 0, 0, 0, RESULTS[word].outcome, RESULTS[word].reason)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def started() -> list[str]:
    return []


@pytest.fixture
def reactions(clock: FakeClock, started: list[str]) -> Reactions:
    made = Reactions(clock, lambda item: started.append(item.subject))
    made.apply([path(), path(OTHER)])
    return made


@pytest.mark.parametrize(
    ("trains", "looks"),
    [
        pytest.param("lost lost", 0, id="two trains"),
        pytest.param("lost gone lost", 1, id="three trains"),
        pytest.param("lost lost ok lost lost", 0, id="one came through in between"),
        pytest.param("lost lost unknown lost", 1, id="one said nothing in between"),
        pytest.param("lost lost nameless lost", 1, id="a name that is not resolved is no lost train"),
        pytest.param("lost lost lost lost lost lost lost", 1, id="it rests"),
        pytest.param("lost lost lost ok", 2, id="it looks once more when it is mended"),
        pytest.param("lost lost lost ok ok ok", 2, id="once only"),
        pytest.param("lost lost ok", 0, id="what it did not look at is not mended"),
        pytest.param("lost lost lost ok lost lost lost ok", 2, id="it rests after a recovery too"),
        pytest.param("unknown unknown unknown", 0, id="nothing is known"),
    ],
)
def test_it_looks_after_so_many_trains_lost_in_a_row(
    reactions: Reactions, started: list[str], trains: str, looks: int
) -> None:
    for word in trains.split():
        reactions.see(train(word))
    assert started == [LINE] * looks


def test_it_looks_again_while_the_loss_lasts_once_it_has_rested(
    reactions: Reactions, started: list[str], clock: FakeClock
) -> None:
    for _ in range(200):  # a train every 10 s
        reactions.see(train("lost"))
        clock.advance(10)
    assert len(started) == 4


def test_only_the_trains_of_the_same_way_count(reactions: Reactions, started: list[str]) -> None:
    for _ in range(3):
        reactions.see(train("lost", subject="lan:00000-1"))
        reactions.see(train("lost", target="192.0.2.7"))
        reactions.see(train("lost", probe="dns"))
    reactions.see(train("lost"))
    reactions.see(train("lost"))
    reactions.see(train("lost", subject=OTHER))
    assert started == []


def test_a_plan_may_forbid_it_and_a_broken_one_starts_nothing(clock: FakeClock, started: list[str]) -> None:
    reactions = Reactions(clock, lambda item: started.append(item.subject))
    reactions.apply([path(after_lost=0), path(OTHER, after_lost="soon")])
    for _ in range(9):
        reactions.see(train("lost"))
        reactions.see(train("lost", subject=OTHER))
    assert started == []


def test_a_new_plan_keeps_the_count_of_what_did_not_change(reactions: Reactions, started: list[str]) -> None:
    reactions.see(train("lost"))
    reactions.see(train("lost", subject=OTHER))
    reactions.apply([path(), path(OTHER, after_lost=2)])
    for _ in range(2):
        reactions.see(train("lost"))
    reactions.see(train("lost", subject=OTHER))
    assert started == [LINE]
