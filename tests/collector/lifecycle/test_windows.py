"""Planned stops: what may be meant, what they explain, and that they end by themselves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.api import NotAllowed, NotFound, Pause, Resume, Standing, State, SubjectInfo, Window
from collector.hub import Hub
from collector.lifecycle import windows
from collector.lifecycle.windows import DAY_MS, check, explained, in_force, planned_centres
from collector.reading.reader import HubReader
from tests.support.handclock import HandClock
from tests.support.register import NEW, OLD, audited, change, two_centres

HOUR_MS = 3_600_000
NOW = 1_763_700_000_000
LINE = f"line:{NEW}/a"


def window(
    subject: str = LINE, start: int = 0, end: int = HOUR_MS, number: int = 1, ended: int | None = None
) -> Window:
    return Window(number, subject, NEW, NOW + start, NOW + end, "Thay cáp", "Lan", NOW, ended)


def trouble(
    key: str, state: State = "down", agent: str | None = "BOX", centre: str = NEW
) -> tuple[SubjectInfo, Standing]:
    info = SubjectInfo(key, key.partition(":")[0], centre, "", agent)
    return info, Standing(key, state, "no_answer", NOW, None, {}, ())


# --- rules ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "end", "what"),
    [
        pytest.param(0, 0, "before it begins", id="no length"),
        pytest.param(HOUR_MS, 0, "before it begins", id="backwards"),
        pytest.param(0, 367 * DAY_MS, "at most a year", id="too long"),
        pytest.param(367 * DAY_MS, 368 * DAY_MS, "more than a year from now", id="too far ahead"),
        pytest.param(-36 * DAY_MS, 0, "35 days late", id="too late"),
    ],
)
def test_a_stop_that_cannot_be_meant_is_refused(start: int, end: int, what: str) -> None:
    with pytest.raises(NotAllowed, match=what):
        check(NOW + start, NOW + end, NOW)


@given(st.lists(st.tuples(st.integers(-9, 9), st.integers(1, 9)), max_size=8), st.integers(-10, 20))
def test_of_windows_that_overlap_the_one_that_ends_last_explains(spans: list[tuple[int, int]], at: int) -> None:
    held = [window(start=start, end=start + length, number=n) for n, (start, length) in enumerate(spans)]
    found = in_force(held, NOW + at)
    open_now = [one for one in held if one.from_ms <= NOW + at < one.to_ms]
    assert bool(found) == bool(open_now)
    assert not open_now or found[LINE].to_ms == max(one.to_ms for one in open_now)


@pytest.mark.parametrize(
    ("stops", "found"),
    [
        pytest.param([window()], {LINE}, id="itself"),
        pytest.param([window("agent:BOX")], {LINE, f"lan:{NEW}"}, id="the agent that measures it"),
        pytest.param([window(f"centre:{NEW}")], {LINE, f"lan:{NEW}"}, id="its centre"),
        pytest.param([window(f"line:{NEW}/b")], set(), id="another line"),
        pytest.param([window(start=-9, end=-1)], set(), id="over"),
        pytest.param([window(start=1)], set(), id="to come"),
        pytest.param([window(start=-9, ended=NOW - 1)], set(), id="ended by a person"),
    ],
)
def test_what_a_stop_explains(stops: list[Window], found: set[str]) -> None:
    assert explained(in_force(stops, NOW), [trouble(LINE), trouble(f"lan:{NEW}")]).keys() == found


@pytest.mark.parametrize(
    ("stops", "troubles", "shown"),
    [
        pytest.param([window(f"centre:{NEW}")], [], True, id="the centre itself, though all is well"),
        pytest.param([window()], [trouble(LINE)], True, id="the paused line alone"),
        pytest.param([window()], [trouble(LINE), trouble(f"line:{NEW}/b")], False, id="another line beside it"),
        pytest.param([window()], [trouble(LINE), trouble("device:X", "degraded", None)], False, id="a full disk"),
        pytest.param([window()], [trouble(LINE), trouble("device:X", "unknown", None)], True, id="a mute device"),
        pytest.param([window()], [], False, id="the paused line is well"),
        pytest.param([], [trouble(LINE)], False, id="no stop"),
    ],
)
def test_a_centre_is_planned_where_stops_explain_all_that_colours_it(
    stops: list[Window], troubles: list[tuple[SubjectInfo, Standing]], shown: bool
) -> None:
    standing = Standing(f"centre:{NEW}", "down" if troubles else "ok", "no_line", NOW, None, {}, ())
    assert (NEW in planned_centres(in_force(stops, NOW), {NEW: standing}, troubles)) is shown


# --- the store ------------------------------------------------------------------------------------------------------


def running(hub: Hub) -> list[str]:
    with hub.store.reading() as conn:
        return [one.subject for one in windows.running(conn, hub.clock.wall_ms())]


def test_a_stop_begins_ends_by_itself_and_stays_on_record(hub: Hub, clock: HandClock) -> None:
    two_centres(hub)
    done = change(hub, Pause(LINE, clock.wall + HOUR_MS, "Thay cáp quang"))
    assert (done.back, running(hub)) == (f"resume {LINE}", [LINE])
    clock.forward(HOUR_MS)
    assert running(hub) == []
    (kept,) = HubReader(hub).chronicle(NEW).windows
    assert (kept.reason, kept.set_by, kept.late, kept.ended_ms) == ("Thay cáp quang", "Lan", False, None)
    assert audited(hub) == [("pause", LINE)]


def test_a_stop_told_late_is_marked_late(hub: Hub, clock: HandClock) -> None:
    two_centres(hub)
    change(hub, Pause(f"centre:{NEW}", clock.wall - HOUR_MS, "Cúp điện", clock.wall - 2 * HOUR_MS))
    (kept,) = HubReader(hub).chronicle(NEW).windows
    assert (kept.late, running(hub)) == (True, [])


def test_resume_ends_what_runs_and_calls_off_only_where_nothing_runs(hub: Hub, clock: HandClock) -> None:
    two_centres(hub)
    for start in (0, 2):
        change(hub, Pause(LINE, clock.wall + (start + 1) * HOUR_MS, "x", clock.wall + start * HOUR_MS))
    assert [e.what for e in change(hub, Resume(LINE)).effects] == ["ended"]
    assert [e.what for e in change(hub, Resume(LINE)).effects] == ["called_off"]
    with pytest.raises(NotAllowed, match="no planned stop"):
        change(hub, Resume(LINE))
    clock.forward(2 * HOUR_MS + 1)
    assert running(hub) == []
    assert len(HubReader(hub).chronicle(NEW).windows) == 2


@pytest.mark.parametrize(
    ("subject", "reason", "what"),
    [
        pytest.param("line:07399-1/a", "x", "there is no line 07399-1/a", id="unknown"),
        pytest.param("service:dvcqg", "x", "no service 'dvcqg' in the inventory", id="an unknown service"),
        pytest.param("carrier:vnpt", "x", "there are none: import an inventory", id="an unknown carrier"),
        pytest.param(f"lan:{NEW}", "x", "name a centre, a line, an agent, a shared system", id="a lan"),
        pytest.param("nonsense", "x", "is not a subject", id="nonsense"),
        pytest.param(LINE, "  ", "say why", id="no reason"),
        pytest.param(LINE, "x" * 201, "200 characters", id="a novel"),
    ],
)
def test_a_pause_that_cannot_be_is_refused(hub: Hub, clock: HandClock, subject: str, reason: str, what: str) -> None:
    two_centres(hub)
    with pytest.raises((NotFound, NotAllowed), match=what):
        change(hub, Pause(subject, clock.wall + HOUR_MS, reason))
    assert audited(hub) == []


def test_the_province_shows_a_paused_centre_as_planned_and_its_version_follows_the_time(
    hub: Hub, clock: HandClock
) -> None:
    two_centres(hub)
    reader = HubReader(hub)
    before = reader.overview().version, reader.revision()
    change(hub, Pause(f"centre:{OLD}", clock.wall + HOUR_MS, "Sơn lại phòng"))
    seen = reader.overview()
    assert (list(seen.planned), seen.planned[OLD].reason) == ([OLD], "Sơn lại phòng")
    assert before[0] != seen.version
    assert before[1] != reader.revision()
    clock.forward(HOUR_MS)
    assert (reader.overview().planned, reader.overview().version != seen.version) == ({}, True)
