"""Notices for a centre's people, and which digest told a message.

Revision ID: 0011
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from collector.store.migrations import parts

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """No notice yet; no message was told within a digest."""
    if "core" not in parts():
        return
    op.create_table(
        "notice",
        sa.Column("centre", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("text_vi", sa.Text(), nullable=False),
        sa.Column("text_en", sa.Text(), nullable=False),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=True),
        sa.Column("set_ms", sa.BigInteger(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("ended_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("centre", "id"),
    )
    op.create_index("ix_notice_ended_ms", "notice", ["ended_ms"], unique=False)
    op.add_column("outbox", sa.Column("within", sa.Text(), server_default="", nullable=False))
    op.create_index("ix_outbox_within", "outbox", ["within"], unique=False)
