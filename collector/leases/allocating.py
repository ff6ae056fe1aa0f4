"""Who may load which line, and when. Pure: a question and the book in, an answer and the slots that change out.

A line's turn is drawn by lot within its windows; where its uplink group, a measurement server or the province is taken
then, lots are drawn again, and at last every moment is looked at. A person who waits goes before all that is only
reserved, and beside nothing that is under way.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from collector.judging.policy import Bandwidth
from collector.leases.slots import IN_THE_WAY, Book, Server, Slot, peak
from collector.leases.windows import DAY_MS, Lots, Span, starts, windows, without

LEAD_MS: Final = 5_000
"""Who comes so early has come in time: the lease tells how long to wait."""

SHARE_OF_PERIOD: Final = 0.8
"""A turn lies within this share of the period."""

LAST_SHARE: Final = 0.94
"""One that gave way may come as late as this: the agent gives up shortly before the next (agent/work/later.py)."""

DRAWS: Final = 24
LOOKS: Final = 120
SOON_MS: Final = 600_000
FULL_AGAIN_MS: Final = 900_000
FULL_SOON_MS: Final = 20_000

Counts = Callable[[Slot], bool]


@dataclass(frozen=True, slots=True)
class Way:
    """A line as leases see it. `group`: the uplink it shares; `opening`: the centre's hours on all days concerned."""

    line: str
    group: str
    bps: int
    opening: Sequence[Span]


@dataclass(frozen=True, slots=True)
class Question:
    """May this agent load this line now? `id`: of a slot, should one be made. `task`: a person waits; else empty."""

    id: str
    agent: str
    item: str
    way: Way
    period_ms: int
    now_ms: int
    task: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """`given`: the lease. Without one, `why`, and how long until its turn; None: not in this period."""

    changes: tuple[Slot, ...] = ()
    given: Slot | None = None
    why: str = ""
    again_ms: int | None = None


