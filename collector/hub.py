"""What the parts of a collector share: the store, the clock, the settings, counters, and wake-ups between them.

A wake-up says "look again", never what changed: it may come too often or be lost, so every loop looks by itself from
time to time. Topics: `inbox`, `flips`, `register`, `notices`, `agent:<id>`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from collector.counters import Counters
from collector.courtesy import Courtesy
from collector.settings import Settings
from collector.store.databases import Store
from wire.clock import Clock

__all__ = ["Bell", "Hub"]

Listener = Callable[[str], None]


class Bell:
    """Where one thread waits for a topic; a ring while nobody waits is kept, several are one."""

    def __init__(self) -> None:
        self._rung, self._over = threading.Event(), threading.Event()

    def ring(self, _topic: str = "") -> None:
        self._rung.set()

    def wait(self, timeout_s: float) -> bool:
        """Wait for a ring, at most `timeout_s`. True where it rang."""
        rung = self._rung.wait(timeout_s)
        self._rung.clear()
        return rung

    def rest(self, seconds: float) -> None:
        """Wait whoever rings, until the time is over or the end has come."""
        self._over.wait(seconds)

    @property
    def ended(self) -> bool:
        """Whether the one who waits is to go home."""
        return self._over.is_set()

    def end(self) -> None:
        """Tell the one who waits to go home."""
        self._over.set()
        self._rung.set()


class Hub:
    """One per process. `failing`: loops whose last step failed, with how often in a row."""

    def __init__(self, store: Store, clock: Clock, settings: Settings) -> None:
        self.store, self.clock, self.settings = store, clock, settings
        self.counters: Final = Counters(store)
        self.courtesy: Final = Courtesy()
        self.failing: dict[str, int] = {}
        self.driven = False  # a replay moves the clock, and calls the loops' steps itself: nothing waits by itself
        self.roles: tuple[str, ...] = ()  # what this process does, as it was started
        self.parts: dict[str, object] = {}  # what a role makes once a process, by its name
        self.relay: Listener | None = None  # carries wake-ups to other processes; see collector/relay.py
        self._listeners: dict[str, list[Listener]] = {}
        self._lock = threading.Lock()

    def on(self, topic: str, call: Listener) -> Callable[[], None]:
        """Have `call(topic)` called at every wake-up, in the waker's thread: it must be quick. Returns how to stop.

        A topic that ends in `:` stands for all that begin with it.
        """
        with self._lock:
            self._listeners.setdefault(topic, []).append(call)

        def stop() -> None:
            with self._lock:
                self._listeners[topic].remove(call)

        return stop

    def bell(self, topic: str | None) -> Bell:
        """A bell rung by `topic`; by nothing where it is None."""
        bell = Bell()
        if topic is not None:
            self.on(topic, bell.ring)
        return bell

    def wake(self, topic: str) -> None:
        """Wake who waits for `topic`, here and in other processes. From any thread; call it after COMMIT."""
        self.wake_here(topic)
        if self.relay is not None:
            self.relay(topic)

    def wake_here(self, topic: str) -> None:
        """Wake who waits in this process."""
        kind, colon, _ = topic.partition(":")
        with self._lock:
            found = [*self._listeners.get(topic, ()), *(self._listeners.get(kind + colon, ()) if colon else ())]
        for call in found:
            call(topic)
