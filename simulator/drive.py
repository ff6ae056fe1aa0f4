"""A clock that only a replay moves: the collector's, and so everybody's, time goes as fast as the machine does."""

from __future__ import annotations


class DrivenClock:
    """Both clocks of `wire.clock.Clock`, moved together."""

    def __init__(self, wall_ms: int) -> None:
        self._wall_ms, self._from_ms = wall_ms, wall_ms - 86_400_000

    def wall_ms(self) -> int:
        return self._wall_ms

    def mono_ms(self) -> int:
        return self._wall_ms - self._from_ms

    def go_to(self, wall_ms: int) -> None:
        """Time never goes back."""
        self._wall_ms = max(self._wall_ms, wall_ms)
