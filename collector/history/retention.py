"""How long points, roll-ups and observations kept whole stay, and their deletion in bites too small to hold anybody up.

Raw points go by whole local days, and none before everything of its day is rolled up.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Select,
    Table,
    bindparam,
    delete,
    exists,
    func,
    select,
    text,
)

from collector.history.buckets import DAY_MS, TIERS, start_of
from collector.history.marks import marked_before
from collector.hub import Hub
from collector.store.rolled import kept, sketch
from collector.store.tables import centre, raw, serie, ts_cursor
from wire.metrics import METRICS

SMALL_MS: Final = 7 * DAY_MS
LARGE_MS: Final = 2 * DAY_MS
LARGE: Final = 40
"""Centres above which raw points stay for two days instead of seven."""

SKETCH_MS: Final = 40 * DAY_MS
"""No batch is that late: a spool keeps 30 days, the inbox its keys for 40."""

KEPT_MS: Final = 400 * DAY_MS

PAUSE_MS: Final = 60 * 60_000
SERIES_A_BITE: Final = 500
ROWS_A_BITE: Final = 2_000

_WHOLE: Final = text("UPDATE serie SET whole_ms = :edge WHERE sid = :sid AND whole_ms < :edge")

Edges = Sequence[tuple[int, int]]
"""Series, and the instant before which it may go."""

Old = tuple[Table, Column[int], list[tuple[int, int]]]
"""A table, its column of time, and what of it may go."""


def keep_ms(metric: str, centres: int) -> int:
    """How long the raw points of a metric stay; one that a rule needs in full stays for its own time at every size."""
    declared = METRICS.get(metric)
    plain = SMALL_MS if centres <= LARGE else LARGE_MS
    return plain if declared is None or declared.keep_days is None else max(plain, declared.keep_days * DAY_MS)


class Sweep:
    """Goes through all series again and again, a pause between two rounds."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._after = 0
        self._next_ms = 0

    def bite(self) -> bool:
        """Delete a little of what is too old. True where the round is not at its end."""
        now_ms = self._hub.clock.wall_ms()
        if self._next_ms - PAUSE_MS <= now_ms < self._next_ms:
            return False
        with self._hub.store.reading() as conn:
            centres = conn.scalar(select(func.count()).select_from(centre)) or 0
        with self._hub.store.reading_ts() as conn:
            query = select(serie.c.sid, serie.c.metric, serie.c.whole_ms).where(serie.c.sid > self._after)
            some = conn.execute(query.order_by(serie.c.sid).limit(SERIES_A_BITE)).all()
            edges = [(r.sid, start_of(now_ms - keep_ms(r.metric, centres), DAY_MS)) for r in some]
            rising = [(r.sid, edge) for r, (_, edge) in zip(some, edges, strict=True) if r.whole_ms < edge]
            held_up = marked_before(conn, rising)  # they wait for the next round
            old = _old(conn, self._after, some[-1].sid, centres=centres, now_ms=now_ms) if some else []
        if ready := [(sid, edge) for sid, edge in rising if sid not in held_up]:
            self._hub.store.ts_writer.do(partial(_let_go, rising=ready))
            return True
        for table, column, due in old:
            self._hub.store.ts_writer.do(partial(_delete, table=table, column=column, due=due))
        if not old and some:
            self._after = some[-1].sid
        if not some:
            return self._end_round(now_ms)
        return True

    def _end_round(self, now_ms: int) -> bool:
        """After the last series come the observations kept whole."""
        edge = now_ms - KEPT_MS
        if self._hub.store.ts_writer.do(partial(_delete_kept, edge_ms=edge)) == ROWS_A_BITE:
            return True
        self._after, self._next_ms = 0, now_ms + PAUSE_MS
        return False


def _old(conn: Connection, after: int, last: int, *, centres: int, now_ms: int) -> list[Old]:
    """What of the series behind `after` up to `last` may be deleted: tables, with those that have something to go."""
    edges = [None, *(t.edge_ms(now_ms, centres) for t in TIERS), now_ms - SKETCH_MS]
    found: list[Old] = []
    for (table, column, query), edge_ms in zip(_QUERIES, edges, strict=True):
        rows = conn.execute(query, {"after": after, "last": last, "edge": edge_ms})
        due = [(sid, whole_ms if edge_ms is None else edge_ms) for sid, whole_ms in rows]
        found += [(table, column, due)] if due else []
    return found


def _query(table: Table, column: Column[int], edge: ColumnElement[int]) -> Select[int, int]:
    """One question for hundreds of series: to ask for each kept an interpreter busy for seconds."""
    older = exists().where(table.c.sid == serie.c.sid, column < edge)
    mine = (serie.c.sid > bindparam("after")) & (serie.c.sid <= bindparam("last"))
    return select(serie.c.sid, serie.c.whole_ms).where(mine, edge > 0, older)


_EDGE: Final = bindparam("edge", type_=BigInteger)
_QUERIES: Final = [
    (raw, raw.c.at_ms, _query(raw, raw.c.at_ms, serie.c.whole_ms)),
    *((t.table, t.table.c.start_ms, _query(t.table, t.table.c.start_ms, _EDGE)) for t in TIERS),
    (sketch, sketch.c.start_ms, _query(sketch, sketch.c.start_ms, _EDGE)),
]


def _let_go(conn: Connection, rising: Edges) -> None:
    """From now on what comes for before these edges is late; only where everything before them is rolled up."""
    # History writes by what it reads of `whole_ms`; on PostgreSQL it may be another process.
    conn.execute(select(ts_cursor.c.seq).where(ts_cursor.c.name == "history").with_for_update())
    held_up = marked_before(conn, rising)
    rows = [{"sid": sid, "edge": edge} for sid, edge in rising if sid not in held_up]
    if rows:
        conn.execute(_WHOLE, rows)


def _delete(conn: Connection, table: Table, column: Column[int], due: Edges) -> None:
    """Delete at most a bite of rows before their edges."""
    left = ROWS_A_BITE
    for sid, edge_ms in due:
        mine = (table.c.sid == sid) & (column < edge_ms)
        oldest = list(conn.scalars(select(column).where(mine).order_by(column).limit(left)))
        if oldest:
            conn.execute(delete(table).where(table.c.sid == sid, column <= oldest[-1]))
        left -= len(oldest)
        if not left:
            return


def _delete_kept(conn: Connection, edge_ms: int) -> int:
    old = select(kept.c.id).where(kept.c.at_ms < edge_ms).order_by(kept.c.at_ms).limit(ROWS_A_BITE)
    return len(conn.execute(delete(kept).where(kept.c.id.in_(old)).returning(kept.c.id)).all())
