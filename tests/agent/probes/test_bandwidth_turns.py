"""How long a turn of the load is: never longer than the queue on the way bears, and what came too late is counted."""

from __future__ import annotations

import selectors
import socket
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import cast

import pytest

from agent.probes.bandwidth import load as loading
from agent.probes.bandwidth.load import LEAST_TURN_S, MOST_TURN_S, Drive
from agent.probes.bandwidth.streams import Loader, Pinger
from agent.probes.bandwidth.talk import Connection
from agent.probes.bandwidth.watch import Watch


class Clock:
    """Time that goes on where the test says so: waiting and working take what they are told."""

    def __init__(self) -> None:
        self.now, self.worked = 100.0, 0.0

    def wait(self, seconds: float) -> None:
        self.now += seconds

    def work(self, seconds: float) -> None:
        self.now, self.worked = self.now + seconds, self.worked + seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(loading, "now_s", lambda: made.now)
    monkeypatch.setattr(loading, "time", SimpleNamespace(thread_time=lambda: made.worked))
    return made


@pytest.fixture
def pinger() -> Iterator[Pinger]:
    here, there = socket.socketpair()
    with here, there:
        yield Pinger(cast("Connection", SimpleNamespace(sock=here, ask=lambda *_: None)))


def turns(clock: Clock, pinger: Pinger, count: int, late: Callable[[int], float], came: int = 1_000) -> Drive:
    """A drive after `count` turns, each of them `late` seconds later than it asked to be woken."""

    class Quick:
        nth = 0

        def select(self, seconds: float) -> list[object]:
            clock.wait(seconds + late(self.nth))
            self.nth += 1
            return []

    def work() -> int:
        clock.work(0.002)
        return came

    drive = Drive([cast("Loader", SimpleNamespace(work=work))], pinger, None, cast("Watch", None))
    quick = cast("selectors.BaseSelector", Quick())
    for _ in range(count):
        drive._turn(quick)
    return drive


def with_trips(pinger: Pinger, *rtts: float) -> Pinger:
    pinger.trips = [(0.0, rtt) for rtt in rtts]
    pinger._shortest_s = min(rtts, default=0.0)
    return pinger


@pytest.mark.parametrize(
    ("rtts", "turn_s"),
    [
        pytest.param([], LEAST_TURN_S, id="nothing known of the queue yet"),
        pytest.param([0.03] * 9, LEAST_TURN_S, id="a long way without a queue"),
        pytest.param([0.03] + [0.04] * 8, 0.005, id="half of a short queue"),
        pytest.param([0.03] + [0.3] * 8, MOST_TURN_S, id="a long queue"),
        pytest.param([0.03] + [0.3] * 8 + [0.032] * 8, LEAST_TURN_S, id="a queue that ran dry"),
    ],
)
def test_a_turn_is_no_longer_than_half_of_the_queue(
    clock: Clock, pinger: Pinger, rtts: list[float], turn_s: float
) -> None:
    drive = turns(clock, with_trips(pinger, *rtts), 3, lambda _: 0.0)
    assert drive._turn_s == pytest.approx(turn_s)


def test_a_turn_ends_when_its_bytes_have_come_however_long_the_queue(clock: Clock, pinger: Pinger) -> None:
    drive = turns(clock, with_trips(pinger, 0.01, *[0.3] * 8), 20, lambda _: 0.0, came=256 * 1024)
    assert drive._turn_s == LEAST_TURN_S


def test_what_came_too_late_is_counted_and_the_work_itself_and_the_grain_of_timers_are_not(
    clock: Clock, pinger: Pinger
) -> None:
    assert turns(clock, pinger, 50, lambda _: 0.004).held_s == 0
    late = turns(clock, pinger, 50, lambda nth: 0.03 if nth % 10 == 0 else 0.001)
    assert late.held_s == pytest.approx(5 * 0.03)


def test_round_trips_tell_the_queue_and_not_the_way(pinger: Pinger) -> None:
    assert pinger.queue_s(8) == 0
    assert with_trips(pinger, 0.02, 0.02, 0.05, 0.05, 0.05).queue_s(3) == pytest.approx(0.03)
