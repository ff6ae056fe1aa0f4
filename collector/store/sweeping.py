"""What may be forgotten: rows that no question needs any more, a bounded number at a time.

Never here: presence, flips, the ledger, the audit, plans (primary), and the inbox (its keys outlive every spool).
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Connection, Table, delete, select, tuple_

from collector.store.lease_tables import lease
from collector.store.line_tables import egress
from collector.store.notice_tables import notice
from collector.store.tables import boot, join_code, login, quarantine, session, task

DAY_MS: Final = 86_400_000
AT_ONCE: Final = 500

_RULES: Final[list[tuple[Table, str, int]]] = [
    (boot, "seen_ms", 60),  # a spool is at most 30 days old
    (quarantine, "recorded_ms", 60),
    (join_code, "expires_ms", 90),
    (login, "expires_ms", 30),
    (session, "expires_ms", 30),
    (task, "expires_ms", 400),
    (lease, "to_ms", 400),
    (egress, "recorded_ms", 400),
    (notice, "ended_ms", 40),
]


def sweep(conn: Connection, now_ms: int) -> int:
    """Forget at most `AT_ONCE` rows of each table; how many went."""
    return sum(_forget(conn, table, table.c[column], now_ms - days * DAY_MS) for table, column, days in _RULES)


def _forget(conn: Connection, table: Table, column: Column[int], before_ms: int) -> int:
    key = tuple_(*table.primary_key.columns)
    old = select(*table.primary_key.columns).where(column < before_ms).limit(AT_ONCE)
    return len(conn.execute(delete(table).where(key.in_(old)).returning(column)).all())
