"""The statements that write roll-ups, and rows for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sqlalchemy import TextClause, text

from collector.history.buckets import Sums
from collector.store.rolled import hour, quarter

_SUMS: Final = "n = excluded.n, total = excluded.total, low = excluded.low, high = excluded.high"


def _put(name: str) -> TextClause:
    return text(
        f"INSERT INTO {name} (sid, start_ms, n, total, low, high) VALUES (:sid, :start_ms, :n, :total, :low, :high)"  # noqa: S608  # our own names
        f" ON CONFLICT (sid, start_ms) DO UPDATE SET {_SUMS}"
    )


PUT: Final[Mapping[str, TextClause]] = {table.name: _put(table.name) for table in (quarter, hour)}
PUT_DAY: Final = text(
    "INSERT INTO day (sid, start_ms, n, total, low, high, p50, p95, p99, exact)"  # noqa: S608  # our own names
    " VALUES (:sid, :start_ms, :n, :total, :low, :high, :p50, :p95, :p99, :exact)"
    f" ON CONFLICT (sid, start_ms) DO UPDATE SET {_SUMS}, p50 = excluded.p50, p95 = excluded.p95, p99 = excluded.p99,"
    " exact = excluded.exact"
)
PUT_SKETCH: Final = text(
    "INSERT INTO sketch (sid, start_ms, body) VALUES (:sid, :start_ms, :body)"
    " ON CONFLICT (sid, start_ms) DO UPDATE SET body = excluded.body"
)


def row(sid: int, start_ms: int, sums: Sums) -> dict[str, object]:
    """A row of a quarter or an hour."""
    return {"sid": sid, "start_ms": start_ms, "n": sums.n, "total": sums.total, "low": sums.low, "high": sums.high}


def day_row(
    sid: int, start_ms: int, sums: Sums, quantiles: tuple[float, float, float], *, exact: bool
) -> dict[str, object]:
    """A row of a day."""
    p50, p95, p99 = quantiles
    return row(sid, start_ms, sums) | {"p50": p50, "p95": p95, "p99": p99, "exact": exact}
