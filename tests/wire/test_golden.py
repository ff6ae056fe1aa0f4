"""Version 1 of the wire, as files that are read for ever.

A file here never changes; what version 1 says anew gets a new file. Where a test below fails, the code is wrong: agents
in the field and bodies in spools and inboxes hold these bytes.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
import pytest

from wire.codec import decode_parcel, decode_request, encode_batch, encode_request
from wire.messages import (
    Answer,
    Batch,
    Enrol,
    Enrolled,
    Envelope,
    Notice,
    Observation,
    Plan,
    PlanItem,
    Problem,
    Receipt,
    Rejected,
    Task,
    Value,
    WaitAnswer,
)

V1 = Path(__file__).parents[1] / "data/wire/v1"

BOOT = "0b3f4c8e-1111-2222-3333-444455556666"
EPOCH = "6f9619ff-8b86-d011-b42d-00c04fc964ff"
AGENT = "01ARZ3NDEKTSV4RRFFQ69G5FAV"

HEADER = Batch(EPOCH, 41, BOOT)
OBSERVATIONS = [
    Observation(
        i=0,
        probe="reach",
        subject="line:07375-1/a",
        target="collector",
        at_ms=1_800_000_000_000,
        mono_ms=86_400_123,
        took_ms=812,
        outcome="ok",
        values=[
            Value("motcua_line_sent_packets", 5.0),
            Value("motcua_line_loss_ratio", 0.2),
            Value("motcua_line_rtt_seconds", 0.012345678901234567),
        ],
        phases={"resolve": 0.001, "train": 0.811},
        detail={"target": "collector", "address": "192.0.2.7", "received": "0-1,3-4", "packets_left_out": 0},
    ),
    Observation(
        i=1,
        probe="reach",
        subject="lan:07375-1",
        target="gateway",
        at_ms=1_800_000_001_000,
        mono_ms=86_401_123,
        took_ms=2_805,
        outcome="fail",
        reason="no_answer",
        detail={
            "method": "icmp_raw",
            "chú thích": "bộ định tuyến không trả lời",
            "retried": False,
            "hint": None,
            "share": 0.5,
        },
        task_id="task-7",
    ),
    Observation(
        i=2,
        probe="pc",
        subject=f"device:{AGENT}",
        target="self",
        at_ms=1_800_000_002_000,
        mono_ms=86_402_123,
        took_ms=0,
        outcome="unknown",
        reason="a_reason_of_a_newer_agent",
        values=[Value("motcua_device_disk_free_bytes", 1.5e11, "C:\\"), Value("motcua_device_battery_plugged", 1.0)],
    ),
]
ENVELOPE = Envelope(1, AGENT, BOOT, 1_800_000_010_000, 86_410_123)

RECEIPT = Receipt(EPOCH, 41, "stored", 2, [Rejected(1, "no_reason", "only outcome ok goes without a reason")])
NOTICE = Notice("n1", "Đường truyền gián đoạn", "The line is interrupted", 1_800_000_000_000, 1_800_000_010_000, None)
TASK = Task("task-7", "probe", {"item": "reach-lan"}, 1_800_000_060_000, "an.nguyen")
ITEMS = (
    b'[{"id":"reach-lan","subject":"lan:07375-1","probe":"reach","target":"gateway","period_s":10.0,"deadline_s":5.0},'
    b'{"id":"pc","subject":"device:01ARZ3NDEKTSV4RRFFQ69G5FAV","probe":"pc","target":"self","period_s":60.0,'
    b'"deadline_s":10.0,"settings":{"mount_timeout_s":1.0}}]'
)

# What travels as one JSON document: today's structs write these bytes, and read them.
DOCUMENTS: list[tuple[str, msgspec.Struct]] = [
    (
        "enrol.json",
        Enrol(
            join_code="0000-0000-0000-0000-0000-0000-0000-0000-0000-0000-0000",
            role="box",
            version="0.1.0",
            capabilities=["probe:reach", "probe:pc"],
            sign_key="A" * 43 + "=",
            seal_key="B" * 43 + "=",
            name="hộp-một-cửa",
        ),
    ),
    ("enrolled.json", Enrolled(AGENT, "07375-1", "an-invented-token")),
    ("answer.json", Answer([RECEIPT, Receipt(EPOCH, 40, "duplicate", 3)], 1_800_000_010_050, 0.0, [NOTICE])),
    ("wait.json", WaitAnswer("0" * 64, [TASK], 1_800_000_035_000, [])),
    ("plan.json", Plan(1, 12, hashlib.sha256(ITEMS).hexdigest(), msgspec.Raw(ITEMS))),
    (
        "problem.json",
        Problem(
            title="A batch was sent before with other contents",
            status=409,
            detail="batch 41 of this epoch",
            instance="/api/v1/batches",
            code="batch_conflict",
            remedy="start a new spool",
            receipts=[Receipt(EPOCH, 41, "conflict", 0)],
        ),
    ),
]


def test_a_batch_of_version_1() -> None:
    raw = (V1 / "batch.ndjson").read_bytes()
    assert encode_batch(HEADER, OBSERVATIONS) == raw
    parcel = decode_parcel(raw)
    assert (parcel.header, parcel.observations, parcel.rejected) == (HEADER, OBSERVATIONS, [])
    assert parcel.sha256 == hashlib.sha256(raw).hexdigest()


def test_a_request_of_version_1() -> None:
    raw = (V1 / "request.ndjson").read_bytes()
    batches = [encode_batch(HEADER, OBSERVATIONS), encode_batch(Batch(EPOCH, 42, BOOT), OBSERVATIONS[:1])]
    assert encode_request(ENVELOPE, batches) == raw
    request = decode_request(raw)
    assert request.envelope == ENVELOPE
    assert [(p.header.batch, len(p.observations)) for p in request.parcels] == [(41, 3), (42, 1)]


def test_a_request_of_version_1_from_a_newer_agent() -> None:
    """Unknown fields are ignored, unknown words are kept, keys come in any order."""
    request = decode_request((V1 / "request_newer.ndjson").read_bytes())
    parcel = request.parcels[0]
    assert request.envelope == ENVELOPE
    assert parcel.header == HEADER
    assert parcel.observations == [OBSERVATIONS[0]]
    assert [(r.i, r.code) for r in parcel.rejected] == [(1, "invalid")]  # an outcome that nobody knows


@pytest.mark.parametrize(("name", "meant"), DOCUMENTS, ids=[name for name, _ in DOCUMENTS])
def test_a_document_of_version_1(name: str, meant: msgspec.Struct) -> None:
    raw = (V1 / name).read_bytes()
    assert msgspec.json.encode(meant) == raw
    read = msgspec.json.decode(raw, type=type(meant))
    assert msgspec.json.encode(read) == raw
    if not isinstance(read, Plan):  # its raw items compare by identity
        assert read == meant


def test_the_items_of_a_plan_of_version_1() -> None:
    plan = msgspec.json.decode((V1 / "plan.json").read_bytes(), type=Plan)
    assert hashlib.sha256(bytes(plan.items)).hexdigest() == plan.sha256
    assert msgspec.json.decode(plan.items, type=list[PlanItem]) == [
        PlanItem("reach-lan", "lan:07375-1", "reach", "gateway", 10.0, 5.0),
        PlanItem("pc", f"device:{AGENT}", "pc", "self", 60.0, 10.0, {"mount_timeout_s": 1.0}),
    ]


def test_every_file_of_version_1_is_read_by_a_test() -> None:
    named = {"batch.ndjson", "request.ndjson", "request_newer.ndjson"} | {name for name, _ in DOCUMENTS}
    assert {path.name for path in V1.iterdir()} == named
