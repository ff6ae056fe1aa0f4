"""What a train through a reflector says of each class of its packets: moments in, values out, no sockets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from agent.probes import trains as arithmetic
from wire.messages import Scalar, Value

# Codepoints by name: IANA "Differentiated Services Field Codepoints"; names of RFC 2474, 2597, 3246 and 5865.
DSCP: Final[dict[str, int]] = {
    "be": 0, "cs1": 8, "af11": 10, "cs2": 16, "af21": 18, "cs3": 24, "af31": 26, "af32": 28, "cs4": 32, "af41": 34,
    "af42": 36, "cs5": 40, "va": 44, "ef": 46, "cs6": 48,
}  # fmt: skip

_GOLDEN: Final = 0.618_033_988_75
_DSCP: Final = 0xFC


@dataclass(frozen=True, slots=True)
class Trip:
    """One packet that came back in time. Seconds; `up` and `down` each of two clocks: only differences mean anything.

    `tos_up`: as it arrived at the reflector; `tos_down`: as the answer arrived here.
    """

    rtt: float
    up: float
    down: float
    tos_up: int
    tos_down: int


def size_of(nth: int, least: int, most: int) -> int:
    """Bytes of the `nth` packet of a class: every size turns up, in no order, and the same ones for every class."""
    return least + round((nth * _GOLDEN % 1.0) * (most - least))


def values_of(name: str, sent: Sequence[int], trips: Mapping[int, Trip], arrived: int | None) -> list[Value]:
    """The numbers of one class: `sent` are its numbers in order; `arrived` has a bit for each that was reflected."""
    if not sent:
        return []
    found = [trips[number] for number in sent if number in trips]
    lost = arithmetic.loss(len(sent), len(found))
    numbers: dict[str, float] = {
        "sent_packets": len(sent), "received_packets": len(found), "loss_ratio": lost.ratio,
        "loss_low_ratio": lost.low, "loss_high_ratio": lost.high,
    }  # fmt: skip
    if arrived is not None:
        # What came back has arrived, even where the reflector has forgotten it.
        there = sum(1 for number in sent if arrived >> number & 1 or number in trips)
        numbers["lost_up_ratio"] = (len(sent) - there) / len(sent)
    if found:
        numbers["rtt_seconds"] = arithmetic.median([trip.rtt for trip in found])
    if len(found) > 1:
        numbers["jitter_seconds"] = _jitter([trip.down for trip in found])
        numbers["jitter_up_seconds"] = _jitter([trip.up for trip in found])
    return [Value(f"motcua_line_udp_{key}", float(number), name) for key, number in numbers.items()]


def remarked(name: str, tos: int, trips: Sequence[Trip]) -> dict[str, Scalar]:
    """Which other DSCP the packets of a class arrived with, each way: somebody on the way wrote it."""
    told: dict[str, Scalar] = {}
    for way, seen in (("up", {trip.tos_up for trip in trips}), ("down", {trip.tos_down for trip in trips})):
        other = sorted({one & _DSCP for one in seen} - {tos})
        if other:
            told[f"{name}_remarked_{way}"] = ", ".join(_named(one >> 2) for one in other)
    return told


def _named(dscp: int) -> str:
    return next((name for name, point in DSCP.items() if point == dscp), f"dscp {dscp}")


def _jitter(transits: Sequence[float]) -> float:
    """Mean |D| of RFC 3550 §6.4.1 over a train, D the difference of the transit times of neighbours that arrived.

    The RFC smooths |D| over a call without an end; a train has one, so its mean is what that would settle at.
    """
    steps = [abs(after - before) for before, after in pairwise(transits)]
    return sum(steps) / len(steps)
