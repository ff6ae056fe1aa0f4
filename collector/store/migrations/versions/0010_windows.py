"""Planned stops know their announcement, and which of them are one rule's or one event's.

Revision ID: 0010
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from collector.store.migrations import parts

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Those of before were announced nowhere and come once."""
    if "core" not in parts():
        return
    for name in ("document", "series"):
        op.add_column("planned_window", sa.Column(name, sa.Text(), server_default="", nullable=False))
    op.create_index(op.f("ix_planned_window_series"), "planned_window", ["series"])
