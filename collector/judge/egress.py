"""Which line carries a centre's traffic: told by the address from which its box speaks to the collector.

Only an address that exactly one line of the centre declares tells anything: the addresses of a carrier's shared pool
come and go. A line counts once the traffic left by it for a while, from the beginning of that while.
"""

from __future__ import annotations

import ipaddress
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from collector.judge.timeline import ALWAYS, Span

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Spoke:
    """From then on an agent spoke from this address."""

    at: int
    address: str


@dataclass(frozen=True, slots=True)
class Declared:
    """The addresses that a line's traffic comes from, while the inventory said so."""

    line: str
    span: Span
    networks: tuple[Network, ...]


@dataclass(frozen=True, slots=True)
class Carried:
    """From `at` on the traffic left by this line; None: by none that is declared."""

    at: int
    line: str | None
    address: str


def line_of(address: str, at: int, declared: Iterable[Declared]) -> str | None:
    """The one line that declares an address at a moment; None where none does, or several."""
    ip = ipaddress.ip_address(address)
    found = {
        one.line
        for one in declared
        if one.span.start <= at < one.span.end and any(ip in network for network in one.networks)
    }
    return found.pop() if len(found) == 1 else None


def carried(spoke: Sequence[Spoke], declared: Sequence[Declared]) -> list[Carried]:
    """Every change of line or address, in order; `spoke` in order."""
    if not spoke:
        return []
    first = spoke[0].at
    edges = {edge for one in declared for edge in (one.span.start, one.span.end) if first < edge < ALWAYS}
    found: list[Carried] = []
    n = 0
    for at in sorted({*edges, *(one.at for one in spoke)}):
        while n + 1 < len(spoke) and spoke[n + 1].at <= at:
            n += 1
        now = Carried(at, line_of(spoke[n].address, at, declared), spoke[n].address)
        if not found or (found[-1].line, found[-1].address) != (now.line, now.address):
            found.append(now)
    return found


def settled(runs: Sequence[Carried], hold_ms: Callable[[int], int], end: int) -> list[Carried]:
    """Changes of line alone, each of which held for `hold_ms(then)`; what is shorter is as what was before it.

    The last one is told once it has held so long by `end`.
    """
    lines: list[Carried] = []
    for run in runs:
        if not lines or lines[-1].line != run.line:
            lines.append(run)
    ends = [*(one.at for one in lines[1:]), end]
    found: list[Carried] = []
    for one, until in zip(lines, ends, strict=False):
        if until - one.at >= hold_ms(one.at) and (not found or found[-1].line != one.line):
            found.append(one)
    return found


@dataclass(frozen=True, slots=True)
class Backups:
    """Which line carried a centre's traffic, as far as it settled, and whether it did so in place of another."""

    changes: Sequence[Carried] = ()

    def at(self, when: int, lead: str) -> Carried | None:
        """The line other than `lead` that carries, at a moment, what `lead` had carried before; None where none does.

        Where the agent always spoke by another line, as by the dedicated network, that is how the centre is built.
        """
        n = bisect_right(self.changes, when, key=lambda change: change.at)
        if not n or self.changes[n - 1].line in {None, lead}:
            return None
        return self.changes[n - 1] if any(change.line == lead for change in self.changes[: n - 1]) else None
