"""A few threads that run probes. One that hangs is left behind and replaced; leaving the program waits for none."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Final

Work = Callable[[], None]

MAX_LEFT_BEHIND: Final = 32


class Workers:
    """At most `size` threads at work, started as they are needed, and at most MAX_LEFT_BEHIND that hang."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._queue: queue.SimpleQueue[Work] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._alive = self._idle = self._left_behind = 0

    def submit(self, work: Work) -> None:
        """Run `work` as soon as a thread is free. `work` must not raise."""
        self._queue.put(work)
        with self._lock:
            if self._idle < self._queue.qsize():
                self._start_one()

    def leave_behind(self) -> None:
        """One thread hangs: let another take its place, unless MAX_LEFT_BEHIND of them hang already."""
        with self._lock:
            self._left_behind += 1
            if self._queue.qsize():
                self._start_one()

    def came_back(self) -> None:
        """A thread that had been left behind is at work again."""
        with self._lock:
            self._left_behind -= 1

    def left_behind(self) -> int:
        return self._left_behind

    def _at_work(self) -> int:
        return self._alive - min(self._left_behind, MAX_LEFT_BEHIND)

    def _start_one(self) -> None:
        if self._at_work() < self._size:
            self._alive += 1
            # Daemons: a probe stuck in native code must not keep the agent from stopping.
            threading.Thread(target=self._serve, name="probe", daemon=True).start()

    def _serve(self) -> None:
        while True:
            with self._lock:
                if self._at_work() > self._size:
                    self._alive -= 1
                    return
                self._idle += 1
            work = self._queue.get()
            with self._lock:
                self._idle -= 1
            work()
