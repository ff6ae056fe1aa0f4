"""What keeps a database from taking a write, told from what is wrong with the write itself."""

from __future__ import annotations

import sqlite3
from typing import Final

from collector.api import CollectorError


class Busy(CollectorError):
    """More is waiting to be written than is allowed to wait; nothing was stored, ask again later."""


class Unavailable(CollectorError):
    """The store cannot take a write now; nothing was stored. `reason` is a key of `REASONS`."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(f"{REASONS[reason]}: {text}")
        self.reason = reason


REASONS: Final[dict[str, str]] = {
    "disk_full": "the disk that holds the database is full",
    "read_only": "the database, or the file system below it, is read-only",
    "locked": "another process holds the database",
    "disk_error": "the disk below the database answers with errors",
    "damaged": "the database file is damaged",
    "unreachable": "the database cannot be reached",
    "closed": "the store is being closed",
}

_SQLITE: Final[dict[int, str]] = {
    sqlite3.SQLITE_FULL: "disk_full",
    sqlite3.SQLITE_READONLY: "read_only",
    sqlite3.SQLITE_BUSY: "locked",
    sqlite3.SQLITE_LOCKED: "locked",
    sqlite3.SQLITE_IOERR: "disk_error",
    sqlite3.SQLITE_CORRUPT: "damaged",
    sqlite3.SQLITE_NOTADB: "damaged",
    sqlite3.SQLITE_CANTOPEN: "unreachable",
    sqlite3.SQLITE_PERM: "read_only",
}

# SQLSTATE, whole or by class: https://www.postgresql.org/docs/15/errcodes-appendix.html
_POSTGRESQL: Final[dict[str, str]] = {
    "53100": "disk_full",
    "25006": "read_only",
    "55P03": "locked",
    "57014": "locked",
    "40P01": "locked",
    "08": "unreachable",
    "53": "unreachable",
    "57P": "unreachable",
    "58": "disk_error",
    "XX001": "damaged",
}


def fault_of(error: BaseException) -> str | None:
    """The key of `REASONS` for an error of a driver or of SQLAlchemy; None where the write itself is at fault."""
    error = getattr(error, "orig", None) or error
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", None)
        return None if code is None else _SQLITE.get(code & 0xFF)
    state = getattr(error, "sqlstate", None)
    if isinstance(state, str):
        return next((_POSTGRESQL[state[:n]] for n in (5, 3, 2) if state[:n] in _POSTGRESQL), None)
    # psycopg reports a connection that broke, or was never made, as an OperationalError without a state.
    return "unreachable" if type(error).__name__ in {"OperationalError", "ConnectionTimeout"} else None
