"""The tables of what is true of a line over longer than bodies are kept, and of whence agents speak."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Float, Index, Integer, Table, Text

from collector.store.tables import SERIAL, core, series

# --- core -----------------------------------------------------------------------------------------------------------

# Append-only: of the rows with one subject, reason and beginning the newest holds; one that ends where it begins takes
# it back. `changed_*` is where the subject's states are other than they were.
finding: Final = Table(
    "finding", core,
    Column("id", SERIAL, primary_key=True, autoincrement=True),
    Column("subject", Text, nullable=False),
    Column("reason", Text, nullable=False),  # of wire.outcomes.STATE_REASONS
    Column("from_ms", BigInteger, nullable=False),
    Column("to_ms", BigInteger),  # NULL while it holds
    Column("detail", Text, nullable=False),  # JSON object
    Column("evidence", Text, nullable=False),  # JSON list of observation ids
    Column("ended", Text, nullable=False),  # JSON list: those that ended it
    Column("changed_from_ms", BigInteger, nullable=False),
    Column("changed_to_ms", BigInteger),  # NULL: until now
    Column("recorded_ms", BigInteger, nullable=False, index=True),
    Index("finding_subject", "subject", "from_ms"),
    sqlite_autoincrement=True,
)  # fmt: skip

# From then on an agent spoke from this address; a row a change.
egress: Final = Table(
    "egress", core,
    Column("id", SERIAL, primary_key=True, autoincrement=True),
    Column("agent", Text, nullable=False),
    Column("from_ms", BigInteger, nullable=False),
    Column("address", Text, nullable=False),
    Column("recorded_ms", BigInteger, nullable=False, index=True),
    Index("egress_agent", "agent", "from_ms", unique=True),
    sqlite_autoincrement=True,
)  # fmt: skip

# --- history --------------------------------------------------------------------------------------------------------

# Tests of lines. `stamp`: `valid`, or why it says nothing of the line.
line_test: Final = Table(
    "line_test", series,
    Column("at_ms", BigInteger, primary_key=True),  # all lines of a span lie together: a ranking reads them all
    Column("subject", Text, primary_key=True),
    Column("observation", Text, primary_key=True),
    Column("stamp", Text, nullable=False),
    Column("download_bps", Float),
    Column("upload_bps", Float),
    Index("line_test_subject", "subject", "at_ms"),
    sqlite_with_rowid=False,
)  # fmt: skip

# What a line is to be looked at again for: `test` with its moment, `use` with the beginning of a local day.
line_due: Final = Table(
    "line_due", series,
    Column("kind", Text, primary_key=True),
    Column("at_ms", BigInteger, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("touched", Integer, nullable=False),  # grows with every touch: a row goes only as it was read
    sqlite_with_rowid=False,
)  # fmt: skip

# The days of the rule that end with this one, together: 95th percentile (or what policy says) of each direction.
use_week: Final = Table(
    "use_week", series,
    Column("subject", Text, primary_key=True),
    Column("day_ms", BigInteger, primary_key=True),
    Column("receive_bps", Float, nullable=False),
    Column("transmit_bps", Float, nullable=False),
    Column("samples", Integer, nullable=False),  # of the direction that has fewer; 0: the figures are none
    Column("days", Integer, nullable=False),
    Index("use_week_day", "day_ms"),
    sqlite_with_rowid=False,
)  # fmt: skip
