"""When to stop a direction of a test: the speed is known, the queue on the way stands, or the cost is reached. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from agent.probes.bandwidth.estimate import Estimate, Flow
from agent.probes.trains import median

MIN_PINGS: Final = 8
QUEUE_RATIO: Final = 0.1
QUEUE_S: Final = 0.001
QUEUE_WAIT_S: Final = 1.5
"""How long a speed that is known waits for a queue that still grows."""


class Watch:
    """When enough is known of a direction: steady and precise, or so many seconds or bytes."""

    def __init__(
        self, *, min_s: float, max_s: float, precision: float, bytes_left: int, left: Callable[[], float]
    ) -> None:
        self._min_s, self._max_s, self._precision = min_s, max_s, precision
        self._bytes_left, self._left = bytes_left, left
        self.estimate: Estimate | None = None
        self.seconds = self._known_s = 0.0

    def over(self, flow: Flow, moved: int, rtts_since: Callable[[float], list[float]], seconds: float) -> str:
        """Why to stop now; empty to go on."""
        self.seconds, self.estimate = seconds, flow.estimate()
        if moved >= self._bytes_left:
            return "bytes"
        if seconds >= self._max_s or self._left() <= 0:
            return "time"
        found = self.estimate
        if found is None or seconds < self._min_s or not found.steady or found.spread > self._precision:
            return ""
        self._known_s = self._known_s or seconds
        waited = seconds - self._known_s >= QUEUE_WAIT_S
        return "known" if waited or stands(rtts_since(found.since_s)) else ""

    def exceeded(self, moved: int) -> bool:
        return moved >= self._bytes_left


def stands(rtts: list[float]) -> bool:
    """Whether the queue on the way has stopped growing, as far as its round trips say."""
    if len(rtts) < MIN_PINGS:
        return False
    earlier, later = median(rtts[: len(rtts) // 2]), median(settled(rtts))
    return abs(later - earlier) <= max(QUEUE_RATIO * later, QUEUE_S)


def settled(rtts: list[float]) -> list[float]:
    """The later half of the round trips under load: the queue fills before it stands."""
    return rtts[len(rtts) // 2 :]
