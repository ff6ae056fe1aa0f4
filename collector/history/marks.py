"""Marks of what is to be rolled up: an hour or a day of a series, touched whenever a point of it is written.

A mark goes only as it was read: whoever rolled up what another point has joined since finds it touched, and it stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, Exists, func, or_, select, text

from collector.history.buckets import DAY_MS, HOUR_MS, start_of
from collector.store.plain import put_rows
from collector.store.rolled import dirty

SETTLE_MS: Final = 60_000
"""How long nothing must have touched a mark: a backlog would have the same hour done again and again."""

_TOUCH: Final = (
    "INSERT INTO dirty (sid, width_s, start_ms, touched_ms) VALUES (?,?,?,?)"
    " ON CONFLICT (sid, width_s, start_ms) DO UPDATE SET touched_ms = CASE"
    " WHEN excluded.touched_ms > dirty.touched_ms THEN excluded.touched_ms ELSE dirty.touched_ms + 1 END"
)
_GONE: Final = text("DELETE FROM dirty WHERE sid = :sid AND width_s = :width_s AND start_ms = :start_ms")


@dataclass(frozen=True, slots=True)
class Mark:
    sid: int
    start_ms: int
    touched_ms: int


def mark_hours(conn: Connection, points: Iterable[tuple[int, int]], now_ms: int) -> None:
    """Mark the hours of points, given as (series, instant)."""
    _touch(conn, {(sid, start_of(at, HOUR_MS)) for sid, at in points}, HOUR_MS, now_ms)


def mark_days(conn: Connection, hours: Iterable[Mark], now_ms: int) -> None:
    """Mark the days of hours that were rolled up."""
    _touch(conn, {(mark.sid, start_of(mark.start_ms, DAY_MS)) for mark in hours}, DAY_MS, now_ms)


def due(conn: Connection, width_ms: int, now_ms: int, limit: int) -> list[Mark]:
    """The oldest marks whose time is over and which have settled, at most `limit`; a day's once its hours are done."""
    query = (
        select(dirty.c.sid, dirty.c.start_ms, dirty.c.touched_ms)
        .where(dirty.c.width_s == width_ms // 1000, dirty.c.start_ms <= now_ms - width_ms)
        # A touch from the future is that of a clock which was set back since.
        .where(or_(dirty.c.touched_ms <= now_ms - SETTLE_MS, dirty.c.touched_ms > now_ms + SETTLE_MS))
        .order_by(dirty.c.start_ms, dirty.c.sid)
        .limit(limit)
    )
    if width_ms == DAY_MS:
        query = query.where(~_hours_left())
    return [Mark(*row) for row in conn.execute(query)]


def _hours_left() -> Exists:
    """Whether an hour of a marked day is marked still: it would mark the day again."""
    one = dirty.alias()
    inside = (one.c.start_ms >= dirty.c.start_ms) & (one.c.start_ms < dirty.c.start_ms + DAY_MS)
    return select(one.c.sid).where(one.c.sid == dirty.c.sid, one.c.width_s == HOUR_MS // 1000, inside).exists()


def take(conn: Connection, width_ms: int, marks: Sequence[Mark]) -> list[Mark]:
    """Remove those of `marks` that nobody has touched since they were read; those that are ours now."""
    wanted = {(mark.sid, mark.start_ms): mark for mark in marks}
    held = select(dirty.c.sid, dirty.c.start_ms, dirty.c.touched_ms).where(
        dirty.c.sid.in_({mark.sid for mark in marks}), dirty.c.width_s == width_ms // 1000
    )
    rows = [Mark(*row) for row in conn.execute(held.with_for_update())]
    mine = [mark for mark in rows if wanted.get((mark.sid, mark.start_ms)) == mark]
    if mine:
        conn.execute(_GONE, [{"sid": m.sid, "width_s": width_ms // 1000, "start_ms": m.start_ms} for m in mine])
    return mine


def first_dirty(conn: Connection, sids: Sequence[int], width_ms: int) -> dict[int, int]:
    """From when on roll-ups of this width may lack something that raw has, for the series where anything is."""
    query = select(dirty.c.sid, func.min(dirty.c.start_ms)).where(dirty.c.sid.in_(sids)).group_by(dirty.c.sid)
    if width_ms < DAY_MS:
        query = query.where(dirty.c.width_s == HOUR_MS // 1000)
    return {sid: start_of(first, max(width_ms, HOUR_MS)) for sid, first in conn.execute(query)}


def marked_before(conn: Connection, edges: Sequence[tuple[int, int]]) -> set[int]:
    """The series, given with an instant each, that have marks before it."""
    first = select(dirty.c.sid, func.min(dirty.c.start_ms)).where(dirty.c.sid.in_([sid for sid, _ in edges]))
    starts = {row[0]: row[1] for row in conn.execute(first.group_by(dirty.c.sid))}
    return {sid for sid, edge in edges if sid in starts and starts[sid] < edge}


def _touch(conn: Connection, keys: set[tuple[int, int]], width_ms: int, now_ms: int) -> None:
    put_rows(conn, _TOUCH, [(sid, width_ms // 1000, start, now_ms) for sid, start in sorted(keys)])
