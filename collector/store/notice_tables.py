"""What a centre's people are told on the page that their box serves; part of the primary data."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Table, Text

from collector.store.tables import core

notice: Final = Table(
    "notice", core,
    Column("centre", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("text_vi", Text, nullable=False),
    Column("text_en", Text, nullable=False),
    Column("since_ms", BigInteger, nullable=False),
    Column("until_ms", BigInteger),  # NULL: until it is ended
    Column("set_ms", BigInteger, nullable=False),
    Column("set_by", Text, nullable=False),
    Column("ended_ms", BigInteger, index=True),  # NULL while it is in force
)  # fmt: skip
