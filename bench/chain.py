"""A line to measure: a centre, a router that holds both directions to a rate, a server. Three network namespaces.

The shaping is on the router: on the machine that sends, the kernel would hold its own streams back from the queue
(tcp small queues), and the queue is what loaded latency is about.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from bench.peer import run
from bench.process import BenchError

CENTRE, SERVER = "192.0.2.1", "198.51.100.1"
_GATE_CENTRE, _GATE_SERVER = "192.0.2.2", "198.51.100.2"
LEAST_BURST: Final = 16_000


@dataclass(frozen=True, slots=True)
class Queue:
    """What tbf was given: bits a second, and bytes that may wait. `seconds` is what a full queue takes to drain."""

    bps: float
    limit: int
    burst: int

    @property
    def seconds(self) -> float:
        return 8 * self.limit / self.bps


@dataclass(frozen=True, slots=True)
class Chain:
    """Names of three namespaces. Devices: `line` at the centre, `inner` and `outer` at the router, `eth0` behind it."""

    centre: str
    router: str
    server: str

    def shape(self, mbit: float, queue_s: float) -> Queue:
        """Hold both directions to a rate, with a queue of so many seconds."""
        bps = mbit * 1e6
        queue = Queue(bps, round(bps * queue_s / 8), max(LEAST_BURST, round(bps * 0.002 / 8)))
        for device in ("inner", "outer"):
            shaping = (
                f"tc qdisc replace dev {device} root tbf rate {int(bps)}bit burst {queue.burst} limit {queue.limit}"
            )
            run("ip", "netns", "exec", self.router, *shaping.split())
        return queue

    def inside(self, name: str, *command: str) -> list[str]:
        """A command line that runs in a namespace."""
        return ["ip", "netns", "exec", name, *command]


@contextmanager
def chain() -> Iterator[Chain]:
    """Make the three and take them away again. Needs root."""
    if os.geteuid():
        raise BenchError("network namespaces need root")
    mark = secrets.token_hex(3)
    made = Chain(f"mcl-{mark}-c", f"mcl-{mark}-r", f"mcl-{mark}-s")
    try:
        for name in (made.centre, made.router, made.server):
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        _cable((made.centre, "line", f"{CENTRE}/24"), (made.router, "inner", f"{_GATE_CENTRE}/24"))
        _cable((made.server, "eth0", f"{SERVER}/24"), (made.router, "outer", f"{_GATE_SERVER}/24"))
        run("ip", "-n", made.centre, "route", "add", "default", "via", _GATE_CENTRE)
        run("ip", "-n", made.server, "route", "add", "default", "via", _GATE_SERVER)
        run("ip", "netns", "exec", made.router, "sysctl", "-q", "-w", "net.ipv4.ip_forward=1")
        yield made
    finally:
        for name in (made.centre, made.router, made.server):
            run("ip", "netns", "del", name)


def _cable(*ends: tuple[str, str, str]) -> None:
    """Join two namespaces; each end is its namespace, its device and its address."""
    (here, device, _), (there, other, _) = ends
    run("ip", "-n", here, "link", "add", device, "type", "veth", "peer", "name", other, "netns", there)
    for name, end, own in ends:
        run("ip", "-n", name, "addr", "add", own, "dev", end)
        run("ip", "-n", name, "link", "set", "dev", end, "up")
