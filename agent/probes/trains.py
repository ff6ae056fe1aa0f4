"""Trains of packets: when to send, what still counts, and what the answers say. No sockets, no clock of its own."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

Z_95: Final = 1.959963984540054


@dataclass(slots=True)
class Train:
    """One train as it goes: moments in seconds of one clock, packets by their number.

    A packet is sent at its place in the timetable whatever became of those before it, and is lost when nothing
    came back `timeout_s` after it was sent. Only the first answer to a packet of this train counts. `no_way` counts the
    packets that found no route out of this machine.
    """

    packets: int
    interval_s: float
    timeout_s: float
    start: float
    sent: dict[int, float] = field(default_factory=dict)
    rtts: dict[int, float] = field(default_factory=dict)
    refused: dict[int, str] = field(default_factory=dict)
    no_way: int = 0
    next: int = 0

    def is_due(self, now: float) -> bool:
        """Whether a packet is to leave now."""
        return self.next < self.packets and now >= self._due()

    def leave(self, now: float) -> int:
        """The next packet leaves: its number. What could not be sent is told by `withdraw`."""
        number, self.next = self.next, self.next + 1
        self.sent[number] = now
        return number

    def withdraw(self, number: int) -> None:
        """The packet never left this machine."""
        del self.sent[number]

    def answer(self, number: int, at: float) -> bool:
        """Something came back for a packet; False where it does not count: unknown, twice, or too late."""
        left = self.sent.get(number)
        if left is None or number in self.rtts or not 0 <= at - left <= self.timeout_s:
            return False
        self.rtts[number] = at - left
        self.refused.pop(number, None)
        return True

    def refuse(self, number: int, text: str) -> None:
        """Somebody on the way said that the packet will not arrive."""
        if number in self.sent and number not in self.rtts:
            self.refused[number] = text

    def wait_s(self, now: float) -> float | None:
        """Seconds until there is something to do, an answer aside; None when the train is over."""
        if self.next < self.packets:
            return max(0.0, self._due() - now)
        last = max((at for n, at in self.sent.items() if n not in self.rtts and n not in self.refused), default=None)
        if last is None or now >= last + self.timeout_s:
            return None
        return last + self.timeout_s - now

    def _due(self) -> float:
        return self.start + self.next * self.interval_s


@dataclass(frozen=True, slots=True)
class Loss:
    """Share of `sent` that was lost, with its Wilson interval at 95 %."""

    ratio: float
    low: float
    high: float


def loss(sent: int, received: int) -> Loss:
    """The loss of a train of at least one packet."""
    low, high = wilson(sent - received, sent)
    return Loss((sent - received) / sent, low, high)


def wilson(hits: int, trials: int, z: float = Z_95) -> tuple[float, float]:
    """Wilson's score interval of a share (Wilson 1927); holds its level for few trials and at the edges too."""
    share, square = hits / trials, z * z
    middle = (share + square / (2 * trials)) / (1 + square / trials)
    spread = z / (1 + square / trials) * math.sqrt(share * (1 - share) / trials + square / (4 * trials * trials))
    low = 0.0 if hits == 0 else max(0.0, middle - spread)
    high = 1.0 if hits == trials else min(1.0, middle + spread)
    return low, high


def in_order(rtts: dict[int, float]) -> list[float]:
    """Round trips in the order of sending, whatever the order of their coming back."""
    return [rtts[number] for number in sorted(rtts)]


def median(rtts: list[float]) -> float:
    """The middle round trip. Not from `statistics`, which brings half a megabyte of fractions along."""
    ordered, half = sorted(rtts), len(rtts) // 2
    return ordered[half] if len(rtts) % 2 else (ordered[half - 1] + ordered[half]) / 2


def jitter(rtts: list[float]) -> float | None:
    """Mean difference between neighbouring round trips in seconds, after RFC 3550 §6.4.1 but not smoothed over time.

    None where fewer than two came back: one round trip has no neighbour.
    """
    steps = [abs(after - before) for before, after in pairwise(rtts)]
    return sum(steps) / len(steps) if steps else None


def packets_that_fit(packets: int, interval_s: float, timeout_s: float, left_s: float) -> int:
    """How many packets of a train can still be waited for within `left_s`."""
    if left_s < timeout_s:
        return 0
    return min(packets, int((left_s - timeout_s) / interval_s) + 1)


def numbers(present: dict[int, float]) -> str:
    """Packet numbers as a short text: `0-3,5`."""
    runs: list[list[int]] = []
    for number in sorted(present):
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)
