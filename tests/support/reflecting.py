"""A running reflector for tests, in this namespace or another, and an agent that may ask it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import socket

from agent.context import Context, Facts
from agent.probes import Measured, quality
from collector.reflector.mirror import Mirror
from collector.reflector.serving import Reflector, bind
from collector.settings import Address
from wire.clock import SystemClock
from wire.messages import PlanItem, Scalar
from wire.reflecting import pass_of

AGENT = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
KEY = bytes(range(32))
TICKET = pass_of(KEY, AGENT).text()
LINE = "line:00000-1/a"


@dataclass(frozen=True)
class Running:
    """A reflector at `port`, what it counted, and how to end it before its time."""

    port: int
    mirror: Mirror
    stop: Callable[[], None]


@contextmanager
def reflecting(make: Callable[[], socket] | None = None) -> Iterator[Running]:
    """Answer until the block ends, at a free port of loopback or at the socket that `make` gives."""
    sock = (make or (lambda: bind(Address("127.0.0.1", 0))))()
    mirror, stop = Mirror(KEY), threading.Event()
    thread = threading.Thread(target=Reflector(sock, mirror).serve, args=(stop,), name="reflector")
    thread.start()

    def end() -> None:
        stop.set()
        thread.join(10)
        sock.close()

    try:
        yield Running(sock.getsockname()[1], mirror, end)
    finally:
        end()


def train(
    where: str, settings: Mapping[str, Scalar] | None = None, *, left_s: float = 8.0, collector: str = ""
) -> Measured:
    """One run of the probe against a reflector at host:port, fast."""
    clock = SystemClock()
    ctx = Context(clock, clock.mono_ms() + round(1000 * left_s), Facts(collector), proc=Path("/proc/thread-self"))
    own: dict[str, Scalar] = {
        "reflector": where, "ticket": TICKET, "packets": 40, "interval_s": 0.003, "timeout_s": 1.0,
    }  # fmt: skip
    return quality.probe(PlanItem("q", LINE, "quality", "reflector", 900, 20, {**own, **(settings or {})}), ctx)


def numbers(found: Measured, of: str) -> dict[str, float]:
    """The numbers of one class, by the last part of their names."""
    return {v.metric.removeprefix("motcua_line_udp_"): v.value for v in found.values if v.of == of}
