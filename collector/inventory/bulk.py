"""Many rows at once, in parts of a bounded size, as each database takes them fastest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

from sqlalchemy import Connection, Table, insert

T = TypeVar("T")
CHUNK: Final = 1_000


def insert_rows(conn: Connection, table: Table, rows: Sequence[dict[str, object]]) -> Iterator[int]:
    """Insert all rows; yields how many after each part. Consume it: nothing is inserted before."""
    statement = insert(table)
    if conn.dialect.name == "postgresql":
        # A RETURNING makes SQLAlchemy send one statement for many rows; without it psycopg sends one a row.
        statement = statement.returning(*table.primary_key.columns)
    for part in parts(rows):
        conn.execute(statement, part).close()
        yield len(part)


def parts(rows: Sequence[T], size: int = CHUNK) -> Iterator[list[T]]:
    """The rows in parts of a bounded size."""
    for start in range(0, len(rows), size):
        yield list(rows[start : start + size])
