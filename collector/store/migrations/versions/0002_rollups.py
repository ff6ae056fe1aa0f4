"""Roll-ups, observations kept whole, bodies pruned. Points of before are marked, so that they are rolled up too.

Revision ID: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from collector.store.migrations import parts

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables of the halves that this database holds."""
    if "core" in parts():
        _core()
    if "series" in parts():
        _series()
        _rollups()
        op.execute(
            "INSERT INTO dirty (sid, width_s, start_ms, touched_ms)"
            " SELECT DISTINCT sid, 3600, (at_ms / 3600000) * 3600000, 0 FROM raw"
        )


def _core() -> None:
    op.create_table(
        "pruned",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("moved_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "shed",
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("batches", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day"),
    )


def _series() -> None:
    op.add_column("serie", sa.Column("whole_ms", sa.BigInteger(), nullable=False, server_default=sa.text("0")))
    op.add_column("latest", sa.Column("outcome", sa.Text(), nullable=True))
    op.add_column("latest", sa.Column("reason", sa.Text(), nullable=True))
    op.create_table(
        "dirty",
        sa.Column("sid", sa.BigInteger(), nullable=False),
        sa.Column("width_s", sa.Integer(), nullable=False),
        sa.Column("start_ms", sa.BigInteger(), nullable=False),
        sa.Column("touched_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("sid", "width_s", "start_ms"),
        sqlite_with_rowid=False,
    )
    op.create_index("dirty_due", "dirty", ["width_s", "start_ms"], unique=False)
    op.create_table(
        "late",
        sa.Column("sid", sa.BigInteger(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("sid", "at_ms"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "kept",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("kept_subject", "kept", ["subject", "at_ms"], unique=False)
    op.create_index("kept_at", "kept", ["at_ms"], unique=False)


def _rollups() -> None:
    _sums("quarter")
    _sums("hour")
    quantiles = [sa.Column(name, sa.Float(), nullable=False) for name in ("p50", "p95", "p99")]
    _sums("day", *quantiles, sa.Column("exact", sa.Boolean(), nullable=False))
    op.create_table(
        "sketch",
        sa.Column("sid", sa.BigInteger(), nullable=False),
        sa.Column("start_ms", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sid", "start_ms"),
        sqlite_with_rowid=False,
    )


def _sums(name: str, *more: sa.Column[float] | sa.Column[bool]) -> None:
    op.create_table(
        name,
        sa.Column("sid", sa.BigInteger(), nullable=False),
        sa.Column("start_ms", sa.BigInteger(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("total", sa.Float(), nullable=False),
        sa.Column("low", sa.Float(), nullable=False),
        sa.Column("high", sa.Float(), nullable=False),
        *more,
        sa.PrimaryKeyConstraint("sid", "start_ms"),
        sqlite_with_rowid=False,
    )
