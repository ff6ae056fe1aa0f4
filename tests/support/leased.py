"""Questions about lines for tests of leases, and what must hold of all slots at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import count
from typing import Final

from collector.judging.policy import Bandwidth
from collector.leases.allocating import Allocator, Decision, Question, Way
from collector.leases.slots import Book, Server, Slot, peak
from collector.leases.windows import DAY_MS, HOUR_MS, Span

ONE: Final = (Server("https://one.example:1", 1_000_000_000, 20),)
MIDNIGHT: Final = 1_763_658_000_000
"""2025-11-21 00:00 in Vietnam, a Friday."""

OFFICE: Final = ((7.5, 11.5), (13.5, 17.0))


def day_start(at_ms: int) -> int:
    return (at_ms - MIDNIGHT) // DAY_MS * DAY_MS + MIDNIGHT


def at(hour: float, day: int = 0) -> int:
    """An instant of that Friday, or of a day after it."""
    return MIDNIGHT + day * DAY_MS + round(hour * HOUR_MS)


def office(days: int = 3) -> list[Span]:
    return [(at(a, day), at(b, day)) for day in range(days) for a, b in OFFICE]


class Desk:
    """An allocator with its book; what is decided is kept."""

    def __init__(self, servers: Sequence[Server] = ONE, policy: Bandwidth | None = None) -> None:
        self.book, self.policy, self.servers = Book(), policy or Bandwidth(), tuple(servers)
        self._ids = count(1)

    def ask(
        self, line: str, now_ms: int, *, group: str = "", bps: int = 100_000_000, task: str = "", agent: str = "",
        opening: Sequence[Span] | None = None, period_ms: int = DAY_MS,
    ) -> Decision:  # fmt: skip
        way = Way(line, group or line, bps, office() if opening is None else opening)
        key, who = f"slot-{next(self._ids):04}", agent or f"agent of {line}"
        return self._kept(self._allocator().decide(Question(key, who, f"item of {line}", way, period_ms, now_ms, task)))

    def give_back(self, slot: Slot, now_ms: int, used_bytes: int = 1_000_000, agent: str = "") -> Decision:
        return self._kept(self._allocator().give_back(slot.id, agent or slot.agent, used_bytes, now_ms))

    def restart(self) -> None:
        """Only what is written down is left."""
        rows, self.book = list(self.book.everything()), Book()
        for row in rows:
            self.book.put(row)

    def _allocator(self) -> Allocator:
        return Allocator(self.book, self.servers, self.policy, day_start)

    def _kept(self, decision: Decision) -> Decision:
        for change in decision.changes:
            self.book.put(replace(change, seq=1))
        return decision


def must_hold(slots: Iterable[Slot], servers: Sequence[Server], at_once: int) -> None:
    """Never two at once on one uplink group or line; never more than a server, or the province, carries."""
    kept = sorted((s for s in slots if s.state != "dropped" and s.from_ms < s.to_ms), key=lambda s: s.from_ms)
    for name in ("group", "line"):
        ends = dict[str, int]()
        for slot in kept:
            key = getattr(slot, name)
            assert ends.get(key, 0) <= slot.from_ms, f"two tests at once: {name} {key} at {slot.from_ms}"
            ends[key] = slot.to_ms
    first = kept[0].from_ms if kept else 0
    assert peak(kept, first)[0] <= at_once
    for server in servers:
        tests, bps = peak((s for s in kept if s.server == server.url), first)
        assert (tests <= server.tests, bps <= server.bps) == (True, True), server.url
