"""The tables of the inventory; part of the primary data as those of `collector/store/tables.py` are."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Table, Text, text

from collector.store.tables import SERIAL, core

import_run: Final = Table(
    "import_run", core,
    Column("id", SERIAL, primary_key=True, autoincrement=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("sha256", Text, nullable=False),  # of the files' bytes
    Column("counts", Text, nullable=False),  # JSON object: table -> added, changed, removed, unchanged
    Column("undoes", BigInteger),  # the import that this one takes back
    Column("undone_by", BigInteger),
    sqlite_autoincrement=True,
)  # fmt: skip

# Every version of every row of every table of a province. What was before an import is what it ended.
inventory: Final = Table(
    "inventory", core,
    Column("id", SERIAL, primary_key=True, autoincrement=True),
    Column("kind", Text, nullable=False),  # a table of collector/inventory/schema.py
    Column("key", Text, nullable=False),
    Column("from_ms", BigInteger, nullable=False),
    Column("to_ms", BigInteger),  # NULL while it holds
    Column("body", Text, nullable=False),  # JSON object
    Column("made_by", BigInteger, index=True),  # import; NULL: it was there before any import knew it
    Column("ended_by", BigInteger, index=True),
    Index("inventory_key", "kind", "key", "from_ms"),
    Index(
        "inventory_held", "kind", "key", unique=True,
        sqlite_where=text("to_ms IS NULL"), postgresql_where=text("to_ms IS NULL"),
    ),
    sqlite_autoincrement=True,
)  # fmt: skip
