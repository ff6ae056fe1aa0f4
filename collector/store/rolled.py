"""The tables of roll-ups, of what is kept whole, of what is still to be rolled up, and of what was let go."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, LargeBinary, Table, Text

from collector.store.tables import core, series


def _sums(name: str, *more: Column[float] | Column[bool]) -> Table:
    """One row for each series and bucket: how many, their sum, the lowest and the highest."""
    return Table(
        name, series,
        Column("sid", BigInteger, primary_key=True),
        Column("start_ms", BigInteger, primary_key=True),
        Column("n", Integer, nullable=False),
        Column("total", Float, nullable=False),
        Column("low", Float, nullable=False),
        Column("high", Float, nullable=False),
        *more, sqlite_with_rowid=False,
    )  # fmt: skip


quarter: Final = _sums("quarter")
hour: Final = _sums("hour")
day: Final = _sums(
    "day",
    Column("p50", Float, nullable=False),
    Column("p95", Float, nullable=False),
    Column("p99", Float, nullable=False),
    Column("exact", Boolean, nullable=False),  # false: quantiles from the sketch, within one per cent
)  # fmt: skip

sketch: Final = Table(
    "sketch", series,
    Column("sid", BigInteger, primary_key=True),
    Column("start_ms", BigInteger, primary_key=True),  # of a day
    Column("body", LargeBinary, nullable=False),  # see collector/history/quantiles.py
    sqlite_with_rowid=False,
)  # fmt: skip

dirty: Final = Table(
    "dirty", series,
    Column("sid", BigInteger, primary_key=True),
    Column("width_s", Integer, primary_key=True),  # 3600 or 86400
    Column("start_ms", BigInteger, primary_key=True),
    Column("touched_ms", BigInteger, nullable=False),  # grows with every touch: a mark is taken only as it was read
    Index("dirty_due", "width_s", "start_ms"),
    sqlite_with_rowid=False,
)  # fmt: skip

late: Final = Table(
    "late", series,
    Column("sid", BigInteger, primary_key=True),
    Column("at_ms", BigInteger, primary_key=True),
    Column("value", Float, nullable=False),
    Column("seq", BigInteger, nullable=False),  # history's cursor once the rows it came with are all written
    sqlite_with_rowid=False,
)  # fmt: skip

kept: Final = Table(
    "kept", series,
    Column("id", Text, primary_key=True),  # agent/epoch/batch/i
    Column("subject", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("body", Text, nullable=False),  # JSON of a StoredObservation
    Index("kept_subject", "subject", "at_ms"),
    Index("kept_at", "at_ms"),
)  # fmt: skip

# --- core -------------------------------------------------------------------------------------------------------------

pruned: Final = Table(
    "pruned", core,
    Column("name", Text, primary_key=True),  # bodies
    Column("seq", BigInteger, nullable=False),  # inbox rows up to here have none
    Column("moved_ms", BigInteger, nullable=False),
)  # fmt: skip

shed: Final = Table(
    "shed", core,
    Column("day", Text, primary_key=True),  # UTC, on which bodies went before their time for want of disk
    Column("batches", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
)  # fmt: skip
