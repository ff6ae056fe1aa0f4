"""The last observation of what fell silent is kept whole before its body goes: a page must still be able to show it."""

from __future__ import annotations

from functools import partial
from typing import Final

from sqlalchemy import select

from collector.history.buckets import DAY_MS
from collector.history.keeping import keep
from collector.hub import Hub
from collector.reading.evidence import newest_observations
from collector.store.rolled import kept
from collector.store.tables import latest

SILENT_MS: Final = DAY_MS
"""Well before the youngest body that goes by age."""

PAUSE_MS: Final = 60 * 60_000
AT_ONCE: Final = 100


class Lasting:
    """Looks through the newest observations once an hour."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._next_ms = 0

    def bite(self) -> bool:
        """Keep a few. True where there are more."""
        now_ms = self._hub.clock.wall_ms()
        if self._next_ms - PAUSE_MS <= now_ms < self._next_ms:
            return False
        old = select(latest.c.observation).where(latest.c.at_ms < now_ms - SILENT_MS)
        with self._hub.store.reading_ts() as conn:
            missing = old.where(~select(kept.c.id).where(kept.c.id == latest.c.observation).exists())
            ids = list(conn.scalars(missing.order_by(latest.c.at_ms.desc()).limit(AT_ONCE)))
        with self._hub.store.reading() as conn:
            found = newest_observations(conn, ids)
        if found:
            self._hub.store.ts_writer.do(partial(keep, whole=found))
        if len(found) == AT_ONCE:
            return True
        self._next_ms = now_ms + PAUSE_MS
        return False
