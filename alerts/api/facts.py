"""What the door of the alerts hands over: verdicts, incidents and what was told of them, as frozen structs.

Times are UTC in integer milliseconds. Nothing here is a sentence: what is said is a `Said`, put into
words by `alerts.api.words`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from collector.api import State

Owner = Literal[
    "power", "lan", "device", "line", "carrier", "province", "service", "signing", "certificate", "agent", "planned",
    "unknown",
]  # fmt: skip
"""Whose it is."""

Confidence = Literal["certain", "likely", "possible"]

Stage = Literal["open", "notified", "acknowledged", "on_the_way", "on_site", "repaired", "closed"]
STAGES: tuple[Stage, ...] = ("open", "notified", "acknowledged", "on_the_way", "on_site", "repaired", "closed")


class AlertsError(Exception):
    """Root of what the alerts' door may raise; the text is for people."""


class NotFound(AlertsError):
    """There is no such incident, message or link, or no longer."""


class Refused(AlertsError):
    """This may not be done now, or not by this person; the text says why, and what may."""


# --- what is said ---------------------------------------------------------------------------------------------------

Value = str | int | float


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence by its key in `alerts/words/<language>/`, and what goes into it.

    Values whose name ends in `_ms` are instants, in `_s` durations, in `_bps` rates; subjects, places, carriers
    and systems are given as keys (`line:07210-1/a`) and named where it is said.
    """

    key: str
    values: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that arrived and that a verdict rests on. `observation` is empty where it is a fact of the register:
    a flip, a silence, a boot, a planned stop."""

    subject: str
    said: Said
    at_ms: int
    arrived_ms: int
    observation: str = ""


@dataclass(frozen=True, slots=True)
class Considered:
    """A rule that was tried on a verdict's trouble, and why it did or did not speak."""

    rule: str
    fired: bool
    why: Said


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is wrong, since when, and whose it is.

    `cause` identifies it from one look to the next: `line:07210-1/a`, `carrier:vnpt/vnpt-bac-giang`, `service:dvcqg`,
    `power:07210-1`, `power:area/yen-the`, `lan:07210-1`, `device:<ulid>`, `agent:<id>`. `subjects` are what it
    explains, the leading one first; `centres` are those where people wait for it; `affected` are centres that only see
    it (a shared system) and where nobody is sent. `visit`: whether anybody should travel. `candidates`: owners that
    cannot be told apart yet, of a verdict whose owner is unknown.
    """

    cause: str
    rule: str
    owner: Owner
    state: State
    since_ms: int
    ended_ms: int | None  # None: it holds
    subjects: tuple[str, ...]
    centres: tuple[str, ...]
    said: Said
    evidence: tuple[Evidence, ...]
    confidence: Confidence
    visit: bool
    affected: tuple[str, ...] = ()
    candidates: tuple[Owner, ...] = ()
    considered: tuple[Considered, ...] = ()


# --- incidents ------------------------------------------------------------------------------------------------------

What = Literal[
    "opened", "revised", "stage", "comment", "wrong", "right", "told", "tested", "recovered", "returned", "reopened",
    "joined", "held", "released", "muted", "assigned",
]  # fmt: skip
"""What may happen to an incident; each is an event of its history."""


@dataclass(frozen=True, slots=True)
class Happened:
    """One event of an incident's history. `by` is a person, a team by its link, or empty: motcua itself."""

    seq: int
    incident: str
    at_ms: int
    what: What
    by: str
    said: Said | None = None
    text: str = ""  # a person's own words
    stage: Stage | None = None
    verdict: Verdict | None = None  # of opened and revised: the one that held from then on


@dataclass(frozen=True, slots=True)
class Incident:
    """A verdict that lives.

    `since_ms` to `ended_ms` is the trouble, in event time; `opened_ms` to `closed_ms` is the incident, as people worked
    on it. `parent`: the incident it waits for, while held back. `waiting`: dossiers that came in while people could not
    be served, so far. `target_ms`: until when it is to be repaired, by its team's target; None where none applies.
    """

    id: str
    number: int
    verdict: Verdict
    stage: Stage
    since_ms: int
    ended_ms: int | None
    opened_ms: int
    closed_ms: int | None
    parent: str | None = None
    team: str | None = None
    waiting: float | None = None
    target_ms: int | None = None
    reopened: int = 0
    revisions: int = 0
    wrong: bool | None = None  # a person's label: the verdict was wrong (True) or right (False)
    muted_until_ms: int | None = None

    @property
    def open(self) -> bool:
        """Whether it still lives."""
        return self.closed_ms is None


@dataclass(frozen=True, slots=True)
class Told:
    """A message to one audience, as the outbox has it. `key` is its idempotency key."""

    key: str
    incident: str
    kind: Literal["call", "correction", "recovered", "digest", "escalation", "reminder"]
    audience: str  # team:<key>, centre:<key>, officer, deputy
    channel: str
    address: str
    state: Literal["waiting", "sending", "sent", "answered", "dead", "dropped"]
    created_ms: int
    due_ms: int
    tries: int
    sent_ms: int | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class RuleScore:
    """How good one rule's verdicts were over a span, by what people labelled and by what was revised."""

    rule: str
    said: int
    labelled: int
    wrong: int
    revised: int
    detect_s: float | None  # median from the beginning of the trouble to its incident


@dataclass(frozen=True, slots=True)
class Quality:
    """How good our alerts are. `missed`: troubles of a centre that no incident explained."""

    from_ms: int
    to_ms: int
    rules: tuple[RuleScore, ...]
    missed: tuple[tuple[str, int, int], ...]  # subject, from, to
    dead_letters: int
