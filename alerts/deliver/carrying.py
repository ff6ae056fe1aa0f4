"""One message on its way: claim, send, record after the answer. At least once; never again once that is on record.

Between the answer and its record a process may die: then the message goes again, with the same key, by which its
receiver can tell.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection, insert, select, update

from alerts.api import Said
from alerts.channels import ChannelError
from alerts.deliver import cases, rows
from alerts.deliver.figures import Figures
from alerts.deliver.retrying import given_up, pause_s
from alerts.deliver.rows import Row
from alerts.desk import Store
from alerts.dispatch.calling import DEPUTY, OFFICER
from alerts.tables import alert_cursor
from wire.clock import Clock

_log = logging.getLogger(__name__)

CURSOR: Final = "deliver"
_RESTS: Final = msgspec.json.Decoder(dict[str, int])

Send = Callable[[Row], str]
"""What the other side calls it. Raises ChannelError."""


class Carrier:
    """Carries messages by one channel after the other; what a server asked for in patience outlives a restart."""

    def __init__(self, store: Store, clock: Clock, figures: Figures, chance: random.Random) -> None:
        self._store, self._clock, self._figures, self._chance = store, clock, figures, chance
        self._failures: dict[str, int] = {}
        self._lock = threading.Lock()
        self._rests: dict[str, int] | None = None  # read when they are first asked for

    def rests_until(self, channel: str) -> int:
        """Before then nothing is sent by it (UTC ms)."""
        with self._lock:
            if self._rests is None:
                self._rests = self._read_rests()
            return self._rests.get(channel, 0)

    def carry(self, row: Row, send: Send) -> bool:
        """Bring one message. False where the channel does not work now, so that others had better wait."""
        now_ms = self._clock.wall_ms()
        if not self._store.writer.do(lambda conn: rows.claim(conn, row.key, now_ms)):
            return True
        try:
            answer = send(row)
        except ChannelError as error:
            return self._failed(row, error)
        except Exception as error:  # a fault of ours must not stop all other messages
            _log.exception("a message could not be sent: key=%s channel=%s", row.key, row.channel)
            self._failed(row, ChannelError(f"a fault of motcua: {type(error).__name__}: {error}"), rest=False)
            return True
        self._store.writer.do(lambda conn: self._record(conn, row, answer))
        self._figures.sent.labels(row.channel).inc()
        self._failures.pop(row.channel, None)
        return True

    def _record(self, conn: Connection, row: Row, answer: str) -> None:
        now_ms = self._clock.wall_ms()
        for told in rows.sent(conn, row.key, answer, now_ms):
            cases.tell(conn, told.incident, _said(told), now_ms)

    def _failed(self, row: Row, error: ChannelError, *, rest: bool = True) -> bool:
        now_ms = self._clock.wall_ms()
        self._figures.failed.labels(row.channel, "permanent" if error.permanent else "passing").inc()
        if error.permanent or given_up(row.created_ms, now_ms):
            why = str(error) if error.permanent else f"given up after {row.tries + 1} tries: {error}"
            self._store.writer.do(lambda conn: rows.bury(conn, row.key, why))
            _log.warning("dead letter: key=%s channel=%s error=%s", row.key, row.channel, error)
            return error.permanent
        asked_ms = round(1000 * (error.retry_after_s or 0.0))
        until_ms = now_ms + max(asked_ms, round(1000 * pause_s(row.tries + 1, self._chance)))
        if rest:
            self._rest(row.channel, now_ms, asked_ms)
        self._store.writer.do(lambda conn: self._put_off(conn, row, until_ms, str(error)))
        return False

    def _put_off(self, conn: Connection, row: Row, until_ms: int, why: str) -> None:
        rows.put_off(conn, [row.key], until_ms, why)
        with self._lock:
            kept = msgspec.json.encode(self._rests or {}).decode()
        own = update(alert_cursor).where(alert_cursor.c.name == CURSOR)
        now_ms = self._clock.wall_ms()
        if conn.execute(own.values(kept=kept, moved_ms=now_ms).returning(alert_cursor.c.name)).first() is None:
            conn.execute(insert(alert_cursor).values(name=CURSOR, seq=0, moved_ms=now_ms, kept=kept))

    def _rest(self, channel: str, now_ms: int, asked_ms: int) -> None:
        """A channel that fails is left alone for a while, longer every time, and as long as it asks for."""
        with self._lock:
            failures = self._failures[channel] = self._failures.get(channel, 0) + 1
            own_ms = round(1000 * pause_s(failures, self._chance) / 4)
            until_ms = now_ms + max(asked_ms, own_ms)
            held = self._read_rests() if self._rests is None else self._rests
            self._rests = {name: at for name, at in held.items() if at > now_ms} | {channel: until_ms}

    def _read_rests(self) -> dict[str, int]:
        with self._store.reading() as conn:
            kept = conn.scalar(select(alert_cursor.c.kept).where(alert_cursor.c.name == CURSOR))
        return _RESTS.decode(kept) if kept else {}


def _said(row: Row) -> Said:
    if row.audience in {OFFICER, DEPUTY}:
        return Said(f"deliver.told_{row.audience}.{row.kind}", {"channel": row.channel})
    return Said(f"deliver.told.{row.kind}", {"audience": row.audience, "channel": row.channel})


class Rounds:
    """One thread a channel at a time: a server that hangs holds up its own messages and nobody else's."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self._threads: dict[str, threading.Thread] = {}

    def busy(self) -> list[str]:
        """Channels by which messages go at this moment."""
        return [channel for channel, thread in self._threads.items() if thread.is_alive()]

    def start(self, channel: str, ready: Sequence[Row], send: Send) -> None:
        """Bring these one after the other, until one fails for want of the channel."""
        # A daemon: what it had claimed is sent again by the next process, so an end need not wait for a deaf server.
        thread = threading.Thread(target=self._run, args=(ready, send), name=f"deliver-{channel}", daemon=True)
        self._threads[channel] = thread
        thread.start()

    def wait(self, seconds: float) -> None:
        """Wait for those under way, together at most so long."""
        for thread in list(self._threads.values()):
            thread.join(seconds)

    def _run(self, ready: Sequence[Row], send: Send) -> None:
        try:
            for row in ready:
                if not self._carrier.carry(row, send):
                    return
        except Exception:  # the database is away: leases end, and the next turn finds what was left
            _log.exception("a round of messages ended early")
