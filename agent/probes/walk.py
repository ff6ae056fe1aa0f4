"""A way asked for hop by hop: whom to ask next, what counts, where it ends. No sockets, no clock of its own."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from agent.net.hops import hop_of, number_of
from agent.net.links import Heard


@dataclass(frozen=True, slots=True)
class Place:
    """Who answered at a hop, and the round trip to it in seconds."""

    address: str
    rtt_s: float


@dataclass(slots=True)
class Walk:
    """One look at the way to `address`; moments in seconds of one clock.

    Each hop is asked up to `queries` times, the next time only when the last was silent for `timeout_s`; at most
    `at_once` packets are under way. Only the first answer of a hop counts. `end` is the hop where the target answered,
    or where somebody said that there is no way on: nothing behind it is asked.
    """

    address: str
    max_hops: int
    queries: int
    timeout_s: float
    at_once: int
    sent: dict[int, float] = field(default_factory=dict)
    places: dict[int, Place] = field(default_factory=dict)
    attempts: dict[int, int] = field(default_factory=dict)
    arrived: dict[int, Place] = field(default_factory=dict)
    refusals: dict[int, tuple[Place, str]] = field(default_factory=dict)
    no_way: int = 0

    @property
    def reached(self) -> bool:
        return bool(self.arrived)

    @property
    def end(self) -> int:
        """The last hop worth asking."""
        return min(self.arrived or self.refusals, default=self.max_hops)

    @property
    def refusal(self) -> str:
        """Who said that there is no way on, and why; empty where nobody did, or the target answered all the same."""
        if self.reached or not self.refusals:
            return ""
        place, text = self.refusals[min(self.refusals)]
        return f"{place.address}: {text}"

    def due(self, now: float) -> int | None:
        """The packet to send now; None where none is, or enough are under way."""
        waiting = {hop_of(number) for number, at in self.sent.items() if now < at + self.timeout_s}
        waiting -= self._settled()
        if len(waiting) >= self.at_once:
            return None
        hop = next((hop for hop in range(1, self.end + 1) if hop not in waiting and self._may_ask(hop)), None)
        return None if hop is None else number_of(hop, self.attempts.get(hop, 0))

    def leave(self, number: int, now: float) -> None:
        """A packet leaves."""
        self.sent[number] = now
        self.attempts[hop_of(number)] = self.attempts.get(hop_of(number), 0) + 1

    def withdraw(self, number: int) -> None:
        """The packet never left this machine; its attempt is over all the same."""
        del self.sent[number]

    def take(self, heard: Heard) -> None:
        """Something was heard. What answers no packet of this walk does not count; what is late still tells who it is.

        A refusal by the target itself is its answer: the way leads there.
        """
        left, hop = self.sent.get(heard.number), hop_of(heard.number)
        if left is None or heard.at < left or hop in self._settled():
            return
        place = Place(heard.by, heard.at - left)
        if heard.expired:
            self.places[hop] = place
        elif heard.refusal is None or heard.by == self.address:
            self.arrived[hop] = place
        else:
            self.refusals[hop] = (place, heard.refusal)

    def wait_s(self, now: float) -> float | None:
        """Seconds until there is something to do, an answer aside; None when the walk is over."""
        if self.due(now) is not None:
            return 0.0
        settled = self._settled()
        ends = [
            at + self.timeout_s
            for number, at in self.sent.items()
            if hop_of(number) not in settled and hop_of(number) <= self.end and now < at + self.timeout_s
        ]
        return min(ends) - now if ends else None

    def longest_s(self) -> float:
        """How long it takes where nobody answers."""
        return math.ceil(self.max_hops / self.at_once) * self.queries * self.timeout_s

    def hops(self) -> list[Place | None]:
        """Who is where, from hop 1 on: up to the target, or to whoever answered last and the silence behind them.

        Who refuses packets that were to pass on is listed once, at the hop where that was heard first.
        """
        known: dict[int, Place] = {hop: place for hop, place in self.places.items() if hop <= self.end}
        if self.reached:
            known[self.end] = self.arrived[self.end]
        elif self.refusals:
            first = min(self.refusals)
            place, _ = self.refusals[first]
            if place.address not in {passed.address for hop, passed in known.items() if hop < first}:
                known[first] = place
        last = max(known, default=0)
        if not self.reached and self.sent and last < self.end:
            last += 1
        return [known.get(hop) for hop in range(1, last + 1)]

    def _settled(self) -> set[int]:
        return self.places.keys() | self.arrived.keys() | self.refusals.keys()

    def _may_ask(self, hop: int) -> bool:
        return hop not in self._settled() and self.attempts.get(hop, 0) < self.queries
