"""What travels, as typed structs. Instants and `took_ms` are integer milliseconds, all else is in base units."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from wire.outcomes import REASON_PATTERN, Outcome

VERSION: Final = 1

MAX_BATCHES: Final = 60
MAX_LINE_BYTES: Final = 64 * 1024
MAX_DEPTH: Final = 8
MAX_VALUES: Final = 200
MAX_OBSERVATIONS: Final = 5_000
MAX_REQUEST_VALUES: Final = 20_000
MAX_COMPRESSED_BYTES: Final = 1024 * 1024
MAX_BODY_BYTES: Final = 4 * 1024 * 1024
MAX_DETAIL_BYTES: Final = 4 * 1024
MAX_PLAN_BYTES: Final = 1024 * 1024

# 2**53: what every JSON reader keeps exactly; it also keeps a lying integer out of a 64-bit column.
Millis = Annotated[int, Meta(ge=-(2**53), le=2**53)]
Finite = float  # msgspec reads neither NaN nor infinity from JSON, nor a number that overflows; a test holds it to that
Text = Annotated[str, Meta(min_length=1, max_length=200)]  # control characters are refused by the codec, once a line
WORD_PATTERN: Final = r"^[a-z][a-z0-9_]{0,31}$"
Word = Annotated[str, Meta(pattern=WORD_PATTERN)]
Name = Annotated[str, Meta(min_length=1, max_length=32)]  # a Word whose form wire.parcel checks, once for each
Uuid = Annotated[str, Meta(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
Scalar = str | int | float | bool | None


class Value(Struct, frozen=True, gc=False, omit_defaults=True):
    """One number of an observation: a name from `wire.metrics`, and the instance it is of."""

    metric: Annotated[str, Meta(min_length=1, max_length=100)]
    value: Finite
    of: Text | None = None


class Observation(Struct, frozen=True, omit_defaults=True):
    """One run of one probe on one target. `i` is its position in its batch; `at_ms` and `mono_ms` are of its start."""

    i: Annotated[int, Meta(ge=0, lt=MAX_OBSERVATIONS)]
    probe: Name
    subject: Text
    target: Text
    at_ms: Millis
    mono_ms: Annotated[int, Meta(ge=0, le=2**53)]
    took_ms: Annotated[int, Meta(ge=0, le=2**31)]
    outcome: Outcome
    reason: Annotated[str, Meta(pattern=REASON_PATTERN)] | None = None
    values: Annotated[list[Value], Meta(max_length=MAX_VALUES)] = []
    phases: Annotated[dict[Name, Finite], Meta(max_length=32)] = {}
    detail: Annotated[dict[Text, Scalar], Meta(max_length=32)] = {}
    task_id: Text | None = None


class Envelope(Struct, frozen=True):
    """First line of a request: who speaks, and the two clocks at the moment of sending."""

    version: int
    agent: Text
    sender_boot_id: Uuid
    sent_at_ms: Millis
    sent_mono_ms: Annotated[int, Meta(ge=0, le=2**53)]


class Batch(Struct, frozen=True):
    """First line of a batch: an immutable group of observations of one boot, number `batch` of the spool `epoch`."""

    epoch: Uuid
    batch: Annotated[int, Meta(ge=1, le=2**53)]
    boot_id: Uuid


class Rejected(Struct, frozen=True):
    """An item that was not taken, for ever: the agent deletes it and counts it."""

    i: int
    code: str
    hint: str


class Receipt(Struct, frozen=True):
    """`stored`: committed now; `duplicate`: the receipt of the first time, again; `conflict`: another body before."""

    epoch: str
    batch: int
    code: Literal["stored", "duplicate", "conflict"]
    accepted: int
    rejected: list[Rejected] = []


class Notice(Struct, frozen=True):
    """A sentence for the centre's people, with its as-of time."""

    id: str
    text_vi: str
    text_en: str
    since: int
    as_of: int
    until: int | None = None


