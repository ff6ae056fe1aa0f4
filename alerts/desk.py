"""What the alerts need of the process they run in: a database to keep their tables in, a clock, and wake-ups.

The roof hands over the collector's own; nothing here knows that.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol, TypeVar

from prometheus_client import CollectorRegistry
from sqlalchemy import Connection

from collector.api import Commands, Reader
from wire.clock import Clock

T = TypeVar("T")

KEEP_MS: Final = 400 * 86_400_000


class Writer(Protocol):
    """The one writer of a database: jobs are done one after the other, each in its transaction."""

    def do(self, job: Callable[[Connection], T], /) -> T: ...


class Store(Protocol):
    """Where the tables of `alerts.tables` are."""

    @property
    def dialect(self) -> str: ...
    @property
    def writer(self) -> Writer: ...
    def reading(self) -> AbstractContextManager[Connection]:
        """One consistent state."""
        ...


@dataclass(frozen=True, slots=True)
class Desk:
    """What every part of the alerts works with. `wake(topic)` tells others to look again: `incidents`, `outbox`.
    `registry`: where figures of the process are told, which the roof hands to whoever serves `/metrics`. `keep_ms`: so
    long messages stay on record that were delivered or that nobody needed any more."""

    store: Store
    reader: Reader
    commands: Commands
    clock: Clock
    wake: Callable[[str], None]
    home: Path  # where `alerts.toml` and secrets of channels lie
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    keep_ms: int = KEEP_MS


@dataclass(frozen=True, slots=True)
class Loop:
    """`step` does a bounded amount of work and returns the seconds until the next (0: there is more to do); it is also
    called when the topic `wakes_on` is woken, not sooner than `rest_s` after a step. One process owns it."""

    name: str
    step: Callable[[], float]
    wakes_on: str | None = None
    rest_s: float = 0.0
