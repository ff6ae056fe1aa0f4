"""Load over TLS on kept connections, cheap enough that one core drives what another core serves.

Closed loop: every connection asks again as soon as it is answered. Open loop: requests fall due by the clock, whether
the server keeps up or not, and latency counts from the moment a request fell due.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

Request = Callable[[int], tuple[bytes, bytes]]
"""The next request of a connection, by the connection's number: what must arrive in order has one of its own."""


@dataclass(slots=True)
class Load:
    """What came of it, latency in the order of the answers; `client_core` is the generator's own share of a core."""

    seconds: float
    latency_ms: list[float] = field(default_factory=list)
    status: Counter[int] = field(default_factory=Counter)
    broken: int = 0
    unsent: int = 0
    client_core: float = 0.0

    @property
    def good(self) -> int:
        return sum(n for status, n in self.status.items() if 200 <= status < 300)

    @property
    def per_s(self) -> float:
        return self.good / self.seconds

    def flaws(self) -> str:
        """What went wrong, in words; empty where nothing did."""
        bad = {status: n for status, n in self.status.items() if not 200 <= status < 300}
        return ", ".join(
            [*(f"{n} × {status}" for status, n in bad.items())]
            + ([f"{self.broken} broken"] if self.broken else [])
            + ([f"{self.unsent} not sent"] if self.unsent else [])
        )


class _Connection(asyncio.Protocol):
    """One kept connection: at most one request at a time, minimal reading of its answer."""

    def __init__(self, number: int, load: Load, free: Callable[[_Connection], None]) -> None:
        self.number, self._load, self._free = number, load, free
        self._buffer = b""
        self._due = 0.0
        self.busy = self.closed = False
        self.transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport) or hasattr(transport, "write")
        self.transport = transport  # type: ignore[assignment]  # uvloop's transport is registered with no base class

    def ask(self, request: tuple[bytes, bytes], due: float) -> None:
        assert self.transport is not None
        self.busy, self._due = True, due
        head, body = request
        self.transport.write(head)
        self.transport.write(body)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._buffer[:end].lower()
        at = head.find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(self._buffer) < end + 4 + length:
            return
        self._load.status[int(self._buffer[9:12])] += 1
        self._load.latency_ms.append((time.perf_counter() - self._due) * 1000)
        self._buffer = b""
        self.busy = False
        self._free(self)

    def connection_lost(self, error: Exception | None) -> None:
        self.closed = True
        if self.busy:
            self._load.broken += 1


async def closed_loop(port: int, tls: ssl.SSLContext, request: Request, *, connections: int, seconds: float) -> Load:
    """As many requests as the server answers in `seconds`."""
    load = Load(seconds)
    until = 0.0

    def again(connection: _Connection) -> None:
        now = time.perf_counter()
        if now < until:
            connection.ask(request(connection.number), now)

    pool = await _connect(port, tls, load, again, connections)
    spent, began = time.process_time(), time.perf_counter()
    until = began + seconds
    for connection in pool:
        again(connection)
    await asyncio.sleep(seconds)
    load.seconds = time.perf_counter() - began
    load.client_core = (time.process_time() - spent) / load.seconds
    counted = Load(load.seconds, list(load.latency_ms), Counter(load.status), load.broken, 0, load.client_core)
    await _finish(pool)
    return counted


async def open_loop(
    port: int, tls: ssl.SSLContext, request: Request, *, connections: int, per_s: float, seconds: float
) -> Load:
    """`per_s` requests a second, evenly spaced, for `seconds`; what is not answered 10 s later counts as not sent."""
    load = Load(seconds)
    waiting: deque[float] = deque()
    idle: deque[_Connection] = deque()

    def free(connection: _Connection) -> None:
        if waiting:
            connection.ask(request(connection.number), waiting.popleft())
        else:
            idle.append(connection)

    pool = await _connect(port, tls, load, free, connections)
    idle.extend(pool)
    spent, began = time.process_time(), time.perf_counter()
    for n in range(int(per_s * seconds)):
        due = began + n / per_s
        if (left := due - time.perf_counter()) > 0:
            await asyncio.sleep(left)
        if idle:
            connection = idle.popleft()
            connection.ask(request(connection.number), due)
        else:
            waiting.append(due)
    load.seconds = time.perf_counter() - began
    load.client_core = (time.process_time() - spent) / load.seconds
    await _finish(pool)
    load.unsent = len(waiting) + sum(c.busy for c in pool)
    return load


async def _connect(
    port: int, tls: ssl.SSLContext, load: Load, free: Callable[[_Connection], None], connections: int
) -> list[_Connection]:
    loop = asyncio.get_running_loop()
    pool = [_Connection(number, load, free) for number in range(connections)]
    for connection in pool:
        await loop.create_connection(
            partial(_itself, connection), "127.0.0.1", port, ssl=tls, server_hostname="localhost"
        )
    return pool


def _itself(connection: _Connection) -> _Connection:
    return connection


async def _finish(pool: list[_Connection]) -> None:
    """Wait for what is under way, then hang up."""
    until = time.monotonic() + 10
    while any(c.busy and not c.closed for c in pool) and time.monotonic() < until:
        await asyncio.sleep(0.02)
    for connection in pool:
        if connection.transport is not None:
            connection.transport.close()
    await asyncio.sleep(0.05)
