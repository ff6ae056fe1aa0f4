"""Revisions stand beside what they revise."""

from __future__ import annotations

from collector.api import Flip, State
from dashboards.board.subject import changes


def flip(seq: int, at: int, to: State | None, supersedes: int | None = None) -> Flip:
    return Flip(seq, "line:07375-1/a", at, "ok", to, "loss", {}, 1, (), at + 5, supersedes)


def test_a_chain_of_revisions_is_one_change_with_its_past() -> None:
    found = changes([flip(1, 100, "unknown"), flip(2, 90, "down", 1), flip(3, 80, "degraded", 2), flip(4, 200, "ok")])
    assert [(change.flip.seq, [old.seq for old in change.before]) for change in found] == [(4, []), (3, [2, 1])]


def test_a_retraction_is_told_and_not_hidden() -> None:
    (change,) = changes([flip(1, 100, "down"), flip(2, 100, None, 1)])
    assert change.retracted
    assert [old.to for old in change.before] == ["down"]


def test_a_revision_whose_past_was_not_read_still_stands() -> None:
    (change,) = changes([flip(7, 100, "down", 3)])
    assert (change.flip.seq, change.before) == (7, ())


def test_a_ring_of_revisions_comes_to_an_end() -> None:
    assert changes([flip(1, 100, "down", 2), flip(2, 100, "ok", 1)]) == []
