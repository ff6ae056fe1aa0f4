"""What tests of a line's speed found, as the door hands it over. Speeds in bit/s, times in seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from wire.outcomes import Outcome

VALID: Final = "valid"
"""The stamp of a test that says how fast the line is; every other stamp is the reason why a test does not."""

Direction = Literal["download", "upload"]
DIRECTIONS: Final[tuple[Direction, ...]] = ("download", "upload")


@dataclass(frozen=True, slots=True)
class Way:
    """One direction of a test. `low_bps` to `high_bps` is the interval at 95 %; None: that was not measured."""

    bps: float | None = None
    low_bps: float | None = None
    high_bps: float | None = None
    loaded_rtt_s: float | None = None
    responsiveness_hz: float | None = None
    took_s: float | None = None
    streams: int | None = None


@dataclass(frozen=True, slots=True)
class SpeedTest:
    """One test of a line's speed, one that was skipped too. `observation` is its id."""

    subject: str
    observation: str
    at_ms: int
    outcome: Outcome
    reason: str | None
    ways: Mapping[Direction, Way]
    idle_rtt_s: float | None = None
    moved_bytes: float | None = None
    cpu_ratio: float | None = None
    asked: bool = False  # somebody asked for it

    @property
    def stamp(self) -> str:
        """`VALID`, or why it says nothing of the line."""
        return VALID if self.reason is None else self.reason

    @property
    def measured(self) -> bool:
        """Whether it has a figure at all, valid or not."""
        return any(way.bps is not None for way in self.ways.values())

    def way(self, direction: Direction) -> Way:
        """One direction; all of it empty where it was not measured."""
        return self.ways.get(direction, _NOTHING)


_NOTHING: Final = Way()


@dataclass(frozen=True, slots=True)
class PhoneTest:
    """Leave to test a line once from a browser, good until `expires_ms` and for `max_bytes`."""

    url: str
    expires_ms: int
    max_bytes: int
