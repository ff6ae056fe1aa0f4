"""What changed is measured again soon: how often, of what, and never without the plan's word."""

from __future__ import annotations

import pytest

from agent.work.confirming import MOST, Confirming
from wire.messages import Observation, PlanItem, Scalar
from wire.outcomes import OK, Result, fail, unknown

LINE, OTHER = "line:00000-1/a", "line:00000-1/b"
RESULTS: dict[str, Result] = {".": OK, "x": fail("no_answer"), "?": unknown("deadline")}


def item(subject: str = LINE, /, probe: str = "reach", period_s: float = 60, **settings: Scalar) -> PlanItem:
    return PlanItem(f"r-{subject}", subject, probe, "192.0.2.1", period_s, 8, {"confirm_s": 10.0, **settings})


def train(sign: str, subject: str = LINE, probe: str = "reach") -> Observation:
    result = RESULTS[sign]
    return Observation(0, probe, subject, "192.0.2.1", 0, 0, 0, result.outcome, result.reason)


@pytest.fixture
def asked() -> list[tuple[str, float]]:
    return []


@pytest.fixture
def confirming(asked: list[tuple[str, float]]) -> Confirming:
    made = Confirming(lambda one, after_s: asked.append((one.subject, after_s)))
    made.apply([item()])
    return made


@pytest.mark.parametrize(
    ("signs", "again"),
    [
        pytest.param("....", "....", id="all is well"),
        pytest.param("xxxx", "....", id="the first that is known confirms nothing"),
        pytest.param("..xxxx", "..!!..", id="a loss: twice more, then in its turn"),
        pytest.param("..xxxx...", "..!!..!!.", id="and the way back likewise"),
        pytest.param("..x...", "..!!!.", id="one train lost by chance"),
        pytest.param(".x.x.x", ".!!!!!", id="it flaps"),
        pytest.param("..x?x?x.", "..!.!..!", id="what is not known neither confirms nor denies"),
        pytest.param("???.", "....", id="nothing was known before"),
    ],
)
def test_what_ends_otherwise_than_before_is_asked_again_soon(
    confirming: Confirming, asked: list[tuple[str, float]], signs: str, again: str
) -> None:
    told = ""
    for sign in signs:
        before = len(asked)
        confirming.see(train(sign))
        told += "!" if len(asked) > before else "."
    assert told == again
    assert set(asked) <= {(LINE, 10.0)}


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(item(confirm_s=0.0), id="the plan does not say so"),
        pytest.param(item(confirm_s="soon"), id="the plan says nonsense"),
        pytest.param(item(period_s=10), id="its turn comes as soon"),
        pytest.param(item(probe="path"), id="another probe"),
        pytest.param(item(OTHER), id="another line"),
    ],
)
def test_nothing_is_asked_again_unasked(asked: list[tuple[str, float]], other: PlanItem) -> None:
    made = Confirming(lambda one, after_s: asked.append((one.subject, after_s)))
    made.apply([other])
    for sign in "..xxx":
        made.see(train(sign))
        made.see(train(sign, probe="path"))
    assert asked == []


def test_a_plan_that_changes_another_item_forgets_nothing(
    confirming: Confirming, asked: list[tuple[str, float]]
) -> None:
    confirming.see(train("."))
    confirming.apply([item(), item(OTHER)])
    confirming.see(train("x"))
    confirming.apply([item(), item(OTHER, confirm_s=20.0)])
    confirming.see(train("x"))
    assert asked == [(LINE, 10.0)] * 2


def test_where_all_is_lost_at_once_only_some_are_asked_again(asked: list[tuple[str, float]]) -> None:
    made = Confirming(lambda one, after_s: asked.append((one.subject, after_s)))
    lines = [f"line:{n:05d}-1/a" for n in range(MOST + 50)]
    made.apply([item(line) for line in lines])
    for sign in ".x":
        for line in lines:
            made.see(train(sign, line))
    assert [line for line, _ in asked] == lines[:MOST]
    made.see(train("x", lines[0]))
    made.see(train("x", lines[0]))
    made.see(train("x", lines[-1]))
    assert [line for line, _ in asked[MOST:]] == [lines[0], lines[-1]], "whoever has been asked makes room"
