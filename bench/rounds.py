"""A server under load, round after round: what it took, what it cost, and whether the generator was the limit."""

from __future__ import annotations

import ssl
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Final

import uvloop

from bench.frame import Fact, Spread, percentile, spread
from bench.home import Enrolled
from bench.load import Load, Request, closed_loop, open_loop
from bench.meter import core_busy_s, cpu_s

SERVER_CORE, CLIENT_CORE = 0, 1
CONNECTIONS: Final = 32
CLIENT_LIMIT: Final = 0.9  # of its core: beyond this the generator is what was measured


@dataclass(slots=True)
class Target:
    """How to ask a server, the processes that do its work, and how many samples one request holds."""

    name: str
    port: int
    tls: ssl.SSLContext
    request: Request
    pids: list[int]
    samples: int
    known: Sequence[Enrolled] = ()
    rates: list[float] = field(default_factory=list)
    cores: list[float] = field(default_factory=list)
    clients: list[float] = field(default_factory=list)
    p50_ms: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)
    others: list[float] = field(default_factory=list)
    flaws: set[str] = field(default_factory=set)

    def saturate(self, seconds: float) -> None:
        """One round of as much as it takes."""
        self._keep(closed_loop(self.port, self.tls, self.request, connections=CONNECTIONS, seconds=seconds))

    def offer(self, per_s: float, seconds: float) -> None:
        """One round of an open loop."""
        self._keep(
            open_loop(self.port, self.tls, self.request, connections=CONNECTIONS, per_s=per_s, seconds=seconds)
        )  # fmt: skip

    def forget(self) -> None:
        """Begin another series of rounds."""
        for kept in (self.rates, self.cores, self.clients, self.p50_ms, self.p99_ms, self.others):
            kept.clear()

    @property
    def requests(self) -> Spread:
        return spread(self.rates)

    @property
    def cost_us(self) -> float:
        """Processor time of the server's processes a request, in microseconds."""
        return 1e6 * sum(self.cores) / sum(self.rates)

    @property
    def samples_per_s(self) -> float:
        return self.requests.median * self.samples

    def facts(self, prefix: str) -> dict[str, Fact]:
        """The numbers behind a row, by name."""
        return {
            f"{prefix}per_s": round(self.requests.median, 1),
            f"{prefix}per_s_low": round(self.requests.low, 1),
            f"{prefix}per_s_high": round(self.requests.high, 1),
            f"{prefix}p50_ms": round(spread(self.p50_ms).median, 2),
            f"{prefix}p99_ms": round(spread(self.p99_ms).median, 2),
            f"{prefix}server_us_a_request": round(self.cost_us),
            f"{prefix}server_core": round(spread(self.cores).median, 3),
            f"{prefix}others_on_its_core": round(spread(self.others).median, 3),
            f"{prefix}client_core": round(spread(self.clients).median, 3),
            f"{prefix}client_was_the_limit": spread(self.clients).median > CLIENT_LIMIT,
            f"{prefix}flaws": "; ".join(sorted(self.flaws)),
        }

    def _keep(self, loading: Coroutine[None, None, Load]) -> None:
        before, busy, began = sum(map(cpu_s, self.pids)), core_busy_s(SERVER_CORE), time.monotonic()
        load = uvloop.run(loading)
        spent = time.monotonic() - began
        self.cores.append((sum(map(cpu_s, self.pids)) - before) / spent)
        self.others.append(max(0.0, (core_busy_s(SERVER_CORE) - busy) / spent - self.cores[-1]))
        self.rates.append(load.per_s)
        self.clients.append(load.client_core)
        self.p50_ms.append(percentile(load.latency_ms, 0.5))
        self.p99_ms.append(percentile(load.latency_ms, 0.99))
        if flaws := load.flaws():
            self.flaws.add(flaws)
