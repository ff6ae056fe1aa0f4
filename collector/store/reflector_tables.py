"""Where the province's reflector is, as plans tell agents; part of the primary data."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Boolean, Column, Integer, Table, Text

from collector.store.tables import core

# At most one row, number 1: none, no agent measures by a reflector.
reflector: Final = Table(
    "reflector", core,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("address", Text, nullable=False),  # host:port
    Column("key", Text, nullable=False),  # hex; what agents' passes are derived from
    Column("everywhere", Boolean, nullable=False),  # not only where the inventory has a video conference
)  # fmt: skip
