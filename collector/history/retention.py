"""How long raw points stay, and their deletion in bites too small to hold anybody up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, delete, func, select

from collector.hub import Hub
from collector.store.tables import centre, raw, serie
from wire.metrics import METRICS

DAY_MS: Final = 86_400_000
SMALL_MS: Final = 7 * DAY_MS
LARGE_MS: Final = 2 * DAY_MS
LARGE: Final = 40
"""Centres above which raw points stay for two days instead of seven."""

PAUSE_MS: Final = 10 * 60_000
SERIES_A_BITE: Final = 64
POINTS_A_BITE: Final = 2_000


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
        if now_ms < self._next_ms:
            return False
        with self._hub.store.reading() as conn:
            centres = conn.scalar(select(func.count()).select_from(centre)) or 0
        with self._hub.store.reading_ts() as conn:
            query = select(serie.c.sid, serie.c.metric).where(serie.c.sid > self._after).order_by(serie.c.sid)
            some = [
                (row.sid, now_ms - keep_ms(row.metric, centres)) for row in conn.execute(query.limit(SERIES_A_BITE))
            ]
            due = [(sid, edge) for sid, edge in some if _has(conn, sid, edge)]
        if due:
            self._after = self._hub.store.ts_writer.do(lambda conn: _delete(conn, due))
        elif some:
            self._after = some[-1][0]
        if not some:
            self._after, self._next_ms = 0, now_ms + PAUSE_MS
        return bool(some)


def _has(conn: Connection, sid: int, edge_ms: int) -> bool:
    old = select(raw.c.at_ms).where(raw.c.sid == sid, raw.c.at_ms < edge_ms).limit(1)
    return conn.scalar(old) is not None


def _delete(conn: Connection, due: Sequence[tuple[int, int]]) -> int:
    """Delete at most a bite; the last series that is done with."""
    left, done = POINTS_A_BITE, due[0][0] - 1
    for sid, edge_ms in due:
        mine = (raw.c.sid == sid) & (raw.c.at_ms < edge_ms)
        oldest = list(conn.scalars(select(raw.c.at_ms).where(mine).order_by(raw.c.at_ms).limit(left)))
        if oldest:
            conn.execute(delete(raw).where(raw.c.sid == sid, raw.c.at_ms <= oldest[-1]))
        if len(oldest) == left:
            return done
        left, done = left - len(oldest), sid
    return done
