"""Timelines, and the rows that must be appended so that the store tells them."""

from __future__ import annotations

from collector.api import Flip, State
from collector.judge.edits import edits, only_silence, timeline_of
from collector.judge.timeline import ALWAYS, BEGINNING, Segment, Span, Timeline, absences

ALL = Span(0, 1_000)


def flip(seq: int, at: int, from_state: State, to: State, reason: str | None = None) -> Flip:
    return Flip(seq, "s", at, from_state, to, reason, {}, 0, (), 0, None)


def test_a_timeline_says_what_holds_and_drops_echoes() -> None:
    line = Timeline([Segment(10, "ok"), Segment(20, "ok"), Segment(30, "down", "no_answer")])
    assert [s.at for s in line.segments] == [10, 30]
    assert line.at(9) is BEGINNING
    assert [line.at(t).state for t in (10, 29, 30, 99)] == ["ok", "ok", "down", "down"]
    assert [s.state for s in line.between(15, 30)] == ["ok", "down"]
    assert line.spliced(10, 20, [Segment(15, "ok")]).segments[0].at == 15
    assert line.agrees(line.spliced(0, 5, []), 0, 100)
    assert not line.agrees(line.spliced(0, 12, [Segment(5, "ok")]), 0, 100)


def test_what_is_said_already_needs_no_row() -> None:
    held = [flip(1, 10, "unknown", "ok"), flip(2, 20, "ok", "down", "no_answer")]
    assert edits("s", held, timeline_of(held), ALL) == []


def test_a_new_flip_between_two_revises_what_follows() -> None:
    held = [flip(1, 10, "unknown", "ok"), flip(2, 30, "ok", "down", "no_answer")]
    line = Timeline([Segment(10, "ok"), Segment(20, "unknown", "silent"), Segment(30, "down", "no_answer")])
    made = edits("s", held, line, ALL)
    assert [(e.at, e.from_state, e.to, e.supersedes) for e in made] == [
        (20, "ok", "unknown", None),
        (30, "unknown", "down", 2),
    ]


def test_a_flip_that_moved_is_a_revision_and_one_that_is_gone_a_retraction() -> None:
    held = [flip(1, 10, "unknown", "ok"), flip(2, 30, "ok", "down", "no_answer"), flip(3, 50, "down", "ok")]
    moved = edits("s", held, Timeline([Segment(10, "ok"), Segment(25, "down", "no_answer"), Segment(50, "ok")]), ALL)
    assert [(e.at, e.to, e.supersedes) for e in moved] == [(25, "down", 2)]
    gone = edits("s", held, Timeline([Segment(10, "ok")]), ALL)
    assert [(e.at, e.to, e.supersedes) for e in gone] == [(30, None, 2), (50, None, 3)]


def test_nothing_outside_the_span_is_touched() -> None:
    held = [flip(1, 10, "unknown", "ok"), flip(2, 30, "ok", "down", "no_answer")]
    assert edits("s", held, Timeline([]), Span(40, 50)) == []


def test_absences_are_what_no_presence_covers() -> None:
    heard = [Span(30, 40), Span(10, 20), Span(15, 25), Span(60, ALWAYS)]
    assert absences(heard, 0, 100) == [Span(0, 10), Span(25, 30), Span(40, 60)]
    assert absences([], 5, 5) == []


def test_late_data_beside_pruned_bodies_fills_only_silence() -> None:
    before = Timeline([Segment(10, "ok"), Segment(20, "unknown", "silent"), Segment(60, "down", "no_answer")])
    after = Timeline([Segment(15, "down", "no_answer"), Segment(30, "ok"), Segment(40, "unknown", "silent")])
    told = only_silence(before, after, Span(0, 100))
    assert [(s.at, s.state, s.reason, s.detail) for s in told.segments] == [
        (10, "ok", None, {}),
        (20, "down", "no_answer", {"partial": 1}),
        (30, "ok", None, {"partial": 1}),
        (40, "unknown", "silent", {}),
        (60, "down", "no_answer", {}),
    ]
