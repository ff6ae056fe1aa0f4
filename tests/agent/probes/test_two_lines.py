"""The usual centre, two lines behind one router: which of them is cut, and where."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.context import Context, Facts
from agent.probes import Measured, load
from collector.planning.drawing import Line, Post, draw
from collector.planning.watching import add_watches
from tests.support.chain import ANCHOR_A, ANCHOR_B, CARRIER_A, CARRIER_B, ROUTER, TwoLines, two_lines
from tests.support.netns import needs_netns
from wire.clock import SystemClock
from wire.messages import PlanItem

A, B = "line:07375-1/a", "line:07375-1/b"
FAST = {"interval_s": 0.01, "timeout_s": 0.3}

pytestmark = [pytest.mark.netns, needs_netns]


@pytest.fixture(scope="module")
def centre() -> Iterator[TwoLines]:
    with two_lines() as made:
        made.box.allow_ping()
        yield made


def plan() -> list[PlanItem]:
    """What the collector plans for lines that are told by a pinned target each."""
    lines = [Line("07375-1/a", f"pinned:{ANCHOR_A}"), Line("07375-1/b", f"pinned:{ANCHOR_B}")]
    post = Post("01ARZ3NDEKTSV4RRFFQ69G5FAV", "box", "07375-1", "device:01ARZ3NDEKTSV4RRFFQ69G5FAW", leads=True)
    drawn = draw(post, lines, [])
    add_watches(drawn, post, lines)
    return [
        PlanItem(f"{n:026d}", w.subject, w.probe, w.target, w.period_s, w.deadline_s, dict(w.settings))
        for n, w in enumerate(drawn.items)
    ]


def measured(centre: TwoLines, probe: str) -> dict[str, Measured]:
    """Every line by this probe."""

    def run(item: PlanItem) -> Measured:
        clock = SystemClock()
        ctx = Context(clock, clock.mono_ms() + 8_000, Facts("127.0.0.1"), proc=Path("/proc/thread-self"))
        # A Linux router says once a second that it has no way on: a look must be as patient as that.
        settings = {**item.settings, **({"max_hops": 4} if probe == "path" else FAST)}
        found = load(probe)(PlanItem(item.id, item.subject, probe, item.target, 10, 8, settings), ctx)
        assert isinstance(found, Measured)
        return found

    items = [item for item in plan() if item.probe == probe and item.subject in {A, B}]
    return {item.subject: centre.box.call(lambda item=item: run(item)) for item in items}  # type: ignore[misc]


def hops(found: Measured) -> list[str]:
    return [str(text).partition(" ")[0] for key, text in sorted(found.detail.items()) if key.startswith("hop_")]


def test_each_line_is_told_by_its_own_way(centre: TwoLines) -> None:
    assert {key: m.result.outcome for key, m in measured(centre, "reach").items()} == {A: "ok", B: "ok"}
    ways = {key: hops(found) for key, found in measured(centre, "path").items()}
    assert ways == {A: [ROUTER, CARRIER_A, ANCHOR_A], B: [ROUTER, CARRIER_B, ANCHOR_B]}


def test_the_line_that_is_cut_is_the_one_that_fails_and_its_way_ends_at_the_router(centre: TwoLines) -> None:
    centre.unplug_a()
    try:
        trains, ways = measured(centre, "reach"), measured(centre, "path")
    finally:
        centre.plug_in_a()
    assert {key: m.result.outcome for key, m in trains.items()} == {A: "fail", B: "ok"}
    assert ways[A].result.outcome == "fail"
    assert ways[A].detail["last_answering"] == ROUTER
    assert (ways[B].result.outcome, hops(ways[B])) == ("ok", [ROUTER, CARRIER_B, ANCHOR_B])
