"""What works on a connection while a line is tested: a stream of load, round trips, the server's own count."""

from __future__ import annotations

import math
import socket
import sys
from typing import TYPE_CHECKING, Final

from agent.net.links import now_s
from agent.net.stream import StreamError
from agent.probes.bandwidth.estimate import Flow
from agent.probes.bandwidth.talk import MAX_HEAD_BYTES, Connection, check
from agent.probes.given import Ended
from agent.probes.trains import median
from wire.outcomes import fail

if TYPE_CHECKING:
    from agent.probes.bandwidth.order import Way

BUFFER: Final = 128 * 1024
MOST_STEPS: Final = 16
PING_GAP_S: Final = 0.02
LEAST_WAITING: Final = 16 * 1024
MOST_WAITING: Final = 256 * 1024
"""How much an upload may leave with the kernel unsent: little, or a slow line carries it long after the test."""

UPLOAD_BYTES: Final = 10**12
"""What an upload announces; it is cut when enough is known."""

# TCP discards what is received instead of copying it (tcp(7), MSG_TRUNC): only its number is wanted.
_DISCARD: Final = socket.MSG_TRUNC if sys.platform == "linux" else 0


class Loader:
    """One stream of load. It waits for the head of the answer, then moves bytes until the loop ends."""

    def __init__(self, connection: Connection, way: Way, noise: memoryview, buffer: bytearray) -> None:
        self.connection, self.way, self.moved = connection, way, 0
        self._noise, self._buffer, self._head, self._begun = noise, buffer, b"", False
        self._discard, self._waiting = _DISCARD if connection.plain else 0, MOST_WAITING
        self._whole = BUFFER if connection.plain else 1  # what comes over TLS comes record by record

    def start(self) -> None:
        """Ask; from now on the line is loaded."""
        if self.way == "download":
            self.connection.ask("GET", "download")
        else:
            self._let_wait(LEAST_WAITING)
            self.connection.ask("POST", "upload", "Expect: 100-continue", f"Content-Length: {UPLOAD_BYTES}")
        self.connection.sock.setblocking(False)

    def _let_wait(self, count: int) -> None:
        option = getattr(socket, "TCP_NOTSENT_LOWAT", None)
        if option is not None:
            self.connection.sock.setsockopt(socket.IPPROTO_TCP, option, count)
        self._waiting = count

    def work(self) -> int:
        """Move what can be moved now; the bytes that it was. Raises StreamError, Ended."""
        before = self.moved
        try:
            if not self._begun:
                self._hear()
            step = self._receive if self.way == "download" else self._send
            for _ in range(MOST_STEPS if self._begun else 0):
                if step() < self._whole:
                    break  # no more is there, and no call is needed to learn it
        except self.connection.busy:
            pass
        except OSError as error:
            raise StreamError(fail("reset"), f"a stream was lost: {error.strerror or error}") from error
        if self.way == "upload" and MOST_WAITING > self._waiting <= self.moved - before:
            self._let_wait(2 * self._waiting)  # all of it was gone within one turn: the line is faster than that
        return self.moved - before

    def _hear(self) -> None:
        data = self.connection.sock.recv(2048)
        self._head += data
        if not data:
            raise StreamError(fail("reset"), "the server closed a stream instead of answering")
        head, end, rest = self._head.partition(b"\r\n\r\n")
        if end:
            check(head, (200,) if self.way == "download" else (100,))
            self._begun, self.moved = True, len(rest) if self.way == "download" else 0
        elif len(self._head) > MAX_HEAD_BYTES:
            raise Ended(fail("bad_answer"), error="the head of the answer has no end")

    def _receive(self) -> int:
        count = self.connection.sock.recv_into(self._buffer, BUFFER, self._discard)
        if not count:
            raise StreamError(fail("cut_short"), "the server ended a stream before the test was over")
        self.moved += count
        return count

    def _send(self) -> int:
        count = self.connection.sock.send(self._noise)
        self.moved += count
        return count


class Pinger:
    """Round trips on a connection of their own, one after the other, with a rest between them."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.trips: list[tuple[float, float]] = []
        self._shortest_s = math.inf
        self._sent_s: float | None = None
        self._next_s = 0.0
        self._raw = b""

    def tick(self, now: float) -> None:
        """Let the next one leave where it is time."""
        if self._sent_s is None and now >= self._next_s:
            self._sent_s, self._raw = now, b""
            self.connection.ask("GET", "ping")
            self.connection.sock.setblocking(False)

    def ready(self) -> None:
        try:
            self._raw += self.connection.sock.recv(2048)
        except self.connection.busy:
            return
        except OSError as error:
            raise StreamError(fail("reset"), f"the round trips were lost: {error.strerror or error}") from error
        if b"\r\n\r\n" in self._raw and self._sent_s is not None:
            now = now_s()
            check(self._raw, (204,))
            self.trips.append((self._sent_s, now - self._sent_s))
            self._shortest_s = min(self._shortest_s, now - self._sent_s)
            self._sent_s, self._next_s = None, now + PING_GAP_S
        elif not self._raw or len(self._raw) > MAX_HEAD_BYTES:
            raise StreamError(fail("reset"), "the server closed the connection of the round trips")

    def queue_s(self, recent: int) -> float:
        """How long the last ones stood in queues: what they took longer than the shortest; 0 without any."""
        if not self.trips:
            return 0.0
        return median([rtt for _, rtt in self.trips[-recent:]]) - self._shortest_s

    @property
    def waits(self) -> bool:
        """Whether one is under way."""
        return self._sent_s is not None


class Taker:
    """The server's series of what it received: its seconds and bytes, line by line."""

    def __init__(self, connection: Connection, behind_head: bytes) -> None:
        self.connection, self.flow = connection, Flow()
        self.first: tuple[float, int] | None = None
        self.last: tuple[float, int] = (0.0, 0)
        self.here: list[float] = []
        self._raw = behind_head

    def ready(self) -> None:
        try:
            data = self.connection.sock.recv(16 * 1024)
        except self.connection.busy:
            return
        except OSError as error:
            raise StreamError(fail("reset"), f"the server's count was lost: {error.strerror or error}") from error
        if not data:
            raise StreamError(fail("cut_short"), "the server ended its count before the test was over")
        *lines, self._raw = (self._raw + data).split(b"\n")
        if len(self._raw) > 100:
            raise Ended(fail("bad_answer"), error="the server's count cannot be read")
        for line in lines:
            self._take(line)

    def _take(self, line: bytes) -> None:
        try:
            at, total = line.split()
            read = float(at), int(total)
        except ValueError as error:
            raise Ended(fail("bad_answer"), error=f"the server's count cannot be read: {line[:40]!r}") from error
        if self.first is None:
            self.first = self.last = read
        if not (self.last[0] <= read[0] < 1e12 and self.last[1] <= read[1] <= 2**53):
            raise Ended(fail("bad_answer"), error="the server's count goes backwards")
        self.last = read
        self.here.append(now_s())
        if read[1] > self.first[1] or self.flow.at:
            self.flow.add(read[0], read[1] - self.first[1])
