"""The use of a line over the days of its rule, from the 5-minute samples that history keeps in full for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, func, select

from collector.history.buckets import DAY_MS
from collector.history.lines import RECEIVE, TRANSMIT
from collector.judge.use import Week, rank
from collector.store.line_tables import use_week
from collector.store.plain import put_rows
from collector.store.tables import raw, serie

_PUT: Final = (
    "INSERT INTO use_week (subject, day_ms, receive_bps, transmit_bps, samples, days) VALUES (?,?,?,?,?,?)"
    " ON CONFLICT (subject, day_ms) DO UPDATE SET receive_bps = excluded.receive_bps,"
    " transmit_bps = excluded.transmit_bps, samples = excluded.samples, days = excluded.days"
)


def read_week(conn: Connection, line: str, day_ms: int, days: int, share: float) -> Week | None:
    """The days that end with the local day that begins at `day_ms`; None where their samples are no longer kept."""
    end = day_ms + DAY_MS
    query = select(serie.c.sid, serie.c.metric, serie.c.whole_ms).where(serie.c.subject == line)
    rows = conn.execute(query.where(serie.c.metric.in_((RECEIVE, TRANSMIT)))).all()
    if any(row.whole_ms > end - days * DAY_MS for row in rows):
        return None
    sids = {metric: [row.sid for row in rows if row.metric == metric] for metric in (RECEIVE, TRANSMIT)}
    ways = [_percentile(conn, sids[metric], end - days * DAY_MS, end, share) for metric in (RECEIVE, TRANSMIT)]
    (receive, received), (transmit, transmitted) = ways
    return Week(end, receive, transmit, min(received, transmitted), days)


def _percentile(conn: Connection, sids: Sequence[int], start: int, end: int, share: float) -> tuple[float, int]:
    """The percentile and how many samples it was taken from; 0 where there is none, of none."""
    inside = raw.c.sid.in_(sids) & (raw.c.at_ms >= start) & (raw.c.at_ms < end)
    samples: int = conn.scalar(select(func.count()).select_from(raw).where(inside)) or 0
    if not samples:
        return 0.0, 0
    # From the nearer end: a percentile of 95 is found among the highest twentieth.
    above = samples - 1 - rank(samples, share)
    highest = select(raw.c.value).where(inside).order_by(raw.c.value.desc())
    value: float = conn.scalars(highest.offset(above).limit(1)).one()
    return value, samples


def put_weeks(conn: Connection, *, line: str, weeks: Sequence[Week]) -> None:
    """Keep weeks of a line, in place of what was kept of the same days."""
    put_rows(conn, _PUT, [(line, w.end - DAY_MS, w.receive_bps, w.transmit_bps, w.samples, w.days) for w in weeks])


def weeks_of(conn: Connection, line: str, first_ms: int) -> list[Week]:
    """The weeks kept of a line that end with the local day beginning at `first_ms` or a later one, in order."""
    query = select(use_week).where(use_week.c.subject == line, use_week.c.day_ms >= first_ms)
    rows = conn.execute(query.order_by(use_week.c.day_ms))
    return [Week(r.day_ms + DAY_MS, r.receive_bps, r.transmit_bps, r.samples, r.days) for r in rows]
