"""A clock that stands still until the test moves it."""

from __future__ import annotations

from dataclasses import dataclass

NOON_MS = 1_763_700_000_000  # 2025-11-21, some time that reads well in failures


@dataclass(slots=True)
class HandClock:
    """Both clocks, set by hand; `forward` moves them together as time does."""

    wall: int = NOON_MS
    mono: int = 5_000_000

    def wall_ms(self) -> int:
        return self.wall

    def mono_ms(self) -> int:
        return self.mono

    def forward(self, ms: int) -> None:
        self.wall += ms
        self.mono += ms
