"""Who set a version of the policy, and which file was read last: an unchanged file overrules nobody.

Revision ID: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from collector.store.migrations import parts

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Every version so far was read from the file."""
    if "core" not in parts():
        return
    for name in ("set_by", "file_sha256"):
        op.add_column("policy", sa.Column(name, sa.Text(), nullable=False, server_default=""))
    op.execute("UPDATE policy SET file_sha256 = sha256")
