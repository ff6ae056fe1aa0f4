"""What the door of the collector hands over: frozen structs, and the errors it may raise.

Times are UTC in integer milliseconds; durations and quantities in base units.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from collector.api.changes import FormerName, Retired, Window
from wire.messages import Observation
from wire.outcomes import Outcome

if TYPE_CHECKING:
    from collector.api.places import SystemView

State = Literal["ok", "degraded", "down", "unknown"]
STATES: tuple[State, ...] = ("down", "degraded", "unknown", "ok")  # worst first

TaskState = Literal["queued", "taken", "running", "done", "expired"]


class CollectorError(Exception):
    """Root of what the collector's door may raise; the text is for people."""


class NotFound(CollectorError):
    """There is no such thing, or no longer."""


class NotAllowed(CollectorError):
    """This actor may not do this."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: `name` for people and the audit; `session` tells a browser's session from the command line."""

    name: str
    via: Literal["session", "cli", "system"]
    csrf: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Centre:
    """A centre; `retired` where it is out of service, `former` are names it had, and those of what went into it."""

    key: str
    name_vi: str
    name_en: str
    retired: Retired | None = None
    former: tuple[FormerName, ...] = ()


@dataclass(frozen=True, slots=True)
class SubjectInfo:
    """A subject and where it belongs; `label` is what a person calls it where it has a name of its own."""

    key: str
    kind: str
    centre: str
    label: str
    agent: str | None  # the agent that owns its measurements, if one does


@dataclass(frozen=True, slots=True)
class Standing:
    """What is true of a subject now. `since_ms` is in event time; `as_of_ms` is the last observation behind it."""

    subject: str
    state: State
    reason: str | None
    since_ms: int
    as_of_ms: int | None
    detail: dict[str, str | float | int]
    evidence: tuple[str, ...]  # ids of observations, see `StoredObservation.id`


@dataclass(frozen=True, slots=True)
class Overview:
    """All of the province at one moment: how every centre stands, and every other subject that is not well.

    A shared system is in `systems` and never among the troubles: a hundred centres see the same fault of the same one.
    Its standings leave `as_of_ms` out: `measured` tells it for those that are looked at. `version` changes whenever
    anything here but `as_of_ms`, the newest measurement of all, may have. What is out of service is not here. `planned`
    are the centres, and `paused` the subjects, whose trouble a planned stop explains; shared systems, carriers and
    areas (`carrier:vnpt`, `area:chu`) are among the latter while one holds for them.
    """

    version: str
    centres: dict[str, Centre]
    standings: dict[str, Standing]  # by the key of the centre
    troubles: tuple[tuple[SubjectInfo, Standing], ...]
    as_of_ms: int | None
    planned: dict[str, Window] = field(default_factory=dict)  # by the key of the centre
    paused: dict[str, Window] = field(default_factory=dict)  # by the key of the subject
    systems: Mapping[str, SystemView] = field(default_factory=dict)  # by id: those that are measured anywhere


@dataclass(frozen=True, slots=True)
class Flip:
    """A change of state. `to` None retracts the flip named in `supersedes`."""

    seq: int
    subject: str
    at_ms: int
    from_state: State
    to: State | None
    reason: str | None
    detail: dict[str, str | float | int]
    policy_version: int
    evidence: tuple[str, ...]
    recorded_ms: int
    supersedes: int | None


@dataclass(frozen=True, slots=True)
class Interval:
    """A state that held from `from_ms` to `to_ms` (exclusive; the moment asked for where it still holds)."""

    subject: str
    state: State
    reason: str | None
    from_ms: int
    to_ms: int


@dataclass(frozen=True, slots=True)
class StoredObservation:
    """An observation as it came, with the time it was corrected to. `id` is `<agent>/<epoch>/<batch>/<i>`."""

    id: str
    agent: str
    at_ms: int
    received_ms: int
    clock_unsure: bool
    observation: Observation


@dataclass(frozen=True, slots=True)
class Point:
    at_ms: int
    min: float
    avg: float
    max: float
    count: int


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a chart. `coverage` is the share of planned samples that arrived; None where no plan says.

    `resolution_s` is that of the buckets given, wider than what was asked for where only a roll-up reaches back so far.
    """

    subject: str
    metric: str
    of: str
    target: str
    resolution_s: float
    points: tuple[Point, ...]
    coverage: float | None


@dataclass(frozen=True, slots=True)
class DayFigure:
    """One local day of one series. `exact` false: late samples came in, the quantiles are within one per cent."""

    day: str  # 2026-11-21, in Vietnam
    of: str
    target: str
    count: int
    min: float
    avg: float
    max: float
    p50: float
    p95: float
    p99: float
    exact: bool


@dataclass(frozen=True, slots=True)
class AgentInfo:
    """An enrolled agent and how it is. `presence` holds the spans in which it was heard, newest first."""

    id: str
    centre: str
    role: str
    name: str
    version: str
    enrolled_ms: int
    revoked_ms: int | None
    last_heard_ms: int | None
    silent: bool
    skew_ms: int | None
    plan_version: int
    conditions: tuple[str, ...]
    device: str = ""  # the subject of the machine that it runs on


@dataclass(frozen=True, slots=True)
class Boot:
    """A start of an agent's machine. `at_ms`: by its own clock since then, corrected; `seen_ms`: last heard of it."""

    agent: str
    boot_id: str
    at_ms: int
    seen_ms: int


@dataclass(frozen=True, slots=True)
class Expected:
    """A join code that was handed out for a centre and that nobody has used."""

    centre: str
    role: str
    created_ms: int
    expires_ms: int


@dataclass(frozen=True, slots=True)
class PlannedItem:
    """One row of an agent's plan, for screens and for coverage."""

    id: str
    agent: str
    subject: str
    probe: str
    target: str
    period_s: float


@dataclass(frozen=True, slots=True)
class TaskInfo:
    id: str
    agent: str
    item: str
    state: TaskState
    requested_by: str
    created_ms: int
    expires_at_ms: int
    observation: str | None  # id of the observation it led to
    outcome: Outcome | None


@dataclass(frozen=True, slots=True)
class Ledger:
    """Counts of one agent on one UTC day."""

    agent: str
    day: str
    batches: int
    duplicates: int
    conflicts: int
    accepted: int
    rejected: int
    quarantined: int


@dataclass(frozen=True, slots=True)
class SuiteHealth:
    """How motcua itself is. Lags are seconds between the newest inbox row and what a reader has taken."""

    now_ms: int
    version: str
    roles: tuple[str, ...]
    database: str
    inbox_rows: int
    inbox_bytes: int
    newest_received_ms: int | None
    lags_s: dict[str, float]
    writer_queue: int
    commit_p99_s: float | None
    agents: int
    silent: int
    ledger: tuple[Ledger, ...]
    disk_free_bytes: int
    refused: dict[str, int] | None = None  # requests refused since the start, by code; None: not this process' to know


Unit = Literal[
    "s", "share", "celsius", "bytes", "bps", "dbm", "days", "trains", "centres", "times", "periods", "switch",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Threshold:
    """One value of a policy. `key` is `<section>.<name>` as in its file; a switch is 1 or 0."""

    key: str
    value: float
    unit: Unit


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """A version of the policy: in force from `from_ms` until the next one. `set_by` is empty where a file was read."""

    number: int
    from_ms: int
    body: str  # TOML
    set_by: str
    thresholds: tuple[Threshold, ...]  # in the order of the sections
