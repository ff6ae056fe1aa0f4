"""All rows of a query as one: reading a row lets go of the interpreter, and under load it comes back late.

Three thousand rows read one by one are three thousand turns that every busy thread takes first; packed into one text by
the database they are one turn, and cheaper to decode.
"""

from __future__ import annotations

from typing import Any, Final, Generic, TypeVar

import msgspec
from sqlalchemy import Connection, Select, Text, cast, func, select

T = TypeVar("T")


class Whole(Generic[T]):
    """A query made once. `rows` is the type of all of it, a list of tuples of what JSON can hold; at most 50 columns.

    The order of the query is not promised: sort what must be in order.
    """

    def __init__(self, query: Select[Any], rows: type[T]) -> None:
        inner = query.subquery()
        packed = {
            "sqlite": func.json_group_array(func.json_array(*inner.c)),
            "postgresql": cast(func.json_agg(func.json_build_array(*inner.c)), Text),
        }
        self._queries: Final = {name: select(one).select_from(inner) for name, one in packed.items()}
        self._decoder: Final = msgspec.json.Decoder(rows)

    def read(self, conn: Connection, **given: object) -> T:
        """Every row; `given` are the parameters of the query."""
        return self._decoder.decode(conn.scalar(self._queries[conn.dialect.name], given) or "[]")
