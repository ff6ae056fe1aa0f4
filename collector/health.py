"""Whether the collector can take a batch now, and its numbers: what `/readyz` and `/metrics` say."""

from __future__ import annotations

import shutil
from concurrent.futures import TimeoutError as Late
from dataclasses import dataclass
from typing import Final

from prometheus_client import generate_latest
from sqlalchemy import Connection, func, select, text
from sqlalchemy.exc import DBAPIError

from collector import fleet
from collector.api import CollectorError
from collector.hub import Hub
from collector.store.faults import Busy, Unavailable
from collector.store.tables import cursor, heard, inbox, ts_cursor

PROBE_S: Final = 2.0
_TOUCH: Final = text(
    "INSERT INTO cursor (name, seq, moved_ms) VALUES ('readyz', 0, :now_ms)"
    " ON CONFLICT (name) DO UPDATE SET moved_ms = excluded.moved_ms"
)


@dataclass(frozen=True, slots=True)
class Ready:
    """`reason` None: a write was committed just now. `failing`: loops whose last steps failed, and how many."""

    reason: str | None
    detail: str
    failing: dict[str, int]


def readiness(hub: Hub) -> Ready:
    """Commit a small write and say how that went. Blocks, at most `PROBE_S`: not from the event loop."""
    now_ms = hub.clock.wall_ms()
    reason, detail = None, "a write was committed"
    try:
        hub.store.writer.submit(lambda conn: _touch(conn, now_ms)).result(PROBE_S)
    except Unavailable as error:
        reason, detail = error.reason, str(error)
    except Busy as error:
        reason, detail = "busy", str(error)
    except Late:
        reason, detail = hub.store.writer.fault or "busy", f"a small write was not committed within {PROBE_S:g} s"
    return Ready(reason, detail, dict(hub.failing))


def metrics(hub: Hub) -> bytes:
    """The text exposition of the collector's own numbers. Reads the database: not from the event loop."""
    try:
        _measure_lags(hub)
        fleet.measure(hub)
        hub.counters.disk_free.set(disk_free_bytes(hub))
    except (DBAPIError, CollectorError, OSError, ValueError):
        hub.counters.problems.labels("metrics").inc()
    return generate_latest(hub.counters.registry)


def disk_free_bytes(hub: Hub) -> int:
    """Bytes that may still be written where the home is."""
    return shutil.disk_usage(hub.settings.home).free


def _touch(conn: Connection, now_ms: int) -> None:
    # Not one of the readers' cursors: a row that exists to be written.
    conn.execute(_TOUCH, {"now_ms": now_ms})


def _measure_lags(hub: Hub) -> None:
    """How many seconds of inbox each reader has not taken yet."""
    with hub.store.reading_ts() as conn:
        readers = conn.execute(select(ts_cursor.c.name, ts_cursor.c.seq)).all()
    with hub.store.reading() as conn:
        newest = conn.execute(select(inbox.c.seq, inbox.c.received_ms).order_by(inbox.c.seq.desc()).limit(1)).first()
        own = conn.execute(select(cursor.c.name, cursor.c.seq).where(cursor.c.name != "readyz")).all()
        for name, seq in [*own, *readers]:
            hub.counters.lag_s.labels(name).set(0.0 if newest is None else _lag_s(conn, seq, newest[1]))
        hub.counters.silent.set(conn.scalar(select(func.count()).where(heard.c.alert_after_ms.is_(None))) or 0)


def _lag_s(conn: Connection, seq: int, newest_ms: int) -> float:
    oldest = conn.scalar(select(inbox.c.received_ms).where(inbox.c.seq > seq).order_by(inbox.c.seq).limit(1))
    return 0.0 if oldest is None else max(0.0, (newest_ms - oldest) / 1000)
