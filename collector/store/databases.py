"""The two databases of a collector and the ways in: a writer each, readers as many as are needed.

SQLite: `core.db` (WAL, synchronous=FULL) and `ts.db` (WAL, synchronous=NORMAL) in a folder. PostgreSQL: one database
for both (synchronous_commit=on).
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from collector.api import CollectorError
from collector.store.writer import Writer
from wire.clock import Clock

_log = logging.getLogger(__name__)

BUSY_MS: Final = 3_000
_OWNERS: Final = 0x6D6F  # the class of our advisory locks that name loops


class StoreError(CollectorError):
    """A store that cannot be opened; the text names what and the remedy."""


@dataclass(slots=True)
class Store:
    """`core` holds primary data, `ts` history with its cursor; on PostgreSQL both are the same engine."""

    core: Engine
    ts: Engine
    clock: Clock
    writer: Writer
    ts_writer: Writer
    folder: Path | None  # where the SQLite files are
    _owned: set[str] = field(default_factory=set)
    _owner: Connection | None = None
    _owning: threading.Lock = field(default_factory=threading.Lock)

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self.core.dialect.name

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one moment of the primary data. Writers are never blocked by it."""
        with _snapshot(self.core) as connection:
            yield connection

    @contextlib.contextmanager
    def reading_ts(self) -> Iterator[Connection]:
        """The same for history."""
        with _snapshot(self.ts) as connection:
            yield connection

    def own(self, name: str) -> bool:
        """Whether this process owns the single-owner loop `name` now. Ask before every step; ownership may be lost.

        On PostgreSQL a session's advisory lock says so, gone with the connection; on SQLite the lock on the home does.
        """
        if self.dialect != "postgresql":
            return True
        with self._owning:
            try:
                return self._still_owns(name)
            except DBAPIError as error:
                _log.warning("ownership lost: loop=%s error=%s", name, error.orig)
                self._release()
                return False

    def _still_owns(self, name: str) -> bool:
        if self._owner is None or self._owner.closed:
            self._owned.clear()
            self._owner = self.core.connect().execution_options(isolation_level="AUTOCOMMIT")
        if name in self._owned:
            return bool(self._owner.execute(text("SELECT true")).scalar())
        query = text("SELECT pg_try_advisory_lock(:kind, hashtext(:name))")
        if not self._owner.execute(query, {"kind": _OWNERS, "name": name}).scalar():
            return False
        self._owned.add(name)
        return True

    def _release(self) -> None:
        owner, self._owner = self._owner, None
        self._owned.clear()
        if owner is not None:
            with contextlib.suppress(SQLAlchemyError):  # at once, where the server still listens
                owner.execute(text("SELECT pg_advisory_unlock_all()"))
            with contextlib.suppress(SQLAlchemyError):  # the locks go with the connection, whatever it says
                owner.invalidate()
                owner.close()

    def close(self) -> None:
        """Finish what is queued and let go of every connection."""
        self.writer.close()
        self.ts_writer.close()
        with self._owning:
            self._release()
        self.core.dispose()
        self.ts.dispose()


def open_store(url: str | Path, clock: Clock) -> Store:
    """Open a store: a folder for SQLite, or `postgresql+psycopg://…`. Raises StoreError."""
    if isinstance(url, str) and "://" in url:
        return _open_postgresql(url, clock)
    folder = Path(url)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{folder}: cannot be made: {error.strerror}") from error
    core = _sqlite(folder / "core.db", "FULL")
    ts = _sqlite(folder / "ts.db", "NORMAL")
    return Store(core, ts, clock, Writer(core), Writer(ts), folder)


def migrate(store: Store) -> None:
    """Bring both databases to the newest form; nothing happens where they are. Raises StoreError."""
    from collector.store.migrations import upgrade  # Alembic costs a third of a second, and only this needs it

    upgrade(store)


def _open_postgresql(url: str, clock: Clock) -> Store:
    parsed = make_url(url)
    if parsed.drivername not in {"postgresql", "postgresql+psycopg"}:
        raise StoreError(f"a database of the kind {parsed.drivername} is not known; use postgresql+psycopg://…")
    engine = create_engine(
        parsed.set(drivername="postgresql+psycopg"),
        pool_size=10, max_overflow=20, pool_pre_ping=True, pool_timeout=10,
        connect_args={
            "connect_timeout": 5, "application_name": "motcua", "keepalives_idle": 10, "keepalives_interval": 5,
            "keepalives_count": 3,
            # A writer that vanished must not hold the order lock for ever, nor one that hangs hold up the others.
            "options": "-c synchronous_commit=on -c lock_timeout=5000 -c idle_in_transaction_session_timeout=60000",
        },
    )  # fmt: skip
    return Store(engine, engine, clock, Writer(engine), Writer(engine, in_order=False), None)


def _sqlite(path: Path, synchronous: str) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        poolclass=QueuePool, pool_size=8, max_overflow=24, pool_timeout=10,
        connect_args={"check_same_thread": False, "timeout": BUSY_MS / 1000},
    )  # fmt: skip

    @event.listens_for(engine, "connect")
    def _prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        assert isinstance(connection, sqlite3.Connection)  # noqa: S101  # what create_engine was told
        connection.isolation_level = None  # BEGIN is said by us, below
        for pragma in (
            f"busy_timeout={BUSY_MS}", "journal_mode=WAL", f"synchronous={synchronous}", "foreign_keys=ON",
            "wal_autocheckpoint=2000", "journal_size_limit=67108864", "temp_store=MEMORY",
        ):  # fmt: skip
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A writer that begins as a reader would fail instead of wait when another process writes.
        writes = connection.get_execution_options().get("motcua_writes")
        if writes:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            return
        # By the driver itself, which cannot refuse it: a page begins dozens of times, and the way round costs the most.
        held = connection.connection.driver_connection
        assert isinstance(held, sqlite3.Connection)  # noqa: S101  # what create_engine was told
        held.execute("BEGIN").close()

    return engine


@contextlib.contextmanager
def _snapshot(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as plain:
        connection = plain
        if engine.dialect.name == "postgresql":
            connection = plain.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with connection.begin():
            yield connection