class Answer(Struct, frozen=True):
    """The collector's answer to batches. `wait_s`: do not send again earlier."""

    receipts: list[Receipt]
    server_time_ms: int
    wait_s: float = 0.0
    notices: list[Notice] = []


Role = Literal["box", "pc", "vantage"]


class Enrol(Struct, frozen=True):
    """An agent's first word. Keys are base64 of 32 raw bytes: Ed25519 for signing, X25519 for sealed secrets."""

    join_code: Annotated[str, Meta(max_length=120)]
    role: Role
    version: Annotated[str, Meta(max_length=40)]
    capabilities: Annotated[list[Text], Meta(max_length=64)]
    sign_key: Annotated[str, Meta(max_length=64)]
    seal_key: Annotated[str, Meta(max_length=64)]
    name: Annotated[str, Meta(max_length=80)] = ""


class Enrolled(Struct, frozen=True):
    """Who the agent is from now on. The token is shown once and stored hashed."""

    agent: str
    centre: str
    token: str


class PlanItem(Struct, frozen=True, omit_defaults=True):
    """One measurement that one agent owns: a probe on a target for a subject, every `period_s`."""

    id: Text
    subject: Text
    probe: Word
    target: Text
    period_s: Annotated[float, Meta(ge=1, le=7 * 86_400)]
    deadline_s: Annotated[float, Meta(gt=0, le=3_600)]
    settings: Annotated[dict[Text, Scalar], Meta(max_length=32)] = {}


class Plan(Struct, frozen=True):
    """What one agent is to measure. `sha256` is over the bytes of `items` as sent."""

    schema: int
    version: int
    sha256: Sha256
    items: msgspec.Raw


class Task(Struct, frozen=True):
    """One measurement asked for now; runs at most once by its id. For `kind` probe, `args.item` is a plan item's id."""

    id: Text
    kind: Word
    args: Annotated[dict[Text, Scalar], Meta(max_length=32)]
    expires_at_ms: Millis
    requested_by: Annotated[str, Meta(max_length=80)]


class WaitAnswer(Struct, frozen=True):
    """Answer of the wait channel: the plan in force, tasks to take now, notices to show."""

    plan_sha256: str
    tasks: list[Task]
    server_time_ms: int
    notices: list[Notice] = []


class LeaseAsk(Struct, frozen=True, omit_defaults=True):
    """May this line be loaded now? `item` is a plan item's id; with `task_id`, a person is waiting for the figure.

    `returns` is a lease that is over, with the bytes that it cost; such an ask is answered without a new lease.
    """

    item: Text
    task_id: Text | None = None
    returns: Text | None = None
    used_bytes: Annotated[int, Meta(ge=0, le=2**53)] = 0


class Lease(Struct, frozen=True):
    """Permission to load one line, once, within `starts_in_s` to `ends_in_s` from the answer. `ticket` opens `url`."""

    id: Text
    url: Annotated[str, Meta(max_length=300)]
    ticket: Annotated[str, Meta(max_length=500)]
    starts_in_s: float
    ends_in_s: float
    max_bytes: Annotated[int, Meta(ge=0, le=2**53)]
    max_s: float


class LeaseAnswer(Struct, frozen=True, omit_defaults=True):
    """A lease, or none: then why (a word), and after how long to ask again; `again_s` None: not in this period."""

    lease: Lease | None = None
    why: Annotated[str, Meta(max_length=32)] = ""
    again_s: float | None = None


class Problem(Struct, frozen=True, omit_defaults=True):
    """RFC 9457 problem document. `code` is for machines; `remedy` for the person who reads it.

    `receipts` is there where a request was refused for one batch and its neighbours were stored all the same.
    """

    title: str
    status: int
    detail: str = ""
    instance: str = ""
    type: str = "about:blank"
    code: str = ""
    remedy: str = ""
    receipts: list[Receipt] = []
