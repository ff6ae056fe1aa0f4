"""The tables of leases: every slot that a line was kept for, and the measurement servers that carry tests.

A slot's row is written anew with a higher `seq` at every change, so that another process reads only what changed.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Integer, Table, Text

from collector.store.tables import core

lease: Final = Table(
    "lease", core,
    Column("id", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False, unique=True),
    Column("agent", Text, nullable=False),
    Column("item", Text, nullable=False),
    Column("line", Text, nullable=False),  # the line's key
    Column("uplink", Text, nullable=False),  # the group that is tested one at a time
    Column("server", Text, nullable=False),
    Column("bps", BigInteger, nullable=False),
    Column("from_ms", BigInteger, nullable=False),
    Column("to_ms", BigInteger, nullable=False, index=True),
    Column("state", Text, nullable=False),  # see collector/leases/slots.py
    Column("task", Text, nullable=False),  # empty: by plan
    Column("max_bytes", BigInteger, nullable=False),
    Column("used_bytes", BigInteger),  # NULL: nobody has told
    Column("asked_ms", BigInteger, nullable=False),
)  # fmt: skip

measure_server: Final = Table(
    "measure_server", core,
    Column("url", Text, primary_key=True),
    Column("bps", BigInteger, nullable=False),
    Column("tests", Integer, nullable=False),
)  # fmt: skip
