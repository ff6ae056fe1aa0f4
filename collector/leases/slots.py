"""Slots of time that lines are kept for, and what of them lies in the way of another one. Pure.

Instants are UTC milliseconds; a slot holds from `from_ms` to before `to_ms`.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

State = Literal["reserved", "held", "returned", "dropped"]
"""reserved: its turn comes · held: the agent has the lease · returned: with what it cost · dropped: gave way."""

IN_THE_WAY: Final = frozenset({"reserved", "held"})


@dataclass(frozen=True, slots=True)
class Server:
    """A measurement server: `bps` and `tests` are what it carries at once."""

    url: str
    bps: int
    tests: int


@dataclass(frozen=True, slots=True)
class Slot:
    """A line's place in the timetable. `task`: a person asked for it; empty: it is the plan's.

    `max_bytes` is what the test may cost, `used_bytes` what it did cost; None: nobody has told.
    """

    id: str
    seq: int
    agent: str
    item: str
    line: str
    group: str
    server: str
    bps: int
    from_ms: int
    to_ms: int
    state: State
    task: str
    max_bytes: int
    used_bytes: int | None
    asked_ms: int

    @property
    def cost_bytes(self) -> int:
        """What counts against a budget: of a lease that nobody returned, all that it allowed."""
        if self.state == "dropped":
            return 0
        return self.max_bytes if self.used_bytes is None else self.used_bytes

    @property
    def planned(self) -> bool:
        """Whether it may give way to a person who waits: reserved, and nobody waits for it."""
        return self.state == "reserved" and not self.task


class Lane:
    """Slots in the order of time, of one uplink group, one server or all of them."""

    def __init__(self) -> None:
        self._order: list[tuple[int, str]] = []
        self._slots: dict[str, Slot] = {}
        self._longest_ms = 0

    def put(self, slot: Slot) -> None:
        self._slots[slot.id] = slot
        insort(self._order, (slot.from_ms, slot.id))
        self._longest_ms = max(self._longest_ms, slot.to_ms - slot.from_ms)

    def take(self, slot: Slot) -> None:
        if self._slots.pop(slot.id, None) is not None:
            del self._order[bisect_left(self._order, (slot.from_ms, slot.id))]

    def between(self, from_ms: int, to_ms: int) -> Iterator[Slot]:
        """The slots that share a moment with this span, by their beginning."""
        at = bisect_left(self._order, (from_ms - self._longest_ms, ""))
        while at < len(self._order) and self._order[at][0] < to_ms:
            slot = self._slots[self._order[at][1]]
            if slot.to_ms > from_ms:
                yield slot
            at += 1


class Book:
    """All slots that matter now: those that lie in somebody's way, and what each line has cost lately."""

    def __init__(self) -> None:
        self.all = Lane()
        self._groups: dict[str, Lane] = {}
        self._servers: dict[str, Lane] = {}
        self._lines: dict[str, dict[str, Slot]] = {}
        self._by_id: dict[str, Slot] = {}

    def put(self, slot: Slot) -> None:
        """Take a slot in, or what became of one that is known."""
        if slot.id in self._by_id:
            self._take(self._by_id[slot.id])
        self._by_id[slot.id] = slot
        self._lines.setdefault(slot.line, {})[slot.id] = slot
        if slot.state in IN_THE_WAY:
            for lane in self._lanes(slot):
                lane.put(slot)

    def forget(self, before_ms: int, most: int) -> None:
        """Let go of what was over then, so many at once at most, those that changed longest ago first."""
        for _ in range(most):
            oldest = next(iter(self._by_id.values()), None)
            if oldest is None or oldest.to_ms >= before_ms:
                return
            self._take(oldest)

    def find(self, key: str) -> Slot | None:
        return self._by_id.get(key)

    def of_line(self, line: str) -> Iterable[Slot]:
        """Everything known of a line, what is over, too."""
        return self._lines.get(line, {}).values()

    def everything(self) -> Iterable[Slot]:
        return self._by_id.values()

    def group(self, name: str) -> Lane:
        return self._groups.setdefault(name, Lane())

    def server(self, url: str) -> Lane:
        return self._servers.setdefault(url, Lane())

    def cost_bytes(self, line: str, from_ms: int, to_ms: int) -> int:
        """What the tests of a line that begin in this span cost, reserved ones included."""
        return sum(slot.cost_bytes for slot in self.of_line(line) if from_ms <= slot.from_ms < to_ms)

    def _take(self, slot: Slot) -> None:
        del self._by_id[slot.id], self._lines[slot.line][slot.id]
        for lane in self._lanes(slot):
            lane.take(slot)

    def _lanes(self, slot: Slot) -> tuple[Lane, Lane, Lane]:
        return self.all, self.group(slot.group), self.server(slot.server)


def peak(slots: Iterable[Slot], from_ms: int) -> tuple[int, int]:
    """The most slots at one moment from `from_ms` on, and the most bit/s: each at its own worst moment."""
    edges = sorted(
        edge for s in slots for edge in ((max(s.from_ms, from_ms), 1, s.bps), (s.to_ms, -1, -s.bps))
    )  # at one instant an end comes before a beginning  # fmt: skip
    count = bps = most = most_bps = 0
    for _, step, change in edges:
        count, bps = count + step, bps + change
        most, most_bps = max(most, count), max(most_bps, bps)
    return most, most_bps
