"""The spool's file: how it is opened, checked, and set aside where it is damaged.

SpoolError
├── Unwritable   the disk is full, read-only, gone or busy: try again later
└── Damaged      the file is no longer a sound database: only a new one helps
"""

from __future__ import annotations

import sqlite3
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from agent.files import sync_folder

FILE: Final = "spool.db"
SCHEMA_VERSION: Final = 1
KEEP_DAMAGED: Final = 2

# `body` stands last: SQLite then reads the columns before it without touching the pages it overflows to.
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS fresh (
    id INTEGER PRIMARY KEY, boot TEXT NOT NULL, vals INTEGER NOT NULL, line BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS batch (
    number INTEGER PRIMARY KEY AUTOINCREMENT, boot TEXT NOT NULL, made_ms INTEGER NOT NULL, items INTEGER NOT NULL,
    vals INTEGER NOT NULL, size INTEGER NOT NULL, tried INTEGER NOT NULL DEFAULT 0, aside TEXT, sha256 BLOB NOT NULL,
    thinned INTEGER NOT NULL DEFAULT 0, body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS batch_age ON batch (aside, made_ms);
CREATE INDEX IF NOT EXISTS batch_tried ON batch (number) WHERE tried AND aside IS NULL;
CREATE TABLE IF NOT EXISTS task (
    id TEXT PRIMARY KEY, made_ms INTEGER NOT NULL, boot TEXT NOT NULL, done INTEGER NOT NULL DEFAULT 0,
    line BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS proved (number INTEGER PRIMARY KEY, sha256 BLOB NOT NULL);
"""

_DAMAGE: Final = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT}


class SpoolError(Exception):
    """Root of what can go wrong with the spool."""


class Unwritable(SpoolError):
    """Nothing can be kept just now; what is in the file already is safe."""


class Damaged(SpoolError):
    """The file cannot be used any more."""


@contextmanager
def told_apart() -> Iterator[None]:
    """Turn SQLite's errors into the two kinds that call for different acts."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in _DAMAGE or isinstance(error, sqlite3.IntegrityError):
            raise Damaged(str(error)) from error
        if isinstance(error, sqlite3.OperationalError):
            raise Unwritable(str(error)) from error
        raise


def connect(path: Path, *, check: bool) -> sqlite3.Connection:
    """Open the spool at `path`, or make it with a new epoch; `check` reads all of it. Raises SpoolError."""
    with told_apart():
        # One connection, shared by threads under the keeper's lock; transactions are begun and ended by hand.
        db = sqlite3.connect(path, timeout=2.0, isolation_level=None, check_same_thread=False)
        try:
            _prepare(db, check=check)
        except BaseException:
            db.close()
            raise
    try:
        path.chmod(0o600)
        sync_folder(path.parent)
    except OSError as error:
        db.close()
        raise Unwritable(f"{path}: {error.strerror}") from error
    return db


def _prepare(db: sqlite3.Connection, *, check: bool) -> None:
    db.execute("PRAGMA auto_vacuum=INCREMENTAL")
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("PRAGMA cache_size=-512")
    db.execute("PRAGMA wal_autocheckpoint=256")
    db.execute("PRAGMA journal_size_limit=1048576")
    found = db.execute("PRAGMA quick_check(1)").fetchone()[0] if check else "ok"
    if found != "ok":
        raise Damaged(f"quick_check: {found}")
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version not in {0, SCHEMA_VERSION}:
        raise Damaged(f"a spool of version {version}, which this agent does not know")
    db.execute("BEGIN IMMEDIATE")
    for statement in _SCHEMA.split(";")[:-1]:
        db.execute(statement)
    db.execute("INSERT OR IGNORE INTO meta VALUES ('epoch', ?)", (str(uuid.uuid4()),))
    db.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
    db.execute("COMMIT")


def set_aside(path: Path, wall_ms: int) -> Path:
    """Rename a damaged spool with the date, for whoever wants to look; only the newest few are kept. Raises OSError."""
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime(wall_ms / 1000))
    aside = path.with_name(f"{path.stem}-damaged-{stamp}-{uuid.uuid4().hex[:6]}{path.suffix}")
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    path.replace(aside)
    sync_folder(path.parent)
    older = sorted(path.parent.glob(f"{path.stem}-damaged-*{path.suffix}"), key=lambda p: p.stat().st_mtime_ns)
    for old in older[:-KEEP_DAMAGED]:
        old.unlink(missing_ok=True)
    return aside
