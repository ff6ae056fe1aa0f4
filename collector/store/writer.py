"""One thread owns the one writing connection: many jobs a COMMIT, a SAVEPOINT each, nobody answered before it returned.

A job is a function of the connection. Its failure is its caller's alone; what fails the transaction fails every job in
it with `Unavailable`, and the next group tries a new connection: the writer recovers without a restart.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Engine

from collector.api import CollectorError
from collector.store import jobs
from collector.store.faults import Busy, Unavailable, fault_of
from collector.store.jobs import Entries, Entry, Together

__all__ = ["Busy", "Together", "Unavailable", "Writer"]

T = TypeVar("T")
A = TypeVar("A")

_log = logging.getLogger(__name__)
# Right after a COMMIT a few jobs that can be done together wait this long for company, in steps: at 300 a second a
# COMMIT would hold one or two and cost more than they do. A writer that has rested commits at once, and a job of a
# loop that does one after the other waits for nobody.
LINGER_S: Final = 0.024
STEP_S: Final = 0.004
COMPANY: Final = 8
_ORDER_KEY: Final = 0x6D_6F_74_63_75_61  # "motcua"


class Writer:
    """The writing side of one database.

    `limit`: jobs that may wait before `Busy`. `group`: jobs a COMMIT. `in_order`: on PostgreSQL an advisory lock is
    taken before the first job of a group and held to its COMMIT, so that ids drawn by jobs appear in commit order and
    a reader by cursor never skips one; SQLite has one writer anyhow.
    """

    def __init__(self, engine: Engine, *, limit: int = 1024, group: int = 256, in_order: bool = True) -> None:
        self._engine, self._group = engine, group
        self._queue: queue.Queue[Entry[Any] | None] = queue.Queue(limit)
        self._limit = limit
        self._lock_first = in_order and engine.dialect.name == "postgresql"
        self._observers: list[Callable[[float, int], None]] = []
        self._connection: Connection | None = None
        self._closed = False
        self._committed_at = 0.0
        self._closing = threading.Lock()
        self.commit_s: deque[float] = deque(maxlen=1024)
        self.fault: str | None = None
        self._thread = threading.Thread(target=self._run, name=f"writer-{engine.url.database}", daemon=True)
        self._thread.start()

    # --- asking -----------------------------------------------------------------------------------------------------

    def submit(self, job: Callable[[Connection], T]) -> Future[T]:
        """Queue a job; the future resolves after COMMIT. Raises Busy, Unavailable."""
        future: Future[T] = Future()
        self._put(Entry(job, future))
        return future

    def do(self, job: Callable[[Connection], T]) -> T:
        """Run a job and wait for its COMMIT. Not from the event loop, nor from within a job."""
        if threading.current_thread() is self._thread:
            raise CollectorError("a job may not wait for another job")
        return self.submit(job).result()

    async def run(self, job: Callable[[Connection], T]) -> T:
        """Run a job from an event loop; returns after COMMIT."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._put(Entry(job, future, loop))
        return await future

    async def join(self, kind: Together[A, T], one: A) -> T:
        """Have `one` done from an event loop, together with its neighbours of the same kind; returns after COMMIT."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._put(Entry(lambda conn: kind.do(conn, [one])[0], future, loop, kind, one))
        return await future

    def after_commit(self, observer: Callable[[float, int], None]) -> None:
        """Have `observer` told of each COMMIT: its seconds and how many jobs it held."""
        self._observers.append(observer)

    @property
    def depth(self) -> int:
        """Jobs that wait."""
        return self._queue.qsize()

    @property
    def load(self) -> float:
        """How full the queue is, 0 to 1."""
        return self._queue.qsize() / self._limit

    def commit_p99_s(self) -> float | None:
        """The 99th of a hundred of the last 1,024 COMMITs; None before the first."""
        ordered = sorted(self.commit_s)
        return ordered[int(len(ordered) * 0.99)] if ordered else None

    def close(self) -> None:
        """Finish what is queued, then let go of the connection. Later jobs are refused."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
        self._queue.put(None)
        self._thread.join()

    def _put(self, entry: Entry[Any]) -> None:
        with self._closing:
            if self._closed:
                raise Unavailable("closed", "no more is written")
            try:
                self._queue.put_nowait(entry)
            except queue.Full:
                raise Busy(f"{self._limit} writes are waiting already") from None

    # --- writing (only in the thread) -------------------------------------------------------------------------------

    def _run(self) -> None:
        last = False
        while not last:
            entries, last = self._collect()
            if entries:
                ready = [entry for entry in entries if entry.make_ready()]
                if ready:
                    self._write(ready)
                jobs.settle(entries)
        self._disconnect()

    def _collect(self) -> tuple[Entries, bool]:
        """What waits, at least one and at most a group; and whether the writer is to end."""
        entries: Entries = []
        entry = self._queue.get()
        if entry is not None and entry.kind is not None:
            self._linger()
        while entry is not None:
            entries.append(entry)
            if len(entries) >= self._group:
                return entries, False
            try:
                entry = self._queue.get_nowait()
            except queue.Empty:
                return entries, False
        return entries, True

    def _linger(self) -> None:
        while self._queue.qsize() + 1 < COMPANY and time.monotonic() < self._committed_at + LINGER_S:
            time.sleep(STEP_S)

    def _write(self, entries: Entries) -> None:
        began = time.monotonic()
        try:
            self._transact(entries)
        except Exception as error:  # whatever it is belongs to the callers; this thread must outlive it
            self._disconnect()
            self._fail(entries, error)
            jobs.undone(entries)
            return
        self._committed_at = time.monotonic()
        spent = self._committed_at - began
        self.fault = None
        self.commit_s.append(spent)
        for observer in self._observers:
            observer(spent, len(entries))

    def _transact(self, entries: Entries) -> None:
        connection = self._connect()
        with connection.begin():
            execute = connection.connection.driver_connection.execute  # type: ignore[union-attr]  # sqlite3 and psycopg alike
            if self._lock_first:
                execute(f"SELECT pg_advisory_xact_lock({_ORDER_KEY})")
            for run in jobs.runs(entries):
                self._attempt(connection, execute, run)

    def _attempt(self, connection: Connection, execute: Callable[[str], object], run: Entries) -> None:
        """Do a run within a savepoint; where it fails, all of it is taken back and each is done by itself."""
        execute("SAVEPOINT job")
        try:
            jobs.do(connection, run)
        except Exception as error:  # carried to the one who asked
            if fault_of(error):
                raise
            execute("ROLLBACK TO SAVEPOINT job")
            execute("RELEASE SAVEPOINT job")
            jobs.undone(run)
            if len(run) == 1:
                run[0].error = error
            else:
                for entry in run:
                    self._attempt(connection, execute, [entry])
        else:
            execute("RELEASE SAVEPOINT job")

    def _fail(self, entries: Entries, error: Exception) -> None:
        reason = fault_of(error)
        if reason is not None and reason != self.fault:
            _log.error("write failed: reason=%s jobs=%d error=%s", reason, len(entries), error)
        elif reason is None:
            _log.exception("write failed: jobs=%d", len(entries), exc_info=error)
        self.fault = reason or "unreachable"
        text = str(getattr(error, "orig", None) or error)[:200]
        for entry in entries:
            entry.error = Unavailable(self.fault, text) if entry.error is None else entry.error

    def _connect(self) -> Connection:
        if self._connection is None:
            self._connection = self._engine.connect().execution_options(motcua_writes=True)
        return self._connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(Exception):  # it is given up either way
                connection.invalidate()
            with contextlib.suppress(Exception):
                connection.close()