class Allocator:
    """Reads the book, never writes it. `day_start`: where the local day of an instant begins."""

    def __init__(
        self, book: Book, servers: Sequence[Server], policy: Bandwidth, day_start: Callable[[int], int]
    ) -> None:
        self._book, self._servers, self._policy, self._day_start = book, servers, policy, day_start
        self._slot_ms, self._test_ms = round(policy.slot_s * 1000), round(policy.test_s * 1000)

    def decide(self, q: Question) -> Decision:
        """A lease, or when to ask again."""
        if not self._servers:
            return Decision(why="no_server")
        own, useless = self._own(q)
        if own is None:
            found = self._soon(q) if q.task else self._later(q)
        else:
            found = self._turn(own, q.now_ms, "busy" if q.task else "window")
        return replace(found, changes=(*(replace(s, state="dropped") for s in useless), *found.changes))

    def give_back(self, key: str, agent: str, used_bytes: int, now_ms: int) -> Decision:
        """A lease is over; its slot is free from now. What is told a second time, or by a stranger, changes nothing."""
        held = self._book.find(key)
        if held is None or held.agent != agent or held.state != "held":
            return Decision()
        to_ms = max(held.from_ms, min(held.to_ms, now_ms))
        return Decision((replace(held, state="returned", used_bytes=used_bytes, to_ms=to_ms),))

    # --- a place that is there already --------------------------------------------------------------------------------

    def _own(self, q: Question) -> tuple[Slot | None, list[Slot]]:
        """The place kept for this question, and those of its line that nobody will come for."""
        urls = {server.url for server in self._servers}
        own, useless = None, []
        for slot in self._book.of_line(q.way.line):
            if slot.state not in IN_THE_WAY or slot.to_ms <= q.now_ms or slot.task != q.task:
                continue
            mine = slot.agent == q.agent and slot.item == q.item and slot.server in urls
            if mine and q.now_ms <= slot.to_ms - self._test_ms:
                own = slot
            elif slot.state == "reserved":
                useless.append(slot)
        return own, useless

    def _turn(self, slot: Slot, now_ms: int, why: str) -> Decision:
        if now_ms < slot.from_ms - LEAD_MS:
            return Decision((slot,) if slot.seq == 0 else (), why=why, again_ms=slot.from_ms - now_ms)
        held = replace(slot, state="held")
        return Decision((held,), given=held)

    # --- by plan: within windows --------------------------------------------------------------------------------------

    def _later(self, q: Question) -> Decision:
        since = self._since(q)
        share = SHARE_OF_PERIOD if since == q.now_ms else LAST_SHARE
        within = q.now_ms, since + round(share * min(DAY_MS, q.period_ms))
        spent = self._spent_days(q, within)
        kinds = windows(q.way.opening, round(self._policy.rush_s * 1000), within)
        chance = _chance(q.way.line, self._day_start(q.now_ms))
        both = [kinds.working, kinds.quiet]
        if chance.random() >= self._policy.working_share:
            both.reverse()
        room = [starts(without(spans, spent), self._slot_ms) for spans in both]
        for spans in room:
            if slot := self._place(q, spans, chance):
                return self._turn(replace(slot, asked_ms=since), q.now_ms, "window")
        if any(room):
            return Decision(why="full", again_ms=round(FULL_AGAIN_MS * chance.uniform(0.5, 1.0)))
        return Decision(why="budget" if spent else "window")

    def _since(self, q: Question) -> int:
        """When this turn was first asked for: one that gave way keeps its end."""
        gave_way = [s.asked_ms for s in self._book.of_line(q.way.line) if s.state == "dropped" and s.item == q.item]
        asked = max(gave_way, default=q.now_ms)
        return asked if asked > q.now_ms - LAST_SHARE * q.period_ms else q.now_ms

    def _spent_days(self, q: Question, within: Span) -> list[Span]:
        """The local days on which the line's budget has no room for another test."""
        days, start = list[Span](), self._day_start(within[0])
        while start < within[1]:
            end = self._day_start(start + DAY_MS + DAY_MS // 2)
            if self._book.cost_bytes(q.way.line, start, end) + self._wanted(q.way) > self._policy.day_bytes:
                days.append((start, end))
            start = end
        return days

    def _place(self, q: Question, spans: Sequence[Span], chance: random.Random) -> Slot | None:
        if not spans:
            return None
        for at in self._candidates(q, Lots(spans, chance), spans):
            if (server := self._free(q.way, at, _all)) is not None:
                return self._slot(q, at, server)
        return None

    def _candidates(self, q: Question, lots: Lots, spans: Sequence[Span]) -> Iterator[int]:
        for _ in range(DRAWS):
            yield lots.draw()
        yield from self._gaps(q, spans)

    def _gaps(self, q: Question, spans: Sequence[Span]) -> list[int]:
        """Where something ends, or a window begins: if there is room at all, it begins at one of these."""
        lanes = self._book.group(q.way.group), self._book.all
        ends = {s.to_ms for lane in lanes for a, b in spans for s in lane.between(a - 1, b) if a <= s.to_ms < b}
        found = sorted({a for a, _ in spans} | ends)
        return found if len(found) <= LOOKS else found[:: -(-len(found) // LOOKS)]

    # --- on demand: now, or as soon as what is under way is over ------------------------------------------------------

    def _soon(self, q: Question) -> Decision:
        today = self._day_start(q.now_ms)
        cost = self._book.cost_bytes(q.way.line, today, today + DAY_MS)
        if cost + self._wanted(q.way) > self._policy.day_most_bytes:
            return Decision(why="budget")
        until = q.now_ms + SOON_MS
        ends = {s.to_ms for s in self._book.all.between(q.now_ms, until) if _firm(s) and s.to_ms < until}
        for at in [q.now_ms, *sorted(ends)]:
            if self._free(q.way, at, _firm) is not None:
                return self._go_before(q, at)
        return Decision(why="full", again_ms=FULL_SOON_MS)

    def _go_before(self, q: Question, at: int) -> Decision:
        """Take a place at which nothing firm is; what is only reserved there gives way, as little of it as will do."""
        there = [s for s in self._book.all.between(at, at + self._slot_ms) if s.planned]
        there.sort(key=lambda s: (s.group != q.way.group and s.line != q.way.line, -s.asked_ms, s.id))
        away: list[Slot] = []
        while (server := self._free(q.way, at, lambda s: s not in away)) is None:
            away.append(there.pop(0))
        found = self._turn(self._slot(q, at, server), q.now_ms, "busy")
        return replace(found, changes=(*(replace(s, state="dropped") for s in away), *found.changes))

    # --- room ---------------------------------------------------------------------------------------------------------

    def _free(self, way: Way, at: int, counts: Counts) -> Server | None:
        """A server that carries one more from `at` on; None where it, the province, the group or the line is taken."""
        end = at + self._slot_ms
        if any(map(counts, self._book.group(way.group).between(at, end))):
            return None
        own = (s for s in self._book.of_line(way.line) if s.state in IN_THE_WAY and s.from_ms < end and s.to_ms > at)
        if any(map(counts, own)):
            return None
        together, _ = peak(filter(counts, self._book.all.between(at, end)), at)
        if together >= self._policy.at_once:
            return None
        fits = (s for s in _by_preference(self._servers, way.line) if self._carries(s, way, at, counts))
        return next(fits, None)

    def _carries(self, server: Server, way: Way, at: int, counts: Counts) -> bool:
        there = filter(counts, self._book.server(server.url).between(at, at + self._slot_ms))
        tests, bps = peak(there, at)
        return tests < server.tests and bps + min(way.bps, server.bps) <= server.bps

    def _slot(self, q: Question, at: int, server: Server) -> Slot:
        # A line faster than the server takes all of it: its test says server_bound, and disturbs no other.
        return Slot(
            id=q.id, seq=0, agent=q.agent, item=q.item, line=q.way.line, group=q.way.group, server=server.url,
            bps=min(q.way.bps, server.bps), from_ms=at, to_ms=at + self._slot_ms, state="reserved", task=q.task,
            max_bytes=self._wanted(q.way), used_bytes=None, asked_ms=q.now_ms,
        )  # fmt: skip

    def _wanted(self, way: Way) -> int:
        """What a test may move: what the contract brings in its time, within the limit of one test."""
        return round(min(self._policy.test_bytes, way.bps / 8 * self._policy.test_s))


def _all(_slot: Slot) -> bool:
    return True


def _firm(slot: Slot) -> bool:
    return not slot.planned


def _by_preference(servers: Iterable[Server], line: str) -> list[Server]:
    """A line meets the same server every time it is free: figures of two servers are hard to compare."""
    return sorted(servers, key=lambda server: hashlib.blake2b(f"{server.url} {line}".encode(), digest_size=8).digest())


def _chance(line: str, day_ms: int) -> random.Random:
    """The same for a line on a day, whoever asks."""
    digest = hashlib.blake2b(f"{line} {day_ms}".encode(), digest_size=8).digest()
    return random.Random(int.from_bytes(digest))  # noqa: S311  # spreads load, guards nothing
