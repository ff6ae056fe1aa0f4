"""Holds the spool open for everybody: one at a time, opened again after trouble, replaced where it is damaged."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from agent.lifetime import LifetimeFile
from agent.log import warn
from agent.spool.file import Damaged, Unwritable, set_aside
from agent.spool.queue import Spool
from wire.clock import Clock

T = TypeVar("T")

REOPEN_AFTER: Final = 3  # failures in a row; a file that was deleted or remounted needs a new handle


class Keeper:
    """The spool file at `path`, or the one that took its place."""

    def __init__(self, path: Path, *, clock: Clock, boot_id: str, lifetime: LifetimeFile) -> None:
        self._path, self._clock, self._boot_id, self._lifetime = path, clock, boot_id, lifetime
        self._lock = threading.RLock()
        self._spool: Spool | None = None
        self._failures = self._file = 0

    def use(self, work: Callable[[Spool], T]) -> T:
        """Do `work` with the spool. Raises Unwritable; a damaged file is set aside and `work` done on a new one."""
        with self._lock:
            try:
                done = self._try(work)
            except Damaged as error:
                self._replace(error)
                done = self._try_new(work)
            self._failures = 0
            return done

    def close(self) -> None:
        with self._lock:
            if self._spool is not None:
                self._spool.close()
                self._spool = None

    def _try(self, work: Callable[[Spool], T]) -> T:
        try:
            return work(self._open())
        except Unwritable as error:
            self._failures += 1
            if self._failures == 1:
                warn("spool_unwritable", path=str(self._path), error=str(error))
            if self._failures % REOPEN_AFTER == 0:
                self.close()
            raise

    def _open(self) -> Spool:
        if self._spool is not None and not self._is_there():
            # A deleted file takes writes without complaint and keeps nothing.
            self.close()
            self._lifetime.count_reset()
            warn("spool_vanished", path=str(self._path))
        if self._spool is None:
            known = self._is_there()  # opened again after trouble with the disk: what was sound is not read again
            self._spool = Spool(self._path, clock=self._clock, boot_id=self._boot_id, check=not known)
            self._file = self._path.stat().st_ino
        return self._spool

    def _is_there(self) -> bool:
        try:
            return self._path.stat().st_ino == self._file
        except OSError:
            return False

    def _try_new(self, work: Callable[[Spool], T]) -> T:
        try:
            return self._try(work)
        except Damaged as error:  # a disk that garbles what was written this moment
            raise Unwritable(f"a new spool is damaged at once: {error}") from error

    def _replace(self, why: Damaged) -> None:
        self.close()
        self._file = 0
        try:
            aside = set_aside(self._path, self._clock.wall_ms())
        except OSError as error:
            raise Unwritable(f"{self._path}: damaged, and cannot be set aside: {error.strerror}") from error
        self._lifetime.count_reset()
        warn("spool_reset", error=str(why), aside=str(aside))
