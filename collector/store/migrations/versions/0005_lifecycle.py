"""Planned stops, what was decommissioned, where agents stood, and join codes that replace an agent.

Revision ID: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from collector.store.migrations import parts

revision = "0005"
down_revision = "0004"

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables where this database holds primary data."""
    if "core" in parts():
        _planned_window()
        _retirement()
        _posting()
        _lifecycle()
        op.add_column("join_code", sa.Column("replaces", sa.Text(), nullable=False, server_default=""))


def _planned_window() -> None:
    op.create_table(
        "planned_window",
        sa.Column("id", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("centre", sa.Text(), nullable=False),
        sa.Column("from_ms", sa.BigInteger(), nullable=False),
        sa.Column("to_ms", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("set_ms", sa.BigInteger(), nullable=False),
        sa.Column("ended_ms", sa.BigInteger(), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("planned_window_span", "planned_window", ["to_ms", "from_ms"])
    op.create_index(op.f("ix_planned_window_subject"), "planned_window", ["subject"])
    op.create_index(op.f("ix_planned_window_centre"), "planned_window", ["centre"])


def _retirement() -> None:
    op.create_table(
        "retirement",
        sa.Column("id", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("centre", sa.Text(), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.Column("successor", sa.Text(), nullable=False),
        sa.Column("from_ms", sa.BigInteger(), nullable=False),
        sa.Column("to_ms", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("agents", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    held = sa.text("to_ms IS NULL")
    op.create_index("retirement_held", "retirement", ["subject"], unique=True, sqlite_where=held, postgresql_where=held)
    op.create_index(op.f("ix_retirement_centre"), "retirement", ["centre"])


def _posting() -> None:
    op.create_table(
        "posting",
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("from_ms", sa.BigInteger(), nullable=False),
        sa.Column("centre", sa.Text(), nullable=False),
        sa.Column("to_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("agent", "from_ms"),
    )
    op.create_index(op.f("ix_posting_centre"), "posting", ["centre"])


def _lifecycle() -> None:
    op.create_table(
        "lifecycle",
        sa.Column("id", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("centre", sa.Text(), nullable=False),
        sa.Column("other", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_lifecycle_at_ms"), "lifecycle", ["at_ms"])
    op.create_index(op.f("ix_lifecycle_centre"), "lifecycle", ["centre"])
