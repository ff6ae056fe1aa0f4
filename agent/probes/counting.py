"""From two readings of a port's counters to its use: wraps, restarts and gaps. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from wire.messages import Value

SHORTEST_S: Final = 1.0
LONGEST_PERIODS: Final = 3.0
"""A mean over more than so many periods would hide what happened in them."""

UPTIME_TICKS: Final = 2**32
"""sysUpTime counts hundredths of a second in 32 bits (RFC 3418): it begins anew after 497 days."""

_SLACK: Final = 1.1


@dataclass(frozen=True, slots=True)
class Reading:
    """A port at one moment of this machine's monotonic clock; None is what it does not tell.

    `source` names what counts: with another one, counters cannot be compared, nor where it counts since another moment.
    `errors` holds packets in error and dropped, each counter by itself; `uptime` the hundredths of a second since
    whoever counts was started.
    """

    source: str
    at_ms: int
    bits: int
    received: int | None = None
    sent: int | None = None
    errors: tuple[int | None, ...] = ()
    speed_bps: float | None = None
    full_duplex: bool | None = None
    up: bool | None = None
    uptime: int | None = None
    since: int = 0


@dataclass(slots=True)
class Use:
    """What came of two readings; `left_out` says why there is no mean."""

    values: list[Value] = field(default_factory=list)
    left_out: str = ""
    seconds: float | None = None


def port_values(now: Reading) -> list[Value]:
    """How the port runs, as far as it is known."""
    found = {
        "port_bps": now.speed_bps,
        "port_duplex_ratio": None if now.full_duplex is None else (1.0 if now.full_duplex else 0.5),
        "port_up_ratio": None if now.up is None else float(now.up),
    }
    return [Value(f"motcua_line_{name}", value) for name, value in found.items() if value is not None]


def use_of(before: Reading | None, now: Reading, period_s: float) -> Use:
    """The mean use since the reading before, each direction that can be told."""
    if before is None:
        return Use(left_out="the first reading: there is nothing to compare it with")
    seconds = (now.at_ms - before.at_ms) / 1000
    why = _not_comparable(before, now, seconds, period_s)
    if why:
        return Use(left_out=why)
    moved = {
        "receive_bps": _octets(before.received, now.received, now, seconds),
        "transmit_bps": _octets(before.sent, now.sent, now, seconds),
    }
    values = [Value(f"motcua_line_{name}", 8 * n / seconds) for name, n in moved.items() if n is not None]
    if not values:
        return Use(left_out="the counters went back: whoever counts began anew")
    return Use(values + _errors(before, now), seconds=seconds)


def too_soon(before: Reading | None, now: Reading) -> bool:
    """Whether the reading before should rather be kept for the next run."""
    return before is not None and before.source == now.source and 0 <= now.at_ms - before.at_ms < SHORTEST_S * 1000


def _not_comparable(before: Reading, now: Reading, seconds: float, period_s: float) -> str:
    if before.source != now.source:
        return f"before it was {before.source} that counted"
    if seconds < SHORTEST_S:
        return "the reading before is less than a second old"
    if seconds > LONGEST_PERIODS * period_s:
        return f"the reading before is {seconds:.0f} s old"
    if before.since != now.since or _restarted(before, now, seconds):
        return "whoever counts was started anew"
    octets_s = (now.speed_bps or 0) / 8
    if now.bits == 32 and octets_s * seconds >= 2**32:
        return f"32-bit counters may wrap more than once in {seconds:.0f} s at {now.speed_bps:.0f} bit/s"
    return ""


def _restarted(before: Reading, now: Reading, seconds: float) -> bool:
    if before.uptime is None or now.uptime is None or now.uptime >= before.uptime:
        return False
    return before.uptime + seconds * 100 * _SLACK < UPTIME_TICKS


def _octets(before: int | None, after: int | None, now: Reading, seconds: float) -> int | None:
    """Octets between two readings. A counter of 32 bits that went back has wrapped, if the port is fast enough for it.

    RFC 2863 §3.1.6 has ports of more than 20 Mbit/s count in 64 bits, which never wrap.
    """
    if before is None or after is None:
        return None
    moved = after - before
    if moved >= 0:
        return moved
    wrapped = moved + 2**32
    if now.bits != 32 or wrapped < 0 or now.speed_bps is None:
        return None
    return wrapped if 8 * wrapped <= now.speed_bps * seconds * _SLACK else None


def _errors(before: Reading, now: Reading) -> list[Value]:
    """Packets in error or dropped in between; each of these counters has 32 bits at a router and may have wrapped."""
    pairs = [(old, new) for old, new in zip(before.errors, now.errors, strict=False) if None not in (old, new)]
    moved = [(new or 0) - (old or 0) for old, new in pairs]
    if not moved or min(moved) < 0:
        return []
    return [Value("motcua_line_errors_packets", float(sum(moved)))]
