"""What a probe is given: the only doors to the world, so that a test can hold every one of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from wire.clock import Clock
from wire.messages import LeaseAnswer, LeaseAsk


@dataclass(frozen=True, slots=True)
class Facts:
    """What the agent knows of itself and lends to probes.

    `ca_pem`: the collector's CA, empty before enrolment; `home`: its folder, for what only it may read.
    """

    collector_host: str
    boots: int = 0
    clock_offset_s: float | None = None
    collector_port: int = 0
    ca_pem: bytes = b""
    home: Path | None = None


Lease = Callable[[LeaseAsk], LeaseAnswer]


def no_lease(_ask: LeaseAsk) -> LeaseAnswer:
    """Where nobody is there to ask."""
    return LeaseAnswer(why="no_collector")


@dataclass(slots=True)
class Context:
    """One probe's world. `memory` is its own between runs (previous counters), empty after a start.

    `task_id`: a person asked for this run. `lease` raises wire.client.ClientError where the collector is not reached.
    """

    clock: Clock
    deadline_mono_ms: int
    facts: Facts
    task_id: str | None = None
    proc: Path = Path("/proc")
    root: Path = Path("/")
    memory: dict[str, object] = field(default_factory=dict)
    lease: Lease = no_lease
    explain: Callable[[str], None] = lambda _text: None

    def left_s(self) -> float:
        """Seconds until the deadline, never below zero."""
        return max(0.0, (self.deadline_mono_ms - self.clock.mono_ms()) / 1000)
