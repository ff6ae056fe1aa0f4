"""The figures of local days, with quantiles: for reports and for comparing months."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from collector.api import DayFigure
from collector.history.buckets import day_start, day_text
from collector.store.rolled import day
from collector.store.tables import serie


def read_daily(conn: Connection, subject: str, metric: str, from_day: str, to_day: str) -> list[DayFigure]:
    """Every day of [from_day, to_day] that was rolled up, in order. Raises ValueError for what is not a day."""
    return read_days(conn, subject, [metric], from_day, to_day)[metric]


def read_days(
    conn: Connection, subject: str, metrics: Sequence[str], from_day: str, to_day: str
) -> dict[str, list[DayFigure]]:
    """The same of several metrics of a subject, by metric, in one question."""
    query = (
        select(serie.c.metric, serie.c.of, serie.c.target, day)
        .join(day, day.c.sid == serie.c.sid)
        .where(serie.c.subject == subject, serie.c.metric.in_(metrics))
        .where(day.c.start_ms >= day_start(from_day), day.c.start_ms <= day_start(to_day))
        .order_by(day.c.start_ms, serie.c.target, serie.c.of)
    )
    found: dict[str, list[DayFigure]] = {metric: [] for metric in metrics}
    for r in conn.execute(query):
        found[r.metric].append(
            DayFigure(
                day_text(r.start_ms), r.of, r.target, r.n, r.low, r.total / r.n, r.high, r.p50, r.p95, r.p99,
                bool(r.exact),
            )
        )  # fmt: skip
    return found
