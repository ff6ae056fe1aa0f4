"""The streams at work: one loop over all sockets of one direction, and the round trips beside them."""

from __future__ import annotations

import selectors
import socket
import ssl
import sys
from typing import Final

from agent.net.links import now_s
from agent.net.stream import StreamError
from agent.probes.bandwidth.estimate import Flow
from agent.probes.bandwidth.order import Way
from agent.probes.bandwidth.talk import MAX_HEAD_BYTES, Connection, check
from agent.probes.bandwidth.watch import Watch
from agent.probes.given import Ended
from wire.outcomes import fail, unknown

BUFFER: Final = 128 * 1024
TURN_S: Final = 0.01
FAST_TURN_S: Final = 0.004
FAST_BYTES: Final = 256 * 1024
"""So many bytes in one turn, and the next one is shorter: what waits in the kernel must not fill its window."""
TICK_S: Final = 0.02
MOST_STEPS: Final = 16
LOOK_EVERY_S: Final = 0.15
STALL_S: Final = 3.0
STOOD_STILL_S: Final = 1.0
PING_GAP_S: Final = 0.02
LEAST_WAITING: Final = 16 * 1024
MOST_WAITING: Final = 256 * 1024
"""How much an upload may leave with the kernel unsent: little, or a slow line carries it long after the test."""

UPLOAD_BYTES: Final = 10**12
"""What an upload announces; it is cut when enough is known."""

# TCP discards what is received instead of copying it (tcp(7), MSG_TRUNC): only its number is wanted.
_DISCARD: Final = socket.MSG_TRUNC if sys.platform == "linux" else 0
_BUSY: Final = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Loader:
    """One stream of load. It waits for the head of the answer, then moves bytes until the loop ends."""

    def __init__(self, connection: Connection, way: Way, noise: memoryview, buffer: bytearray) -> None:
        self.connection, self.way, self.moved = connection, way, 0
        self._noise, self._buffer, self._head, self._begun = noise, buffer, b"", False
        self._discard, self._waiting = _DISCARD if connection.plain else 0, MOST_WAITING

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

    def work(self) -> None:
        """Move what can be moved now. Raises StreamError, Ended."""
        before = self.moved
        try:
            if not self._begun:
                self._hear()
            step = self._receive if self.way == "download" else self._send
            for _ in range(MOST_STEPS if self._begun else 0):
                step()
        except _BUSY:
            pass
        except OSError as error:
            raise StreamError(fail("reset"), f"a stream was lost: {error.strerror or error}") from error
        if self.way == "upload" and MOST_WAITING > self._waiting <= self.moved - before:
            self._let_wait(2 * self._waiting)  # all of it was gone within one turn: the line is faster than that

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

    def _receive(self) -> None:
        count = self.connection.sock.recv_into(self._buffer, BUFFER, self._discard)
        if not count:
            raise StreamError(fail("cut_short"), "the server ended a stream before the test was over")
        self.moved += count

    def _send(self) -> None:
        self.moved += self.connection.sock.send(self._noise)


class Pinger:
    """Round trips on a connection of their own, one after the other, with a rest between them."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.trips: list[tuple[float, float]] = []
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
        except _BUSY:
            return
        except OSError as error:
            raise StreamError(fail("reset"), f"the round trips were lost: {error.strerror or error}") from error
        if b"\r\n\r\n" in self._raw and self._sent_s is not None:
            now = now_s()
            check(self._raw, (204,))
            self.trips.append((self._sent_s, now - self._sent_s))
            self._sent_s, self._next_s = None, now + PING_GAP_S
        elif not self._raw or len(self._raw) > MAX_HEAD_BYTES:
            raise StreamError(fail("reset"), "the server closed the connection of the round trips")

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
        except _BUSY:
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


class Drive:
    """One direction at work. `run` returns when enough is known; `ended` says why it stopped."""

    def __init__(self, loaders: list[Loader], pinger: Pinger, taker: Taker | None, watch: Watch) -> None:
        self._loaders, self._pinger, self._taker, self._watch = loaders, pinger, taker, watch
        self._flow = Flow() if taker is None else taker.flow
        self._began_s = self._moved_s = now_s()
        self._turn_s, self._arrived = TURN_S, 0
        self.ended = ""

    @property
    def moved(self) -> int:
        return sum(one.moved for one in self._loaders)

    def rtts_since(self, moment: float) -> list[float]:
        """Round trips that left after `moment`, which is of the clock that the flow is counted by."""
        return [rtt for sent, rtt in self._pinger.trips if sent >= self._here(moment)]

    def told_bytes(self) -> int:
        return self._taker.last[1] - self._taker.first[1] if self._taker is not None and self._taker.first else 0

    def told_seconds(self) -> tuple[float, float]:
        """How long the server's count lasted by its clock, and by ours."""
        if self._taker is None or self._taker.first is None:
            return 0.0, 0.0
        return self._taker.last[0] - self._taker.first[0], self._taker.here[-1] - self._taker.here[0]

    def run(self) -> None:
        """Move bytes until the watch says that it is enough. Raises Ended, StreamError."""
        with selectors.DefaultSelector() as quick:
            self._begin(quick)
            looked = 0.0
            while not self.ended:
                now = self._turn(quick)
                if now - looked >= LOOK_EVERY_S or self._watch.exceeded(self.moved):
                    looked = now
                    self.ended = self._watch.over(self._flow, self.moved, self.rtts_since, now - self._began_s)

    def finish(self) -> None:
        """Wait for the round trip that is still under way, so that the connection can be used again."""
        sock = self._pinger.connection.sock
        sock.settimeout(STALL_S)
        while self._pinger.waits:
            self._pinger.ready()

    def _begin(self, quick: selectors.BaseSelector) -> None:
        for worker in (self._pinger, self._taker):
            if worker is not None:
                worker.connection.sock.setblocking(False)
                quick.register(worker.connection.sock, selectors.EVENT_READ, worker)
        for loader in self._loaders:
            loader.start()
        self._began_s = self._moved_s = now_s()

    def _turn(self, quick: selectors.BaseSelector) -> float:
        """Hear round trips the moment they come, then serve the streams, all of them at once; the moment behind it.

        Load is looked at every TURN_S and not whenever a packet has come: to be woken costs more than to read.
        """
        before, moved = now_s(), self.moved
        self._pinger.tick(before)
        for key, _ in quick.select(self._turn_s):
            key.data.ready()
        for loader in self._loaders:
            loader.work()
        now = now_s()
        if now - before > STOOD_STILL_S:
            raise Ended(unknown("aborted"), error="this machine stood still in the middle of the test")
        came = self.moved - moved
        self._turn_s = FAST_TURN_S if came > FAST_BYTES else TURN_S
        self._count(now, came)
        return now

    def _count(self, now: float, came: int) -> None:
        due = not self._flow.at or now - self._flow.at[-1] >= TICK_S
        if self._taker is None and self.moved and due:
            self._flow.add(now, self.moved)
        arrived = came if self._taker is None else self._taker.last[1] - self._arrived
        if arrived:
            self._moved_s, self._arrived = now, self._arrived + arrived
        elif now - self._moved_s > STALL_S:
            text = f"nothing came through for {STALL_S:g} s"
            raise StreamError(fail("timeout_transfer"), text)

    def _here(self, moment: float) -> float:
        """A moment of the flow's clock by ours."""
        if self._taker is None or self._taker.first is None:
            return moment
        return moment - self._taker.first[0] + self._taker.here[0]
