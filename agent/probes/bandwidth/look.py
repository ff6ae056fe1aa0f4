"""What else goes on while a line is tested: the interface's counters, its port, the processors."""

from __future__ import annotations

import contextlib
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agent.net.links import now_s

MAX_TABLE_BYTES: Final = 256 * 1024
MAX_LINE_BYTES: Final = 4 * 1024
HEADER_BYTES: Final = 66
"""Ethernet, IPv4 and TCP with time stamps: what each packet of a stream carries besides its bytes of load."""


@dataclass(frozen=True, slots=True)
class Counters:
    """Bytes and packets of one interface since it came up."""

    received: int
    sent: int
    packets_in: int
    packets_out: int


@dataclass(frozen=True, slots=True)
class Look:
    """One moment: monotonic seconds, the interface's counters (None without), the processors' seconds."""

    at_s: float
    counters: Counters | None
    busy_s: float
    all_s: float


@dataclass(frozen=True, slots=True)
class Between:
    """What went on between two looks: bytes of load both ways without headers (None without counters), processors."""

    seconds: float
    received: float | None
    sent: float | None
    cpu_ratio: float

    @property
    def bytes_s(self) -> float:
        """Bytes a second both ways; 0 without counters."""
        return ((self.received or 0.0) + (self.sent or 0.0)) / self.seconds if self.seconds > 0 else 0.0


def look(proc: Path, interface: str) -> Look:
    """This moment. `interface` empty: no counters."""
    total, idle = _processors(proc)
    return Look(now_s(), counters(proc, interface) if interface else None, total - idle, total)


def _processors(proc: Path) -> tuple[float, float]:
    """Seconds of all processors since the machine came up, and how many of them idle; from /proc/stat, else psutil."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        with (proc / "stat").open("rb") as file:
            first = file.readline(MAX_LINE_BYTES).split()
        ticks = [int(word) for word in first[1:9]]  # what guests used, behind these, is in user already (proc(5))
        second = os.sysconf("SC_CLK_TCK")
        return sum(ticks) / second, (ticks[3] + ticks[4]) / second
    import psutil

    times = psutil.cpu_times()
    return sum(list(times)[:8]), times.idle + getattr(times, "iowait", 0.0)


def between(before: Look, after: Look) -> Between:
    """The difference of two looks."""
    seconds, spent = after.at_s - before.at_s, after.all_s - before.all_s
    cpu = min(1.0, max(0.0, (after.busy_s - before.busy_s) / spent)) if spent > 0 else 0.0
    a, b = before.counters, after.counters
    if a is None or b is None or b.received < a.received or b.sent < a.sent:  # the interface was made anew meanwhile
        return Between(seconds, None, None, cpu)
    received = b.received - a.received - HEADER_BYTES * (b.packets_in - a.packets_in)
    sent = b.sent - a.sent - HEADER_BYTES * (b.packets_out - a.packets_out)
    return Between(seconds, max(0.0, received), max(0.0, sent), cpu)


def counters(proc: Path, interface: str) -> Counters | None:
    """From /proc/net/dev, which knows the namespace of who reads it, else from psutil. None where there are none."""
    with contextlib.suppress(OSError, ValueError):
        with (proc / "net/dev").open("rb") as file:
            table = file.read(MAX_TABLE_BYTES).decode("ascii", "replace")
        for line in table.splitlines()[2:]:
            name, _, rest = line.partition(":")
            if name.strip() == interface:
                numbers = [int(word) for word in rest.split()]
                return Counters(numbers[0], numbers[8], numbers[1], numbers[9])
        return None
    import psutil

    found = psutil.net_io_counters(pernic=True).get(interface)
    return found and Counters(found.bytes_recv, found.bytes_sent, found.packets_recv, found.packets_sent)


def interface_of(address: str) -> str:
    """The interface that holds an address of this machine; empty where none does."""
    import psutil

    for name, found in psutil.net_if_addrs().items():
        if any(one.address.partition("%")[0] == address for one in found):
            return name
    return ""


def source_towards(address: str) -> str:
    """The address of this machine that packets to `address` leave from; nothing is sent. Empty without a way."""
    with contextlib.suppress(OSError), socket.socket(_family(address), socket.SOCK_DGRAM) as sock:
        sock.connect(socket.getaddrinfo(address, 9, _family(address), socket.SOCK_DGRAM)[0][4])
        return str(sock.getsockname()[0]).partition("%")[0]
    return ""


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def port_bps(interface: str) -> float | None:
    """The speed at which the interface's port runs, bits a second; None where it does not say."""
    import psutil

    found = psutil.net_if_stats().get(interface) if interface else None
    return found.speed * 1e6 if found is not None and 0 < found.speed < 1_000_000 else None
