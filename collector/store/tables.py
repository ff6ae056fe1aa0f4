"""Tables, one text for SQLite and PostgreSQL; those of roll-ups are in `rolled`. Times: UTC milliseconds, BIGINT."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

# SQLite gives row ids only to INTEGER; PostgreSQL wants the wide type. AUTOINCREMENT: an id is never used twice.
SERIAL: Final = BigInteger().with_variant(Integer, "sqlite")

core: Final = MetaData()
"""Primary data: `core.db`, synchronous=FULL."""

series: Final = MetaData()
"""History and its cursor: `ts.db`, synchronous=NORMAL, own writer; on PostgreSQL the same database."""

# --- register -------------------------------------------------------------------------------------------------------

centre: Final = Table(
    "centre", core,
    Column("key", Text, primary_key=True),
    Column("name_vi", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
)  # fmt: skip

subject: Final = Table(
    "subject", core,
    Column("key", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("centre", Text, nullable=False, index=True),
    Column("label", Text, nullable=False),
    Column("agent", Text),
    Column("created_ms", BigInteger, nullable=False),
)  # fmt: skip

agent: Final = Table(
    "agent", core,
    Column("id", Text, primary_key=True),
    Column("centre", Text, nullable=False, index=True),
    Column("role", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("capabilities", Text, nullable=False),  # JSON list
    Column("sign_key", Text, nullable=False),
    Column("seal_key", Text, nullable=False),
    Column("device", Text, nullable=False),  # subject key of the machine it runs on
    Column("enrolled_ms", BigInteger, nullable=False),
    Column("revoked_ms", BigInteger),
)  # fmt: skip

token: Final = Table(
    "token", core,
    Column("sha256", Text, primary_key=True),
    Column("agent", Text, nullable=False, index=True),
    Column("created_ms", BigInteger, nullable=False),
    Column("revoked_ms", BigInteger),
)  # fmt: skip

join_code: Final = Table(
    "join_code", core,
    Column("sha256", Text, primary_key=True),
    Column("centre", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("used_ms", BigInteger),
    Column("used_by", Text),
    Column("replaces", Text, nullable=False, server_default=""),  # the agent that leaves when this code is used
)  # fmt: skip

plan: Final = Table(
    "plan", core,
    Column("agent", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("sha256", Text, nullable=False),
    Column("items", LargeBinary, nullable=False),  # the bytes as sent
    Column("from_ms", BigInteger, nullable=False),
    Column("to_ms", BigInteger),
)  # fmt: skip

task: Final = Table(
    "task", core,
    Column("id", Text, primary_key=True),
    Column("agent", Text, nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("item", Text, nullable=False),
    Column("args", Text, nullable=False),  # JSON object
    Column("state", Text, nullable=False),
    Column("requested_by", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
    Column("observation", Text),
    Column("outcome", Text),
    Index("task_state", "state", "expires_ms"),
)  # fmt: skip

# --- inbox ----------------------------------------------------------------------------------------------------------

inbox: Final = Table(
    "inbox", core,
    Column("seq", SERIAL, primary_key=True, autoincrement=True),
    Column("agent", Text, nullable=False),
    Column("epoch", Text, nullable=False),
    Column("batch", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("boot_id", Text, nullable=False),
    Column("received_ms", BigInteger, nullable=False),
    Column("offset_ms", BigInteger),  # at = offset + mono; NULL: the agent's own stamps are used and are unsure
    Column("at_min_ms", BigInteger, nullable=False),
    Column("at_max_ms", BigInteger, nullable=False),
    Column("items", Integer, nullable=False),
    Column("rejected", Text, nullable=False),  # JSON list of wire.messages.Rejected, part of the stored receipt
    Column("body", LargeBinary),  # see collector/store/bodies.py; NULL once pruned
    UniqueConstraint("agent", "epoch", "batch", name="inbox_key"),
    Index("inbox_span", "agent", "at_max_ms"),
    sqlite_autoincrement=True,
)  # fmt: skip

boot: Final = Table(
    "boot", core,
    Column("agent", Text, primary_key=True),
    Column("boot_id", Text, primary_key=True),
    Column("offset_ms", BigInteger, nullable=False),
    Column("seen_ms", BigInteger, nullable=False),
)  # fmt: skip

spool: Final = Table(
    "spool", core,
    Column("agent", Text, primary_key=True),
    Column("epoch", Text, primary_key=True),
    Column("turn", Integer, nullable=False),  # the highest of an agent is the spool it sends from now
    Column("first_ms", BigInteger, nullable=False),
)  # fmt: skip

quarantine: Final = Table(
    "quarantine", core,
    Column("id", SERIAL, primary_key=True, autoincrement=True),
    Column("agent", Text, nullable=False),
    Column("epoch", Text, nullable=False),
    Column("batch", BigInteger, nullable=False),
    Column("i", Integer, nullable=False),
    Column("code", Text, nullable=False),
    Column("hint", Text, nullable=False),
    Column("recorded_ms", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)  # fmt: skip

ledger: Final = Table(
    "ledger", core,
    Column("agent", Text, primary_key=True),
    Column("day", Text, primary_key=True),  # UTC, 2026-11-21
    Column("batches", BigInteger, nullable=False),
    Column("duplicates", BigInteger, nullable=False),
    Column("conflicts", BigInteger, nullable=False),
    Column("accepted", BigInteger, nullable=False),
    Column("rejected", BigInteger, nullable=False),
    Column("quarantined", BigInteger, nullable=False),
)  # fmt: skip

condition: Final = Table(
    "condition", core,
    Column("id", SERIAL, primary_key=True, autoincrement=True),
    Column("agent", Text, nullable=False, index=True),
    Column("name", Text, nullable=False),  # a reason of wire.outcomes.STATE_REASONS
    Column("detail", Text, nullable=False),
    Column("from_ms", BigInteger, nullable=False),
    Column("seen_ms", BigInteger, nullable=False),  # when it was last found to hold
    Column("to_ms", BigInteger),  # NULL while it holds
    sqlite_autoincrement=True,
)  # fmt: skip

# --- judging --------------------------------------------------------------------------------------------------------

heard: Final = Table(
    "heard", core,
    Column("agent", Text, primary_key=True),
    Column("from_ms", BigInteger, nullable=False),  # beginning of the presence that is open or was last
    Column("last_ms", BigInteger, nullable=False),
    Column("alert_after_ms", BigInteger, index=True),  # NULL once the silence was noticed
    Column("skew_ms", BigInteger),
)  # fmt: skip

presence: Final = Table(
    "presence", core,
    Column("agent", Text, primary_key=True),
    Column("from_ms", BigInteger, primary_key=True),
    Column("to_ms", BigInteger, nullable=False),
)  # fmt: skip

flip: Final = Table(
    "flip", core,
    Column("seq", SERIAL, primary_key=True, autoincrement=True),
    Column("subject", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("from_state", Text, nullable=False),
    Column("to_state", Text),  # NULL retracts what `supersedes` names
    Column("reason", Text),
    Column("detail", Text, nullable=False),  # JSON object
    Column("policy_version", Integer, nullable=False),
    Column("evidence", Text, nullable=False),  # JSON list of observation ids
    Column("recorded_ms", BigInteger, nullable=False),
    Column("supersedes", BigInteger, unique=True),
    Index("flip_subject", "subject", "at_ms"),
    sqlite_autoincrement=True,
)  # fmt: skip

policy: Final = Table(
    "policy", core,
    Column("version", Integer, primary_key=True),
    Column("sha256", Text, nullable=False),
    Column("body", Text, nullable=False),  # TOML
    Column("from_ms", BigInteger, nullable=False),
    Column("set_by", Text, nullable=False, server_default=""),  # a person's name; empty: read from the file
    Column("file_sha256", Text, nullable=False, server_default=""),  # of the file, as last read under this version
)  # fmt: skip

cursor: Final = Table(
    "cursor", core,
    Column("name", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("moved_ms", BigInteger, nullable=False),
)  # fmt: skip

# --- people ---------------------------------------------------------------------------------------------------------

login: Final = Table(
    "login", core,
    Column("sha256", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("used_ms", BigInteger),
)  # fmt: skip

session: Final = Table(
    "session", core,
    Column("sha256", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("csrf", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("closed_ms", BigInteger),
)  # fmt: skip

audit: Final = Table(
    "audit", core,
    Column("id", SERIAL, primary_key=True, autoincrement=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("via", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("object", Text, nullable=False),
    Column("detail", Text, nullable=False),  # JSON object
    sqlite_autoincrement=True,
)  # fmt: skip

# --- history --------------------------------------------------------------------------------------------------------

serie: Final = Table(
    "serie", series,
    Column("sid", SERIAL, primary_key=True, autoincrement=True),
    Column("subject", Text, nullable=False),
    Column("metric", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("of", Text, nullable=False),
    # Raw points from here on are all there; what comes for before is folded into roll-ups.
    Column("whole_ms", BigInteger, nullable=False, server_default=text("0")),
    UniqueConstraint("subject", "metric", "target", "of", name="serie_key"),
)  # fmt: skip

raw: Final = Table(
    "raw", series,
    Column("sid", BigInteger, primary_key=True),
    Column("at_ms", BigInteger, primary_key=True),
    Column("value", Float, nullable=False),
    sqlite_with_rowid=False,
)  # fmt: skip

latest: Final = Table(
    "latest", series,
    Column("subject", Text, primary_key=True),
    Column("probe", Text, primary_key=True),
    Column("target", Text, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("observation", Text, nullable=False),  # id: agent/epoch/batch/i
    Column("outcome", Text),  # NULL: noted before outcomes were
    Column("reason", Text),
)  # fmt: skip

ts_cursor: Final = Table(
    "ts_cursor", series,
    Column("name", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("moved_ms", BigInteger, nullable=False),
)  # fmt: skip
