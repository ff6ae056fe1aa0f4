"""When to stop a direction of a test: the speed is known, the queue on the way stands, or the cost is reached. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from agent.probes.bandwidth.estimate import Estimate, Flow
from agent.probes.trains import median

LOOSEST: Final = 0.25
"""A figure whose bounds are wider than this share of it is none."""

MIN_PINGS: Final = 8
QUEUE_RATIO: Final = 0.1
QUEUE_S: Final = 0.001
QUEUE_WAIT_S: Final = 1.5
DEAR: Final = 2.0
"""A speed that is known waits for a queue that still grows so many seconds, and until the test costs so many times
what it should."""


class Watch:
    """When enough is known of a direction: steady and precise, or so many seconds or bytes.

    Beyond `enough_s` or `enough_bytes` the bounds may be wider, by the square of how many times that was spent: they
    narrow with its root at best, so what they still gain is soon not worth its price.
    """

    def __init__(
        self, *, min_s: float, max_s: float, enough_s: float, enough_bytes: float, precision: float, bytes_left: int,
        left: Callable[[], float],
    ) -> None:  # fmt: skip
        self._min_s, self._max_s, self._precision = min_s, max_s, precision
        self._enough_s, self._enough_bytes = enough_s, enough_bytes
        self._bytes_left, self._left = bytes_left, left
        self.estimate: Estimate | None = None
        self.seconds = self._known_s = 0.0

    def over(self, flow: Flow, moved: int, rtts_since: Callable[[float], list[float]], seconds: float) -> str:
        """Why to stop now; empty to go on."""
        self.seconds, ended = seconds, self._used_up(moved, seconds)
        if not ended and seconds < self._min_s:
            return ""
        found = self.estimate = flow.estimate()
        cost = max(seconds / self._enough_s, moved / self._enough_bytes)
        wide_enough = min(LOOSEST, self._precision * max(1.0, cost) ** 2)
        if ended or found is None or not found.steady or found.spread > wide_enough:
            return ended
        self._known_s = self._known_s or seconds
        waited = seconds - self._known_s >= QUEUE_WAIT_S or cost >= DEAR
        if not waited and not stands(rtts_since(found.since_s)):
            return ""
        return "known" if found.spread <= self._precision else "enough"

    def _used_up(self, moved: int, seconds: float) -> str:
        if self.exceeded(moved):
            return "bytes"
        return "time" if seconds >= self._max_s or self._left() <= 0 else ""

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
