"""How many batches a request may hold: it settles where a request takes about a second, whatever the line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.talk.room import LEAST, SOON_S, Room
from wire.messages import MAX_BATCHES


@pytest.mark.parametrize(
    ("size", "sent", "took_s", "then"),
    [
        pytest.param(60, 60, 0.1, 60, id="fast: as many as the contract allows"),
        pytest.param(10, 10, 0.1, 20, id="fast: twice as many"),
        pytest.param(20, 20, 0.7, 26, id="fast enough: a few more"),
        pytest.param(60, 60, 1.5, 40, id="slow: as many as fit"),
        pytest.param(60, 60, 30.0, 30, id="never less than half at once: one answer may be late by chance"),
        pytest.param(6, 6, 9.0, LEAST, id="not fewer than some"),
        pytest.param(3, 3, 9.0, 3, id="fewer stay as they are"),
        pytest.param(60, 1, 3.0, 30, id="a live batch alone that took long"),
    ],
)
def test_after_an_answer(size: int, sent: int, took_s: float, then: int) -> None:
    room = Room(size)
    room.answered(sent, took_s)
    assert room.size == then


@given(a_batch_s=st.floats(1e-4, 1.0), a_request_s=st.floats(0, 0.4), start=st.integers(1, MAX_BATCHES))
def test_it_settles_where_a_request_takes_about_a_second(a_batch_s: float, a_request_s: float, start: int) -> None:
    room = Room(start)
    for _ in range(25):
        room.answered(room.size, a_request_s + room.size * a_batch_s)
    took_s = a_request_s + room.size * a_batch_s
    assert room.size <= LEAST or room.size == MAX_BATCHES or SOON_S / 3 <= took_s <= 2 * SOON_S


def test_requests_that_die_on_the_way_are_halved_down_to_one() -> None:
    room, sizes = Room(), list[int]()
    while room.size > 1:
        room.halve(room.size)
        sizes.append(room.size)
    assert sizes == [30, 15, 7, 3, 1]
