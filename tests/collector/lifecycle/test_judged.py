"""What the judge makes of acts: out of service means nothing more is told, moved means each place keeps its own."""

from __future__ import annotations

import pytest

from collector.api import Decommission, Move, Restore
from collector.hub import Hub
from collector.judge.facts import Fact
from collector.judge.retired import without_service
from collector.judge.timeline import ALWAYS, Segment, Span, Timeline
from collector.judging import flips
from collector.judging.loop import Judge
from tests.support.handclock import HandClock
from tests.support.measured import BOX, CENTRE, DEVICE, LAN, LINE, POLICIES, T0, every, ms, report
from tests.support.register import change
from tests.support.town import Town

AGENT = f"agent:{BOX}"
OTHER, OTHER_BOX = "00000-2", "01ARZ3NDEKTSV4RRFFQ69G5FBV"
Told = list[tuple[float, str | None, str | None]]


@pytest.fixture
def town(hub: Hub, clock: HandClock) -> Town:
    made = Town(hub)
    made.settle()
    clock.wall = T0
    return made


def to(clock: HandClock, second: float) -> int:
    clock.wall = ms(second)
    return clock.wall


def told(hub: Hub, subject: str) -> Told:
    with hub.store.reading() as conn:
        rows = flips.effective(conn, [subject], 0, ALWAYS)[subject]
    return [((row.at_ms - T0) / 1000, row.to, row.reason) for row in rows]


def measured(seconds: range, *, line: int = 0) -> list[Fact]:
    facts = [*every(seconds, LAN, target="gateway"), *every([s + 0.5 for s in seconds], LINE, lost=line)]
    return [*facts, *(report(s) for s in seconds if s % 60 == 0)]


def well_for_two_minutes(hub: Hub, town: Town, clock: HandClock) -> Judge:
    judge = Judge(hub)
    town.hear(to(clock, 120), since_ms=ms(0))
    town.send(measured(range(0, 120, 10)))
    judge.step()
    assert [told(hub, key)[-1][1] for key in (AGENT, LAN, LINE, CENTRE)] == ["ok"] * 4
    return judge


def later(judge: Judge, clock: HandClock, *seconds: float) -> None:
    for second in seconds:
        to(clock, second)
        while judge.step() == 0:
            pass


def test_nothing_is_told_of_a_decommissioned_centre_after_its_end(hub: Hub, town: Town, clock: HandClock) -> None:
    judge = well_for_two_minutes(hub, town, clock)
    change(hub, Decommission(CENTRE, "giải thể"))
    later(judge, clock, 121, 200, 400, 4_000, 90_000)
    for key in (AGENT, LAN, LINE, DEVICE, CENTRE):
        assert told(hub, key)[-1] == (120.0, "unknown", "decommissioned")
        assert len(told(hub, key)) == 2


def test_a_judge_of_another_process_sees_it_without_being_woken(hub: Hub, town: Town, clock: HandClock) -> None:
    judge = well_for_two_minutes(hub, town, clock)
    hub._listeners.clear()
    change(hub, Decommission(LINE, "cắt hợp đồng"))
    later(judge, clock, 125)
    assert told(hub, LINE)[-1] == (120.0, "unknown", "decommissioned")


def test_a_judge_that_was_down_meanwhile_tells_it_after_its_start(hub: Hub, town: Town, clock: HandClock) -> None:
    well_for_two_minutes(hub, town, clock)
    to(clock, 130)
    change(hub, Decommission(CENTRE, "x"))
    later(Judge(hub), clock, 3_700)
    assert told(hub, CENTRE)[-1] == (130.0, "unknown", "decommissioned")
    assert told(hub, LINE)[-1] == (130.0, "unknown", "decommissioned")


def test_a_decommissioned_line_colours_its_centre_until_its_end_only(hub: Hub, town: Town, clock: HandClock) -> None:
    judge = well_for_two_minutes(hub, town, clock)
    town.hear(to(clock, 240), since_ms=ms(120))
    town.send(measured(range(120, 240, 10), line=5))
    judge.step()
    assert told(hub, CENTRE)[-1][1:] == ("down", "no_line")
    change(hub, Decommission(LINE, "x"))
    later(judge, clock, 241)
    assert told(hub, CENTRE)[-2:] == [(120.5, "down", "no_line"), (240.0, "unknown", "nobody_measures")]
    assert told(hub, LAN)[-1][1] == "ok"


