"""What a probe is given: the only doors to the world, so that a test can hold every one of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from wire.clock import Clock


@dataclass(frozen=True, slots=True)
class Facts:
    """What the agent knows of itself and lends to probes."""

    collector_host: str
    boots: int = 0
    clock_offset_s: float | None = None
    collector_port: int = 0


@dataclass(slots=True)
class Context:
    """One probe's world. `memory` is its own between runs (previous counters), empty after a start."""

    clock: Clock
    deadline_mono_ms: int
    facts: Facts
    proc: Path = Path("/proc")
    root: Path = Path("/")
    memory: dict[str, object] = field(default_factory=dict)
    explain: Callable[[str], None] = lambda _text: None

    def left_s(self) -> float:
        """Seconds until the deadline, never below zero."""
        return max(0.0, (self.deadline_mono_ms - self.clock.mono_ms()) / 1000)
