"""The way of a line as pages are given it, from observations that are kept whole."""

from __future__ import annotations

from functools import partial

import pytest

from collector.api import Broken, PathView, StoredObservation
from collector.history.keeping import keep
from collector.hub import Hub
from collector.reading.reader import HubReader
from tests.support.measured import BOX, LINE, SECOND_LINE, ms
from wire.messages import Observation, Scalar
from wire.outcomes import OK, Result, fail, unknown

DAY_S = 86_400
GATEWAY, CARRIER, TWIN, FAR = "192.0.2.1", "192.0.2.6", "192.0.2.7", "198.51.100.9"


def seen(hub: Hub, second: float, *hops: str, result: Result = OK, subject: str = LINE, **other: str) -> None:
    """One look, kept as history keeps it."""
    detail: dict[str, Scalar] = {f"hop_{n:02}": f"{hop} {'-' if hop == '*' else n}" for n, hop in enumerate(hops, 1)}
    o = Observation(
        0, other.get("probe", "path"), subject, other.get("target", "collector"), ms(second), 0, 0, result.outcome,
        result.reason, detail=detail | {"address": FAR},
    )  # fmt: skip
    agent = other.get("agent", BOX)
    stored = StoredObservation(f"{agent}/e/{round(second)}/0", agent, ms(second), ms(second), False, o)
    hub.store.ts_writer.do(partial(keep, whole=[stored]))


@pytest.fixture
def week(hub: Hub) -> Hub:
    """A good look a day; two routers share the load of the second hop."""
    for day in range(7):
        seen(hub, day * DAY_S, GATEWAY, TWIN if day % 2 else CARRIER, FAR)
    return hub


def test_the_broken_hop_is_named_beside_who_was_there(week: Hub) -> None:
    seen(week, 7 * DAY_S, GATEWAY, "*", result=fail("no_answer"))
    view = HubReader(week).path(LINE)
    assert view.first_broken == Broken(2, GATEWAY, (CARRIER, TWIN), 2)
    assert view.then is not None
    assert view.now is not None
    assert (view.then.at_ms, view.now.at_ms, view.now.reached) == (ms(6 * DAY_S), ms(7 * DAY_S), False)
    assert [hop.addresses for hop in view.then.hops] == [(GATEWAY,), (CARRIER, TWIN), (FAR,)]
    assert HubReader(week).observation(view.now.observation).observation.reason == "no_answer"


def test_a_way_that_leads_there_now_is_both_then_and_now(week: Hub) -> None:
    view = HubReader(week).path(LINE)
    assert view.then is not None
    assert view.now is not None
    assert (view.then.at_ms, view.now.at_ms, view.first_broken) == (ms(6 * DAY_S), ms(6 * DAY_S), None)


def test_a_long_outage_does_not_hide_the_last_good_way(week: Hub) -> None:
    for n in range(300):
        seen(week, 7 * DAY_S + n * 600, GATEWAY, "*", result=fail("no_answer"))
    view = HubReader(week).path(LINE)
    assert view.then is not None
    assert view.then.at_ms == ms(6 * DAY_S)


def test_what_another_saw_or_saw_elsewhere_is_not_held_against_it(week: Hub) -> None:
    seen(week, 7 * DAY_S, "192.0.2.77", "*", result=fail("no_answer"), target="198.51.100.1")
    view = HubReader(week).path(LINE)
    assert (view.then, view.first_broken) == (None, Broken(2, "192.0.2.77", until=2))
    seen(week, 8 * DAY_S, "192.0.2.78", "*", result=fail("no_answer"), agent=BOX.replace("FAV", "FAX"))
    assert HubReader(week).path(LINE).then is None


def test_what_says_nothing_of_the_way_is_passed_over(week: Hub) -> None:
    seen(week, 7 * DAY_S, result=unknown("deadline"))
    seen(week, 7 * DAY_S + 1, "192.0.2.99", result=fail("no_answer"), probe="reach")
    view = HubReader(week).path(LINE)
    assert view.now is not None
    assert view.now.at_ms == ms(6 * DAY_S)


def test_a_line_that_nobody_looked_at_has_no_way(week: Hub) -> None:
    assert HubReader(week).path(SECOND_LINE) == PathView(SECOND_LINE)
