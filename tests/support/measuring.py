"""A measurement server in a thread, tickets and leases for it, servers that misbehave, and one run of the probe."""

from __future__ import annotations

import contextlib
import itertools
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from agent.context import Context, Facts
from agent.probes import Again, Measured
from agent.probes.bandwidth import probe as bandwidth
from collector.measure import ticket
from collector.measure.ledger import Ledger, Load
from collector.measure.server import MeasureServer
from collector.settings import Address
from wire.clock import SystemClock
from wire.messages import Lease, LeaseAnswer, LeaseAsk, PlanItem, Scalar

KEY = bytes(range(32))
LINE = "07375-1/a"
_numbers = itertools.count()
MARK = b"HTTP/1.1 %s\r\nMotcua-Measure: 1\r\nContent-Length: 0\r\n\r\n"
NO_CONTENT = b"HTTP/1.1 204 No Content\r\nMotcua-Measure: 1\r\n\r\n"


class SlowLedger(Ledger):
    """Lets a stream send 16 kB every 5 ms, so that loopback is a line of about 26 Mbit/s a stream."""

    def send(self, load: Load, wanted: int) -> int:
        time.sleep(0.005)
        return super().send(load, min(wanted, 16_000))

    def receive(self, load: Load, count: int) -> bool:
        time.sleep(0.02)
        return super().receive(load, count)


@dataclass(slots=True)
class Running:
    """A measurement server that answers at `url`, plain or over TLS."""

    server: MeasureServer
    ledger: Ledger

    @property
    def url(self) -> str:
        return f"http://{self.server.address}"

    def path(self, max_bytes: int = 10**9, seconds: float = 60.0, kind: ticket.Kind = "agent") -> str:
        """The path of a fresh ticket, with its slash."""
        return f"/m/{made(max_bytes, seconds, kind)}/"


def made(max_bytes: int = 10**9, seconds: float = 60.0, kind: ticket.Kind = "agent") -> str:
    """A ticket by KEY."""
    expires_ms = SystemClock().wall_ms() + round(seconds * 1000)
    return ticket.issue(
        KEY, lease=f"l-{next(_numbers)}", line=LINE, max_bytes=max_bytes, expires_ms=expires_ms, kind=kind
    )


@contextmanager
def running(
    *, tests: int = 4, slow: bool = False, context: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> Iterator[Running]:
    ledger = (SlowLedger if slow else Ledger)(KEY, SystemClock(), tests=tests)
    server = MeasureServer(Address(host, 0), ledger, tests=tests, context=context)
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield Running(server, ledger)
    finally:
        server.stop()
        thread.join()


Answer = Callable[[socket.socket, str], None]
"""What a misbehaving server does with a request: its connection, and the last part of its path."""


@contextmanager
def misbehaving(answer: Answer, context: ssl.SSLContext | None = None) -> Iterator[str]:
    """A server that hands each request to `answer`; its address. A connection whose answer raises OSError is over."""
    stop, threads = threading.Event(), []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)

        def one(sock: socket.socket) -> None:
            with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
                stack.callback(sock.close)
                sock.settimeout(3)
                if context is not None:
                    sock = context.wrap_socket(sock, server_side=True)
                    stack.callback(sock.close)
                raw = b""
                while not stop.is_set():
                    while b"\r\n\r\n" not in raw:
                        more = sock.recv(4096)
                        if not more:
                            return
                        raw += more
                    head, _, raw = raw.partition(b"\r\n\r\n")
                    answer(sock, head.split(b" ")[1].decode().rpartition("/")[2])

        def serve() -> None:
            while not stop.is_set():
                with contextlib.suppress(TimeoutError):
                    threads.append(threading.Thread(target=one, args=(listener.accept()[0],)))
                    threads[-1].start()

        server = threading.Thread(target=serve)
        server.start()
        try:
            yield f"{'http' if context is None else 'https'}://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            stop.set()
            server.join()
            for thread in threads:
                thread.join()


@dataclass(slots=True)
class Desk:
    """A collector as far as leases go: what it answers, and what it was asked."""

    answer: LeaseAnswer
    asked: list[LeaseAsk]

    def __call__(self, ask: LeaseAsk) -> LeaseAnswer:
        self.asked.append(ask)
        return LeaseAnswer() if ask.returns else self.answer


def desk(
    url: str, *, max_bytes: int = 10**9, max_s: float = 30.0, starts_in_s: float = 0.0, ends_in_s: float = 60
) -> Desk:
    """A desk that gives out one lease for a server."""
    lease = Lease("l", url, made(max_bytes), starts_in_s, ends_in_s, max_bytes, max_s)
    return Desk(LeaseAnswer(lease), [])


def context(lease: Desk, *, task_id: str | None = "t", ca_pem: bytes = b"", deadline_s: float = 60.0) -> Context:
    """A probe's world; by default a person waits, so that a busy machine is no reason to skip."""
    clock = SystemClock()
    deadline_ms = clock.mono_ms() + round(deadline_s * 1000)
    facts = Facts("127.0.0.1", ca_pem=ca_pem)
    return Context(clock, deadline_ms, facts, task_id=task_id, proc=Path("/proc/thread-self"), lease=lease)


def item(**settings: Scalar) -> PlanItem:
    return PlanItem("b-1", f"line:{LINE}", "bandwidth", "province", 86_400, 60, settings)


def run_test(url: str, **settings: Scalar) -> Measured:
    """One run of the probe against a server."""
    found = bandwidth.probe(item(**settings), context(desk(url)))
    assert not isinstance(found, Again)
    return found
