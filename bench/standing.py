"""A clock for benches that stands where it is put: what takes a year is due at once."""

from __future__ import annotations


class Standing:
    """`wall` may be moved; the monotonic clock goes with it."""

    def __init__(self, wall: int) -> None:
        self.wall = wall

    def wall_ms(self) -> int:
        return self.wall

    def mono_ms(self) -> int:
        return self.wall
