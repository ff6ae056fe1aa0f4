"""Tables of the alerts, in the primary database: incidents with their history, the outbox, what people asked to be left
out. Times: UTC milliseconds. Rows of history are added, never changed."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, MetaData, Table, Text, text

_SERIAL: Final = BigInteger().with_variant(Integer, "sqlite")

tables: Final = MetaData()

incident: Final = Table(
    "incident", tables,
    Column("number", _SERIAL, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False, unique=True),  # ULID
    Column("cause", Text, nullable=False),
    Column("verdict", Text, nullable=False),  # JSON: the one that holds
    Column("stage", Text, nullable=False),
    Column("since_ms", BigInteger, nullable=False),
    Column("ended_ms", BigInteger),  # NULL while the trouble holds
    Column("opened_ms", BigInteger, nullable=False),
    Column("closed_ms", BigInteger),
    Column("parent", Text),
    Column("team", Text),
    Column("waiting", Float),
    Column("target_ms", BigInteger),
    Column("reopened", Integer, nullable=False, server_default="0"),
    Column("revisions", Integer, nullable=False, server_default="0"),
    Column("wrong", Boolean),
    Column("muted_until_ms", BigInteger),
    Index("incident_span", "since_ms", "ended_ms"),
    Index(
        "incident_living", "cause", unique=True,
        sqlite_where=text("closed_ms IS NULL"), postgresql_where=text("closed_ms IS NULL"),
    ),
    sqlite_autoincrement=True,
)  # fmt: skip

incident_place: Final = Table(
    "incident_place", tables,
    Column("incident", Text, primary_key=True),
    Column("centre", Text, primary_key=True, index=True),
    Column("affected", Boolean, nullable=False),  # sees it only; nobody is sent there
)  # fmt: skip

happened: Final = Table(
    "happened", tables,
    Column("seq", _SERIAL, primary_key=True, autoincrement=True),
    Column("incident", Text, nullable=False, index=True),
    Column("at_ms", BigInteger, nullable=False, index=True),
    Column("what", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("said", Text),  # JSON of alerts.api.Said
    Column("text", Text, nullable=False),
    Column("stage", Text),
    Column("verdict", Text),  # JSON of alerts.api.Verdict
    sqlite_autoincrement=True,
)  # fmt: skip

outbox: Final = Table(
    "outbox", tables,
    Column("key", Text, primary_key=True),  # incident/kind/turn/audience/channel: the idempotency key
    Column("incident", Text, nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("audience", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("message", Text, nullable=False),  # JSON: what is said, in both languages
    Column("state", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("due_ms", BigInteger, nullable=False),
    Column("lease_until_ms", BigInteger),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("sent_ms", BigInteger),
    Column("answer", Text, nullable=False, server_default=""),  # what the other side called it
    Column("error", Text, nullable=False, server_default=""),
    Column("within", Text, nullable=False, server_default="", index=True),  # key of the digest that tells it
    Index("outbox_due", "state", "due_ms"),
)  # fmt: skip

alert_cursor: Final = Table(
    "alert_cursor", tables,
    Column("name", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("moved_ms", BigInteger, nullable=False),
    Column("kept", Text, nullable=False, server_default=""),  # JSON: what a loop remembers across a restart
)  # fmt: skip

complaint: Final = Table(
    "complaint", tables,
    Column("id", _SERIAL, primary_key=True, autoincrement=True),
    Column("centre", Text, nullable=False, index=True),
    Column("at_ms", BigInteger, nullable=False, index=True),
    Column("text", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("incident", Text),
    sqlite_autoincrement=True,
)  # fmt: skip
