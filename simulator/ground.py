"""What a trial is played on: a collector whose clock it drives, spoken to without sockets, and what people were told.

The roof gives it. Incidents and messages are those of the alerts' own door; here is only what the score looks at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from simulator.drive import DrivenClock
from simulator.stage import Stage
from wire.messages import Answer, Enrol, Enrolled, Plan


class Road(Protocol):
    """The contract of the wire, spoken within a process: the same words, receipted by the same functions."""

    def enrol(self, words: Sequence[Enrol], /) -> list[Enrolled]: ...
    def plan(self, token: str, /) -> Plan: ...
    def hear(self, tokens: Sequence[str], /) -> list[str]:
        """A heartbeat of each; the hash of the plan each is to follow."""
        ...

    def take(self, posts: Sequence[tuple[str, bytes]], /) -> list[Answer]:
        """Tokens, each with the body of a request."""
        ...


class Verdict(Protocol):
    """See `alerts.api.Verdict`."""

    @property
    def cause(self) -> str: ...
    @property
    def rule(self) -> str: ...
    @property
    def owner(self) -> str: ...
    @property
    def subjects(self) -> Sequence[str]: ...
    @property
    def centres(self) -> Sequence[str]: ...
    @property
    def affected(self) -> Sequence[str]: ...


class Incident(Protocol):
    """See `alerts.api.Incident`."""

    @property
    def id(self) -> str: ...
    @property
    def number(self) -> int: ...
    @property
    def verdict(self) -> Verdict: ...
    @property
    def since_ms(self) -> int: ...
    @property
    def ended_ms(self) -> int | None: ...
    @property
    def opened_ms(self) -> int: ...
    @property
    def closed_ms(self) -> int | None: ...
    @property
    def parent(self) -> str | None: ...
    @property
    def revisions(self) -> int: ...


class Said(Protocol):
    """See `alerts.api.Said`."""

    @property
    def values(self) -> Mapping[str, object]: ...


class Event(Protocol):
    """See `alerts.api.Happened`."""

    @property
    def at_ms(self) -> int: ...
    @property
    def what(self) -> str: ...
    @property
    def said(self) -> Said | None: ...
    @property
    def verdict(self) -> Verdict | None: ...


class Message(Protocol):
    """See `alerts.api.Told`."""

    @property
    def incident(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def audience(self) -> str: ...
    @property
    def created_ms(self) -> int: ...
    @property
    def state(self) -> str: ...


class Witness(Protocol):
    """Who can say what incidents there were, and what was told of them; `alerts.api.Reader` is one."""

    def incidents(self, from_ms: int, to_ms: int, limit: int) -> Sequence[Incident]:
        """Those whose trouble overlaps the span; closed ones too."""
        ...

    def told(self, *, limit: int) -> Sequence[Message]:
        """Every message."""
        ...

    def story(self, incident: str) -> Sequence[Event]:
        """What happened to an incident, oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class Ground:
    """One collector with its alerts, in a scratch home."""

    stage: Stage
    road: Road
    witness: Witness


class Roof(Protocol):
    """Sets up a ground in a home, by a clock that is driven, until the block ends."""

    def __call__(self, home: Path, clock: DrivenClock, /) -> AbstractContextManager[Ground]: ...