def test_late_results_tell_what_was_before_the_end_and_nothing_after(hub: Hub, town: Town, clock: HandClock) -> None:
    judge = well_for_two_minutes(hub, town, clock)
    to(clock, 240)
    change(hub, Decommission(CENTRE, "x"))
    later(judge, clock, 241)
    town.send(measured(range(120, 300, 10), line=5), received_ms=to(clock, 400))
    later(judge, clock, 401)
    assert told(hub, LINE)[1:] == [(120.5, "down", "no_answer"), (240.0, "unknown", "decommissioned")]


def test_what_is_restored_is_stale_until_it_is_measured(hub: Hub, town: Town, clock: HandClock) -> None:
    judge = well_for_two_minutes(hub, town, clock)
    change(hub, Decommission(CENTRE, "x"))
    later(judge, clock, 600)
    change(hub, Restore(CENTRE))
    later(judge, clock, 601)
    assert told(hub, LINE)[1] == (120.0, "unknown", "decommissioned")
    assert told(hub, LINE)[-1][1:] in {("unknown", "stale"), ("unknown", "silent")}
    town.hear(to(clock, 700), since_ms=ms(601))
    town.send(measured(range(610, 700, 10)))
    later(judge, clock, 701)
    assert told(hub, LINE)[-1] == (610.5, "ok", None)
    assert told(hub, CENTRE)[-1][1] == "ok"


def test_a_box_carried_elsewhere_is_silence_at_its_old_place_and_no_break_at_its_machine(
    hub: Hub, town: Town, clock: HandClock
) -> None:
    judge = well_for_two_minutes(hub, town, clock)
    town.settle(OTHER, OTHER_BOX, "device:01ARZ3NDEKTSV4RRFFQ69G5FBW")
    change(hub, Move(AGENT, OTHER, "chuyển trụ sở"))
    town.hear(to(clock, 400), since_ms=ms(120))
    town.send([report(s) for s in range(120, 400, 60)])
    later(judge, clock, 401)
    assert told(hub, LINE)[0] == (0.5, "ok", None)
    assert told(hub, LINE)[-1][1:] == ("unknown", "silent")
    assert told(hub, CENTRE)[-1][1] == "unknown"
    assert [state for _, state, _ in told(hub, DEVICE)] == ["ok"]
    assert told(hub, AGENT)[0][1] == "ok"


def test_what_its_spool_brings_later_belongs_to_the_old_place(hub: Hub, town: Town, clock: HandClock) -> None:
    judge = well_for_two_minutes(hub, town, clock)
    town.settle(OTHER, OTHER_BOX, "device:01ARZ3NDEKTSV4RRFFQ69G5FBW")
    town.hear(to(clock, 240), since_ms=ms(120))
    change(hub, Move(AGENT, OTHER, "x"))
    later(judge, clock, 241, 400)
    town.send(measured(range(120, 240, 10), line=5), received_ms=to(clock, 500))
    later(judge, clock, 501)
    assert told(hub, LINE)[:2] == [(0.5, "ok", None), (120.5, "down", "no_answer")]
    assert told(hub, CENTRE)[1][1:] == ("down", "no_line")
    assert told(hub, f"line:{OTHER}/a") == []


# --- the pure rule --------------------------------------------------------------------------------------------------

UP = Timeline([Segment(0, "ok"), Segment(50, "down", "no_answer"), Segment(80, "ok")])


@pytest.mark.parametrize(
    ("spans", "within", "expected"),
    [
        pytest.param([], Span(0, 100), [(0, None), (50, "no_answer"), (80, None)], id="in service"),
        pytest.param([Span(60, ALWAYS)], Span(0, 100), [(0, None), (50, "no_answer"), (60, "x")], id="until today"),
        pytest.param([Span(40, 90)], Span(0, 100), [(0, None), (40, "x"), (90, None)], id="an outage inside"),
        pytest.param([Span(10, 60)], Span(0, 100), [(0, None), (10, "x"), (60, "no_answer"), (80, None)], id="back"),
        pytest.param([Span(10, 20), Span(90, ALWAYS)], Span(0, 100),
                     [(0, None), (10, "x"), (20, None), (50, "no_answer"), (80, None), (90, "x")], id="twice"),
        pytest.param([Span(200, 300)], Span(0, 100), [(0, None), (50, "no_answer"), (80, None)], id="elsewhere"),
    ],
)  # fmt: skip
def test_spans_out_of_service_lie_over_what_was_judged(
    spans: list[Span], within: Span, expected: list[tuple[int, str | None]]
) -> None:
    found = without_service(UP, spans, within, POLICIES).segments
    assert [(s.at, "x" if s.reason == "decommissioned" else s.reason) for s in found] == expected
    assert all(s.state == "unknown" for s in found if s.reason == "decommissioned")
