"""Which tables a page offers, and the answer to one who takes one away: `?table=NAME&format=csv|json`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from litestar import Response

from dashboards.board.faults import Refused
from dashboards.board.tables import Table, to_csv, to_json
from dashboards.board.visit import Ask, Visit, answer

FORMATS: Final = ("csv", "json")

Makers = Mapping[str, Callable[[], Table]]
"""The tables of a page by name, its main one first."""


def taken(request: Ask, seen: Visit, makers: Makers) -> Response[bytes] | None:
    """The table that was asked for; None where the page itself was. Raises Refused for what the page does not have."""
    wanted = seen.query.get("format")
    if wanted is None:
        return None
    name = seen.query.get("table") or next(iter(makers))
    if wanted not in FORMATS or name not in makers:
        raise Refused(404, "no_table")
    table = makers[name]()
    if wanted == "json":
        return answer(request, to_json(table), media_type="application/json")
    response = answer(request, to_csv(table, seen.words), media_type="text/csv; charset=utf-8; header=present")
    response.headers["content-disposition"] = f'attachment; filename="motcua-{table.name}.csv"'
    return response
