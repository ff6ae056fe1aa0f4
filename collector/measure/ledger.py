"""Who is measuring now: tickets at work, what each has moved, and how many may work at once.

Full      so many tests are under way already; `retry_after_s` says when to come again
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Final

from collector.api import CollectorError
from collector.measure import ticket as tickets
from collector.measure.ticket import Ticket
from wire.clock import Clock

SETTLE_MS: Final = 5_000
"""A test between two of its phases has no connection for a moment; its place is kept for so long."""

MOST_OPEN: Final = 40
MOST_KNOWN: Final = 20_000


class Full(CollectorError):
    """There is no place now."""

    def __init__(self, text: str, retry_after_s: int) -> None:
        super().__init__(text)
        self.retry_after_s = retry_after_s


@dataclass(slots=True, eq=False)
class Load:
    """One ticket at work. `used` counts every byte of load, both ways; `until_ms` is monotonic."""

    ticket: Ticket
    until_ms: int
    touched_ms: int
    used: int = 0
    sent: int = 0
    received: int = 0
    open: int = 0

    @property
    def left(self) -> int:
        """Bytes that it may still move."""
        return max(0, self.ticket.max_bytes - self.used)


class Ledger:
    """All loads of one measurement server. `tests`: how many may work at once. For any thread."""

    def __init__(self, key: bytes, clock: Clock, *, tests: int) -> None:
        self._key, self._clock, self._tests = key, clock, tests
        self._lock = threading.Lock()
        self._loads: dict[str, Load] = {}

    def enter(self, text: str) -> Load:
        """A connection for the ticket `text`; give it back by `leave`. Raises TicketError, Full."""
        ticket = tickets.read(self._key, text, now_ms=self._clock.wall_ms())
        now = self._clock.mono_ms()
        with self._lock:
            load = self._loads.get(text)
            if load is None:
                load = self._admit(text, ticket, now)
            elif now >= load.until_ms:  # the wall clock was set back since it came
                raise tickets.TicketError("ticket_expired", "the time of this ticket is over")
            if load.open >= MOST_OPEN:
                raise Full(f"this ticket holds {MOST_OPEN} connections already", 2)
            if not self._works(load, now) and self._working(now) >= self._tests:
                raise Full(f"{self._tests} tests are under way", SETTLE_MS // 1000)
            load.open, load.touched_ms = load.open + 1, now
        return load

    def leave(self, load: Load) -> None:
        """A connection that `enter` gave is over."""
        with self._lock:
            load.open, load.touched_ms = load.open - 1, self._clock.mono_ms()

    def send(self, load: Load, wanted: int) -> int:
        """How many of `wanted` bytes may be sent now; they are counted. 0 when the bytes or the time are used up."""
        with self._lock:
            allowed = 0 if self._over(load) else min(wanted, load.left)
            load.used, load.sent = load.used + allowed, load.sent + allowed
        return allowed

    def unsent(self, load: Load, count: int) -> None:
        """So many of the bytes that `send` allowed did not leave."""
        with self._lock:
            load.used, load.sent = load.used - count, load.sent - count

    def receive(self, load: Load, count: int) -> bool:
        """Count bytes that came. False when the bytes or the time are used up."""
        with self._lock:
            load.used, load.received = load.used + count, load.received + count
            return load.left > 0 and not self._over(load)

    def left_s(self, load: Load) -> float:
        """Seconds until the ticket ends."""
        return max(0.0, (load.until_ms - self._clock.mono_ms()) / 1000)

    def working(self) -> int:
        """How many tests are under way."""
        with self._lock:
            return self._working(self._clock.mono_ms())

    def _admit(self, text: str, ticket: Ticket, now: int) -> Load:
        if self._working(now) >= self._tests:
            raise Full(f"{self._tests} tests are under way", SETTLE_MS // 1000)
        for gone in [known for known, load in self._loads.items() if now >= load.until_ms and not load.open]:
            del self._loads[gone]
        if len(self._loads) >= MOST_KNOWN:
            raise Full("too many tickets are remembered until they end", 60)
        load = Load(ticket, now + ticket.expires_ms - self._clock.wall_ms(), now)
        self._loads[text] = load
        return load

    def _working(self, now: int) -> int:
        return sum(self._works(load, now) for load in self._loads.values())

    def _works(self, load: Load, now: int) -> bool:
        return load.open > 0 or now < load.touched_ms + SETTLE_MS

    def _over(self, load: Load) -> bool:
        return self._clock.mono_ms() >= load.until_ms
