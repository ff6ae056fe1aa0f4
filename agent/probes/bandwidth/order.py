"""What an engine is told and what it gives back: the little that all engines of the bandwidth probe share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, Protocol

if TYPE_CHECKING:
    from agent.net.links import Exit
    from agent.probes.bandwidth.look import Look
    from wire.messages import Scalar

Way = Literal["download", "upload"]
WAYS: Final[tuple[Way, Way]] = ("download", "upload")


@dataclass(frozen=True, slots=True)
class Order:
    """One test: against whom, out of which door, how much it may cost. Seconds of load are of each direction, and so
    is what it should cost (`enough_s`, `enough_bytes`): what is spent beyond that buys less and less precision.

    `public`: servers of the internet instead of `url`, where the engine knows any. `ca_pem`: what signs a server over
    TLS. `look` reads the interface's counters and the processors.
    """

    url: str
    ticket: str
    public: bool
    leave: Exit
    address: str
    ca_pem: bytes
    streams: int
    max_bytes: int
    min_s: float
    max_s: float
    enough_s: float
    enough_bytes: float
    precision: float
    left: Callable[[], float]
    look: Callable[[], Look]
    explain: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Course:
    """One direction: bits a second with bounds (None where the engine knows none), what it moved, and beside what.

    `moved` is the load in bytes that this machine's interface carried for it, from `before` to `after`. `held_s`: for
    how long this machine did not let the test do what was due; 0 where the engine does not know.
    """

    bps: float
    low: float | None
    high: float | None
    seconds: float
    streams: int
    moved: int
    before: Look
    after: Look
    rtts: list[float] = field(default_factory=list)
    own_cpu_s: float = 0.0
    held_s: float = 0.0
    server_core: float | None = None


@dataclass(slots=True)
class Findings:
    """What a test has found so far. `used` is what the lease is charged with, also where the test was cut short."""

    used: int = 0
    idle_rtts: list[float] = field(default_factory=list)
    courses: dict[Way, Course] = field(default_factory=dict)
    detail: dict[str, Scalar] = field(default_factory=dict)
    phases: dict[str, float] = field(default_factory=dict)


class Engine(Protocol):
    """Fills in `found` as it goes. Raises given.Ended: fail or unknown before anything was moved, aborted after."""

    def __call__(self, order: Order, found: Findings) -> None: ...
