"""A clock that only a test moves: wall and monotonic time apart, as a machine can have them."""

from __future__ import annotations

NOON_MS = 1_790_000_000_000
BOOT = "00000000-0000-4000-8000-00000000b001"
LATER_BOOT = "00000000-0000-4000-8000-00000000b002"


class FakeClock:
    """Both clocks stand still until `advance`; `step_wall` is a hand on the wall clock; `suspend` is a closed lid."""

    def __init__(self, wall_ms: int = NOON_MS, mono_ms: int = 1_000_000) -> None:
        self.wall, self.mono, self.awake = wall_ms, mono_ms, mono_ms

    def wall_ms(self) -> int:
        return self.wall

    def mono_ms(self) -> int:
        return self.mono

    def awake_ms(self) -> int:
        """CLOCK_MONOTONIC: stands still while the machine sleeps."""
        return self.awake

    def advance(self, seconds: float) -> None:
        self.wall += int(seconds * 1000)
        self.mono += int(seconds * 1000)
        self.awake += int(seconds * 1000)

    def step_wall(self, seconds: float) -> None:
        self.wall += int(seconds * 1000)

    def suspend(self, seconds: float) -> None:
        self.wall += int(seconds * 1000)
        self.mono += int(seconds * 1000)

    def reboot(self, *, off_s: float = 60.0) -> None:
        """The monotonic clock begins anew; the wall clock went on."""
        self.wall += int(off_s * 1000)
        self.mono = self.awake = 5_000
