"""A day of speed tests in minutes: agents that ask, wait for their turn, load, give back; on a clock of its own.

What is counted here is counted apart from the allocator: loads as they happened, not slots as they were meant.
"""

from __future__ import annotations

import heapq
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from wire.messages import LeaseAnswer, LeaseAsk

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
LATE_MS: Final = 1_500
"""An agent looks once a second whose turn has come, and takes a moment to ask."""

Span = tuple[int, int]


@dataclass(slots=True)
class DayClock:
    """Both clocks, moved by the day that is played."""

    wall: int
    mono: int = 1_000_000

    def wall_ms(self) -> int:
        return self.wall

    def mono_ms(self) -> int:
        return self.mono

    def set(self, wall_ms: int) -> None:
        self.mono += wall_ms - self.wall
        self.wall = wall_ms


@dataclass(frozen=True, slots=True)
class Player:
    """A test of one line. `kept_from`: the rush of its centre, in which no planned test may be."""

    agent: str
    token: str
    item: str
    line: str
    uplink: str
    bps: int
    kept_from: Sequence[Span] = ()


@dataclass(frozen=True, slots=True)
class Loaded:
    """A line was loaded from then to then (UTC ms), `asked_ms` being when it was first asked for."""

    player: Player
    server: str
    from_ms: int
    to_ms: int
    asked_ms: int
    task: str


@dataclass(order=True, slots=True)
class _Move:
    at_ms: int
    number: int
    player: Player = field(compare=False)
    task: str = field(compare=False, default="")
    asked_ms: int = field(compare=False, default=0)
    returns: str = field(compare=False, default="")


Ask = Callable[[Player, LeaseAsk], LeaseAnswer]
Wave = Callable[[Sequence[tuple[Player, LeaseAsk]]], list[LeaseAnswer]]


class Day:
    """`ask` asks the collector; `wave` asks for many at once."""

    def __init__(self, clock: DayClock, ask: Ask, wave: Wave, seed: int = 1) -> None:
        self._clock, self._ask, self._wave, self._chance = clock, ask, wave, random.Random(seed)
        self._moves: list[_Move] = []
        self._made = 0
        self.loads: list[Loaded] = []
        self.refused: list[tuple[Player, str]] = []
        self.asks = 0

    def play(self, players: Sequence[Player], *, people: float = 0.0) -> None:
        """All ask at once; then each comes at its turn. `people`: share of the lines that somebody asks for, too."""
        begin = self._clock.wall
        answers = self._wave([(player, LeaseAsk(player.item)) for player in players])
        self.asks += len(players)
        for player, answer in zip(players, answers, strict=True):
            self._take(_Move(begin, 0, player, asked_ms=begin), answer)
        for player in self._chance.sample(list(players), round(people * len(players))):
            at_ms = begin + self._chance.randrange(DAY_MS)
            self._push(_Move(at_ms, 0, player, task=f"task {player.line}", asked_ms=at_ms))
        while self._moves:
            self._move(heapq.heappop(self._moves))

    def _move(self, move: _Move) -> None:
        self._clock.set(max(self._clock.wall, move.at_ms))
        self.asks += 1
        if move.returns:
            used = self._chance.randrange(10**8)
            self._ask(move.player, LeaseAsk(move.player.item, move.task or None, move.returns, used))
        else:
            self._take(move, self._ask(move.player, LeaseAsk(move.player.item, move.task or None)))

    def _take(self, move: _Move, answer: LeaseAnswer) -> None:
        now, late = self._clock.wall, self._chance.randrange(LATE_MS)
        if answer.lease is not None:
            begin = now + round(answer.lease.starts_in_s * 1000)
            room = min(answer.lease.max_s * 1000, answer.lease.ends_in_s * 1000 + now - begin)
            end = begin + self._chance.randrange(1_000, round(room))
            self.loads.append(Loaded(move.player, answer.lease.url, begin, end, move.asked_ms, move.task))
            self._push(_Move(end, 0, move.player, move.task, move.asked_ms, returns=answer.lease.id))
        elif answer.again_s is not None:
            at_ms = now + round(answer.again_s * 1000) + late
            self._push(_Move(at_ms, 0, move.player, move.task, move.asked_ms))
        else:
            self.refused.append((move.player, answer.why))

    def _push(self, move: _Move) -> None:
        self._made += 1
        move.number = self._made
        heapq.heappush(self._moves, move)


# --- what must hold ---------------------------------------------------------------------------------------------------


def collisions(loads: Iterable[Loaded]) -> int:
    """Pairs of loads that shared a moment on one uplink."""
    ends: dict[str, int] = defaultdict(int)
    met = 0
    for load in sorted(loads, key=lambda load: load.from_ms):
        met += load.from_ms < ends[load.player.uplink]
        ends[load.player.uplink] = max(ends[load.player.uplink], load.to_ms)
    return met


def most(loads: Iterable[Loaded]) -> Mapping[str, tuple[int, int]]:
    """By server, and under "" for all: the most loads at one moment, and the most contracted bit/s."""
    edges: list[tuple[int, int, Loaded]] = []
    for load in loads:
        edges += [(load.from_ms, 1, load), (load.to_ms, -1, load)]
    held: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    found: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for _, step, load in sorted(edges, key=lambda edge: edge[:2]):
        for key in ("", load.server):
            count, bps = held[key][0] + step, held[key][1] + step * load.player.bps
            held[key], found[key] = (count, bps), (max(found[key][0], count), max(found[key][1], bps))
    return found


def out_of_window(loads: Iterable[Loaded]) -> int:
    """Planned loads that fell into the rush."""
    return sum(
        any(a < load.to_ms and b > load.from_ms for a, b in load.player.kept_from) for load in loads if not load.task
    )


def unserved(players: Iterable[Player], loads: Iterable[Loaded], period_ms: int = DAY_MS) -> int:
    """Lines whose planned test did not begin within its period."""
    served = {load.player.line for load in loads if not load.task and load.from_ms < load.asked_ms + period_ms}
    return sum(player.line not in served for player in players)
