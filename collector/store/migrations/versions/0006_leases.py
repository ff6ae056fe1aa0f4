"""Leases: slots in which a line may be loaded, and the measurement servers.

Revision ID: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from collector.store.migrations import parts

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the tables where this database holds primary data."""
    if "core" in parts():
        _lease()
        op.create_table(
            "measure_server",
            sa.Column("url", sa.Text(), nullable=False),
            sa.Column("bps", sa.BigInteger(), nullable=False),
            sa.Column("tests", sa.Integer(), nullable=False),
            sa.PrimaryKeyConstraint("url"),
        )


def _lease() -> None:
    texts = [sa.Column(name, sa.Text(), nullable=False) for name in ("agent", "item", "line", "uplink", "server")]
    numbers = [sa.Column(name, sa.BigInteger(), nullable=False) for name in ("bps", "from_ms", "to_ms")]
    op.create_table(
        "lease",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        *texts,
        *numbers,
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("max_bytes", sa.BigInteger(), nullable=False),
        sa.Column("used_bytes", sa.BigInteger(), nullable=True),
        sa.Column("asked_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("seq"),
    )
    op.create_index(op.f("ix_lease_to_ms"), "lease", ["to_ms"])
