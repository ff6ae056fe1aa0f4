"""A bound on how often something may be tried: so many at once, then so many a minute. Pure but for its memory."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

MAX_KEYS = 10_000


@dataclass(slots=True)
class Bucket:
    """`burst` tries at once for each key, refilled at `a_minute`."""

    burst: float
    a_minute: float
    _left: OrderedDict[str, tuple[float, int]] = field(default_factory=OrderedDict)

    def take(self, key: str, mono_ms: int) -> float:
        """Take one try. 0 where it was granted, else the seconds after which to ask again."""
        left, at_ms = self._left.pop(key, (self.burst, mono_ms))
        left = min(self.burst, left + (mono_ms - at_ms) * self.a_minute / 60_000)
        granted = left >= 1
        self._left[key] = (left - 1 if granted else left, mono_ms)
        if len(self._left) > MAX_KEYS:
            self._left.popitem(last=False)
        return 0.0 if granted else (1 - left) * 60 / self.a_minute
