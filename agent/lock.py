"""One agent for one home: a lock that the system gives back whatever ends the process."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import Final

FILE: Final = "agent.lock"


class AlreadyRunning(Exception):
    """Another agent holds this home."""


class HomeLock:
    """Held from the making of this object until `release` or the end of the process. Raises AlreadyRunning."""

    def __init__(self, home: Path) -> None:
        self._handle = _open(home)
        try:
            _lock(self._handle)
        except OSError as error:
            os.close(self._handle)
            raise AlreadyRunning(f"{home}: another agent runs here already") from error

    def release(self) -> None:
        os.close(self._handle)


def _open(home: Path) -> int:
    try:
        return os.open(home / FILE, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        if error.errno not in {errno.EROFS, errno.EACCES, errno.ENOSPC}:
            raise
        # A disk that takes no writing is no reason not to measure; a folder can be locked too.
        return os.open(home, os.O_RDONLY)


if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
