"""The tables of what people change of the register: planned stops, what was decommissioned, where agents stood.

Rows are ended, never deleted: history is judged by what held at its time.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Table, Text, text

from collector.store.tables import SERIAL, core

planned_window: Final = Table(
    "planned_window", core,
    Column("id", SERIAL, primary_key=True, autoincrement=True),
    Column("subject", Text, nullable=False, index=True),
    Column("centre", Text, nullable=False, index=True),
    Column("from_ms", BigInteger, nullable=False),
    Column("to_ms", BigInteger, nullable=False),  # as planned
    Column("reason", Text, nullable=False),
    Column("set_by", Text, nullable=False),
    Column("set_ms", BigInteger, nullable=False),
    Column("ended_ms", BigInteger),  # a person ended it before its time
    Column("ended_by", Text),
    Column("document", Text, nullable=False, server_default=""),  # the announcement
    Column("series", Text, nullable=False, server_default="", index=True),  # of one rule, or of one event
    Index("planned_window_span", "to_ms", "from_ms"),
    sqlite_autoincrement=True,
)  # fmt: skip

retirement: Final = Table(
    "retirement", core,
    Column("id", SERIAL, primary_key=True, autoincrement=True),
    Column("subject", Text, nullable=False),
    Column("centre", Text, nullable=False, index=True),
    Column("how", Text, nullable=False),  # decommissioned, merged, moved, replaced
    Column("successor", Text, nullable=False),  # the subject that took its place; empty: none did
    Column("from_ms", BigInteger, nullable=False),
    Column("to_ms", BigInteger),  # NULL while it holds
    Column("reason", Text, nullable=False),
    Column("agents", Text, nullable=False),  # JSON list: those that lost their right to speak with it
    Index(
        "retirement_held", "subject", unique=True,
        sqlite_where=text("to_ms IS NULL"), postgresql_where=text("to_ms IS NULL"),
    ),
    sqlite_autoincrement=True,
)  # fmt: skip

# Where an agent stood before it stood where its row says; agents that were never moved have none.
posting: Final = Table(
    "posting", core,
    Column("agent", Text, primary_key=True),
    Column("from_ms", BigInteger, primary_key=True),
    Column("centre", Text, nullable=False, index=True),
    Column("to_ms", BigInteger),  # NULL: still there
)  # fmt: skip

# One row for each centre that an act concerned. Its newest id says whether anything changed.
lifecycle: Final = Table(
    "lifecycle", core,
    Column("id", SERIAL, primary_key=True, autoincrement=True),
    Column("at_ms", BigInteger, nullable=False, index=True),
    Column("act", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("centre", Text, nullable=False, index=True),
    Column("other", Text, nullable=False),  # where to, into what; empty: nothing more to say
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    sqlite_autoincrement=True,
)  # fmt: skip
