"""Sliding windows over trains: how much is lost for certain, and how long the way takes."""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections import deque
from typing import Final

from collector.judge.facts import Fact

Z: Final = 1.959963984540054
"""The quantile of the normal distribution for 95 % (two-sided)."""

MAX_EVIDENCE: Final = 6


def wilson_low(hits: int, trials: int) -> float:
    """Lower bound of the 95 % interval for a share (Wilson 1927, without continuity correction); 0 without trials."""
    if trials <= 0 or hits <= 0:
        return 0.0
    share, zz = hits / trials, Z * Z
    middle = share + zz / (2 * trials)
    spread = Z * math.sqrt(share * (1 - share) / trials + zz / (4 * trials * trials))
    return max(0.0, (middle - spread) / (1 + zz / trials))


class Window:
    """The trains of one source that were taken in and not forgotten."""

    def __init__(self) -> None:
        self._facts: deque[Fact] = deque()
        self._rtts: list[float] | None = None  # in order, once somebody asked: most windows only fill for a while
        self.sent = self.received = 0

    def __len__(self) -> int:
        return len(self._facts)

    def add(self, fact: Fact) -> None:
        """Take a train in, not older than those before."""
        self._facts.append(fact)
        self.sent += fact.sent
        self.received += fact.received
        if self._rtts is not None and fact.rtt_s is not None:
            insort(self._rtts, fact.rtt_s)

    def forget(self, until: int) -> None:
        """Let go of trains from `until` and before."""
        while self._facts and self._facts[0].at <= until:
            old = self._facts.popleft()
            self.sent -= old.sent
            self.received -= old.received
            if self._rtts is not None and old.rtt_s is not None:
                del self._rtts[bisect_left(self._rtts, old.rtt_s)]

    @property
    def lost(self) -> int:
        return self.sent - self.received

    @property
    def loss(self) -> float:
        """The share of the pooled packets that was lost; 0 where none was sent."""
        return self.lost / self.sent if self.sent else 0.0

    @property
    def loss_low(self) -> float:
        """What the pooled packets say is lost at least."""
        return wilson_low(self.lost, self.sent)

    @property
    def rtt_s(self) -> float | None:
        """The median of the trains' round trips; None where none came back."""
        if self._rtts is None:
            self._rtts = sorted(fact.rtt_s for fact in self._facts if fact.rtt_s is not None)
        n = len(self._rtts)
        if not n:
            return None
        return self._rtts[n // 2] if n % 2 else (self._rtts[n // 2 - 1] + self._rtts[n // 2]) / 2

    def lossy(self) -> tuple[str, ...]:
        """The newest trains that lost something."""
        return tuple([f.id for f in reversed(self._facts) if f.received < f.sent][:MAX_EVIDENCE])

    def slow(self, limit_s: float) -> tuple[str, ...]:
        """The newest trains over the limit."""
        found = [f.id for f in reversed(self._facts) if f.rtt_s is not None and f.rtt_s > limit_s]
        return tuple(found[:MAX_EVIDENCE])
