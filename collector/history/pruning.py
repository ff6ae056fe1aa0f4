"""Bodies of the inbox that are no longer needed go, oldest first, and their rows once no spool can hold them any more.

Never before every reader's cursor has passed, and is on the disk. What goes before its time for want of room is
counted by day; what must be found again for long was kept whole when history took it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from sqlalchemy import Connection, delete, func, select, text, update

from collector.health import disk_free_bytes
from collector.history.buckets import DAY_MS, SMALL
from collector.hub import Hub
from collector.store.databases import Store
from collector.store.rolled import pruned
from collector.store.tables import centre, cursor, inbox, ts_cursor

READERS: Final = frozenset({"judge", "history"})
NOT_READERS: Final = frozenset({"readyz", "shared"})  # the latter counts flips

SMALL_MS: Final = 35 * DAY_MS
LARGE_MS: Final = 3 * DAY_MS
ROW_MS: Final = 40 * DAY_MS
RESERVE_BYTES: Final = 2**30
"""What is left free on the disk of the home, whatever the cap allows."""

PAUSE_MS: Final = 10 * 60_000
ROWS_A_JOB: Final = 150
_SAMPLES: Final = 64

_MOVE: Final = text(
    "INSERT INTO pruned (name, seq, moved_ms) VALUES ('bodies', :seq, :now_ms)"
    " ON CONFLICT (name) DO UPDATE SET seq = excluded.seq, moved_ms = excluded.moved_ms WHERE excluded.seq > pruned.seq"
)
_SHED: Final = text(
    "INSERT INTO shed (day, batches, bytes) VALUES (:day, :batches, :bytes)"
    " ON CONFLICT (day) DO UPDATE SET batches = shed.batches + excluded.batches, bytes = shed.bytes + excluded.bytes"
)


@dataclass(frozen=True, slots=True)
class Body:
    seq: int
    received_ms: int
    size: int


class Pruning:
    """Goes from the oldest body to the first that must stay, then pauses."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._passed = 0
        self._next_ms = 0

    def bite(self) -> bool:
        """Let go of a little. True where there may be more."""
        now_ms = self._hub.clock.wall_ms()
        if self._next_ms - PAUSE_MS <= now_ms < self._next_ms:
            return False
        self._passed = max(self._passed, passed(self._hub.store))
        with self._hub.store.reading() as conn:
            done = conn.scalar(select(pruned.c.seq).where(pruned.c.name == "bodies")) or 0
            bodies = _next(conn, done, self._passed)
            over = self._over_bytes(conn, done) if bodies else 0
            age_ms = SMALL_MS if (conn.scalar(select(func.count()).select_from(centre)) or 0) <= SMALL else LARGE_MS
        old = _until(bodies, now_ms - age_ms)
        shed = [] if old else _as_much_as(bodies, over)
        if old or shed:
            self._hub.store.writer.do(partial(_prune, bodies=old or shed, shed=bool(shed), now_ms=now_ms))
            self._hub.counters.shed.inc(len(shed))
            return True
        if self._hub.store.writer.do(partial(_delete_rows, until=done, before_ms=now_ms - ROW_MS)):
            return True
        self._next_ms = now_ms + PAUSE_MS
        return False

    def _over_bytes(self, conn: Connection, done: int) -> int:
        """By how much the bodies kept are more than there is room for; by a sample, because counting reads them all."""
        last = conn.scalar(select(func.max(inbox.c.seq))) or 0
        step = max(1, (last - done) // _SAMPLES)
        some = select(func.avg(func.length(inbox.c.body))).where(inbox.c.seq.in_(range(done + 1, last + 1, step)))
        held = int((last - done) * float(conn.scalar(some) or 0))
        cap = self._hub.settings.bodies_bytes
        if self._hub.store.folder is not None:
            unused = conn.scalar(text("SELECT freelist_count * page_size FROM pragma_freelist_count, pragma_page_size"))
            cap = min(cap, held + disk_free_bytes(self._hub) + int(unused or 0) - RESERVE_BYTES)
        return held - cap


def passed(store: Store) -> int:
    """The inbox position every reader has passed for good. A cursor that a power cut could move back does not count."""
    with store.reading_ts() as conn:
        seqs = {row.name: row.seq for row in conn.execute(select(ts_cursor.c.name, ts_cursor.c.seq))}
    if store.folder is not None and not _on_disk(store):
        return 0
    with store.reading() as conn:
        seqs |= {row.name: row.seq for row in conn.execute(select(cursor.c.name, cursor.c.seq))}
    return min((seqs.get(name, 0) for name in (READERS | seqs.keys()) - NOT_READERS), default=0)


def _on_disk(store: Store) -> bool:
    """Have everything committed to `ts.db` by now synced: a checkpoint syncs the log before it copies from it."""
    with store.ts.connect() as conn:
        plain = conn.connection.driver_connection
        row = plain.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone() if plain is not None else None
    return row is not None and row[1] == row[2]


def _next(conn: Connection, done: int, until: int) -> list[Body]:
    query = (
        select(inbox.c.seq, inbox.c.received_ms, func.coalesce(func.length(inbox.c.body), 0))
        .where(inbox.c.seq > done, inbox.c.seq <= until)
        .order_by(inbox.c.seq)
        .limit(ROWS_A_JOB)
    )
    return [Body(*row) for row in conn.execute(query)]


def _until(bodies: Sequence[Body], before_ms: int) -> list[Body]:
    """The first of them, as long as they were received before a time."""
    n = next((n for n, body in enumerate(bodies) if body.received_ms >= before_ms), len(bodies))
    return list(bodies[:n])


def _as_much_as(bodies: Sequence[Body], over: int) -> list[Body]:
    """The first of them that hold `over` bytes together."""
    found: list[Body] = []
    while over > 0 and len(found) < len(bodies):
        found.append(bodies[len(found)])
        over -= found[-1].size
    return found


def _prune(conn: Connection, *, bodies: Sequence[Body], shed: bool, now_ms: int) -> None:
    first, last = bodies[0].seq, bodies[-1].seq
    conn.execute(update(inbox).where(inbox.c.seq >= first, inbox.c.seq <= last).values(body=None))
    conn.execute(_MOVE, {"seq": last, "now_ms": now_ms})
    if shed:
        from collector.ingest.ledger import utc_day

        counts = {"batches": len(bodies), "bytes": sum(body.size for body in bodies)}
        conn.execute(_SHED, {"day": utc_day(now_ms)} | counts)


def _delete_rows(conn: Connection, *, until: int, before_ms: int) -> int:
    """Forget rows without a body that no spool can send again, a bounded number; how many went."""
    query = select(inbox.c.seq, inbox.c.received_ms).where(inbox.c.seq <= until).order_by(inbox.c.seq)
    seqs: list[int] = []
    for seq, received_ms in conn.execute(query.limit(ROWS_A_JOB)):
        if received_ms >= before_ms:
            break
        seqs.append(seq)
    if seqs:
        conn.execute(delete(inbox).where(inbox.c.seq <= seqs[-1]))
    return len(seqs)
