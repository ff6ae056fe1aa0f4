"""Pages first: who asked for a page waits, the readers of the inbox do not.

All threads of a process share one interpreter, so a page of 20 ms takes 60 beside two loops that never pause. They
pause where it costs nothing, between two centres or two jobs, as long as a page is being made, and never for long:
however many pages are asked for, a loop does work of its own between two pauses.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

PATIENCE_S: Final = 0.02
"""The longest pause. A loop that pauses every few milliseconds keeps a fifth of its speed in the worst case."""


class Courtesy:
    """One per process. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._guests = 0
        self._alone = threading.Event()
        self._alone.set()

    @contextmanager
    def guest(self) -> Iterator[None]:
        """Somebody waits for what the block makes."""
        self._count(1)
        try:
            yield
        finally:
            self._count(-1)

    @property
    def is_busy(self) -> bool:
        """Whether somebody waits."""
        return not self._alone.is_set()

    def after_you(self) -> None:
        """Let those who wait go first, for a moment. Not from an event loop, nor from a job of a writer."""
        if self.is_busy:
            self._alone.wait(PATIENCE_S)

    def _count(self, more: int) -> None:
        with self._lock:
            self._guests += more
            (self._alone.clear if self._guests else self._alone.set)()
