"""What is found of lines over longer than bodies are kept, whence agents speak, tests and use of lines.

Revision ID: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from collector.store.migrations import parts

revision = "0007"
down_revision = "0006"

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables of the halves that this database holds."""
    if "core" in parts():
        _finding()
        _egress()
    if "series" in parts():
        _line_test()
        _use()


def _finding() -> None:
    op.create_table(
        "finding",
        sa.Column("id", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("from_ms", sa.BigInteger(), nullable=False),
        sa.Column("to_ms", sa.BigInteger(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("ended", sa.Text(), nullable=False),
        sa.Column("changed_from_ms", sa.BigInteger(), nullable=False),
        sa.Column("changed_to_ms", sa.BigInteger(), nullable=True),
        sa.Column("recorded_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_finding_recorded_ms"), "finding", ["recorded_ms"])
    op.create_index("finding_subject", "finding", ["subject", "from_ms"])


def _egress() -> None:
    op.create_table(
        "egress",
        sa.Column("id", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("from_ms", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("recorded_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("egress_agent", "egress", ["agent", "from_ms"], unique=True)
    op.create_index(op.f("ix_egress_recorded_ms"), "egress", ["recorded_ms"])


def _line_test() -> None:
    op.create_table(
        "line_test",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("observation", sa.Text(), nullable=False),
        sa.Column("stamp", sa.Text(), nullable=False),
        sa.Column("download_bps", sa.Float(), nullable=True),
        sa.Column("upload_bps", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("at_ms", "subject", "observation"),
        sqlite_with_rowid=False,
    )
    op.create_index("line_test_subject", "line_test", ["subject", "at_ms"])


def _use() -> None:
    op.create_table(
        "line_due",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("touched", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "at_ms", "subject"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "use_week",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("day_ms", sa.BigInteger(), nullable=False),
        sa.Column("receive_bps", sa.Float(), nullable=False),
        sa.Column("transmit_bps", sa.Float(), nullable=False),
        sa.Column("samples", sa.Integer(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("subject", "day_ms"),
        sqlite_with_rowid=False,
    )
    op.create_index("use_week_day", "use_week", ["day_ms"])
