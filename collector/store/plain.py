"""Many rows written by the driver itself: on hot paths the way through SQLAlchemy costs more than the rows."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection


def put_rows(conn: Connection, sql: str, rows: Sequence[tuple[object, ...]]) -> None:
    """Run `sql` once a row; a `?` stands for each value, on both databases, and nothing else in it is one."""
    if rows:
        conn.exec_driver_sql(sql.replace("?", "%s") if conn.dialect.name == "postgresql" else sql, list(rows))
