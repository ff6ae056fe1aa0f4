"""What people change of the register: the acts that `Commands.change` takes, and what is told of them afterwards.

Subjects are keys such as `centre:07375-1`, `line:07375-1/a`, `agent:<ulid>`. Times are UTC in integer milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# --- acts -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Pause:
    """A planned stop of a centre, a line, an agent, a shared system (`service:dvcqg`), a carrier (`carrier:vnpt`) or an
    area (`area:chu`). It is judged all the same and shown as planned.

    `document`: the announcement. `again`: a rule by which it comes again (RFC 5545), until `last_ms` at the latest.
    """

    subject: str
    until_ms: int
    reason: str
    from_ms: int | None = None  # None: from now on; in the past: told late, and marked so
    document: str = ""
    again: str = ""
    last_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Resume:
    """End the planned stops of a subject that run; where none runs, call off those to come."""

    subject: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Stop:
    """One stop that a calendar announces. `series` tells its event from others, also when the file is read again."""

    series: str
    subject: str
    from_ms: int
    to_ms: int
    reason: str
    document: str


@dataclass(frozen=True, slots=True)
class Announce:
    """The planned stops of a calendar. `series`: the events it mentions, those that it calls off too."""

    source: str
    stops: tuple[Stop, ...]
    series: frozenset[str]


@dataclass(frozen=True, slots=True)
class Move:
    """Carry an agent, or a line, to another centre."""

    subject: str
    centre: str
    reason: str


@dataclass(frozen=True, slots=True)
class Rename:
    """Another name for a centre; its key stays, and the old name is found for ever."""

    centre: str
    name_vi: str
    name_en: str
    reason: str


@dataclass(frozen=True, slots=True)
class Merge:
    """One centre goes into another; whoever asks for the old one is led to the other."""

    centre: str
    into: str
    reason: str
    move_agents: bool = False  # else they lose their right to speak


@dataclass(frozen=True, slots=True)
class Decommission:
    """A centre, a line or an agent leaves counts and lists; what was known of it stays."""

    subject: str
    reason: str


@dataclass(frozen=True, slots=True)
class Restore:
    """Take back that something was decommissioned, merged, moved or replaced."""

    subject: str
    reason: str = ""


Act = Pause | Resume | Announce | Move | Rename | Merge | Decommission | Restore

# --- what came of them ----------------------------------------------------------------------------------------------

What = Literal[
    "planned", "ended", "called_off", "moved", "freed", "taken", "made", "renamed", "decommissioned", "restored",
    "revoked", "admitted", "replanned", "stays",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing that an act changes; `other` is where to, into what, from what."""

    what: What
    subject: str
    other: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """What an act did, or would do where it was rehearsed. `back` is the command that takes it back, if one can."""

    act: str
    subject: str
    at_ms: int
    effects: tuple[Effect, ...]
    back: str
    rehearsed: bool = False


# --- what is told ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Window:
    """A planned stop in event time. `ended_ms`: a person ended it before its time.

    `centre` is empty where it is about more than one; `document` announced it; `series` is the same for all stops of
    one rule, or of one event of a calendar.
    """

    id: int
    subject: str
    centre: str
    from_ms: int
    to_ms: int
    reason: str
    set_by: str
    set_ms: int
    ended_ms: int | None = None
    document: str = ""
    series: str = ""

    @property
    def end_ms(self) -> int:
        """Until when it holds, or held."""
        return self.to_ms if self.ended_ms is None else min(self.to_ms, self.ended_ms)

    @property
    def late(self) -> bool:
        """Whether it was announced after it had begun."""
        return self.from_ms < self.set_ms

    def holds(self, at_ms: int) -> bool:
        """Whether it is in force at a moment."""
        return self.from_ms <= at_ms < self.end_ms


How = Literal["decommissioned", "merged", "moved", "replaced"]


@dataclass(frozen=True, slots=True)
class Retired:
    """A subject out of service from `from_ms` on, until `to_ms` where it was taken back. `successor` took its place."""

    subject: str
    how: How
    successor: str
    from_ms: int
    to_ms: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class FormerName:
    """What a centre was called until `to_ms`."""

    vi: str
    en: str
    to_ms: int


@dataclass(frozen=True, slots=True)
class Change:
    """One act as it is on record."""

    at_ms: int
    act: str
    subject: str
    other: str
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class Chronicle:
    """What people changed at one centre, the newest first."""

    windows: tuple[Window, ...] = ()
    retired: tuple[Retired, ...] = ()
    changes: tuple[Change, ...] = ()
