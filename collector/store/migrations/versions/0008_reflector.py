"""Where the province's reflector is.

Revision ID: 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from collector.store.migrations import parts

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """No reflector yet."""
    if "core" not in parts():
        return
    op.create_table(
        "reflector",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("everywhere", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
