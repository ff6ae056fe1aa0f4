"""Wake-ups between processes over PostgreSQL's LISTEN/NOTIFY. Only a hint: every loop looks by itself as well."""

from __future__ import annotations

import logging
import threading
from typing import Final

import psycopg

from collector.hub import Hub

CHANNEL: Final = "motcua"
TURN_S: Final = 0.1
RETRY_S: Final = 5.0
MAX_PENDING: Final = 1_000

_log = logging.getLogger(__name__)


class Relay:
    """One thread, one connection: sends what `hub.wake` says here and wakes here what others say. Use as a context."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._pending: set[str] = set()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)

    def __enter__(self) -> Relay:
        self._hub.relay = self._send_soon
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._hub.relay = None
        self._ended.set()
        self._thread.join()

    def _send_soon(self, topic: str) -> None:
        with self._lock:
            if len(self._pending) < MAX_PENDING:
                self._pending.add(topic)

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self._talk()
            except psycopg.Error as error:
                _log.warning("wake-ups between processes are late: error=%s", str(error).strip())
                self._ended.wait(RETRY_S)

    def _talk(self) -> None:
        url = self._hub.store.core.url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(url, autocommit=True, connect_timeout=5, application_name="motcua relay") as connection:
            connection.execute(f"LISTEN {CHANNEL}".encode())
            mine = connection.info.backend_pid
            while not self._ended.is_set():
                for note in connection.notifies(timeout=TURN_S):
                    if note.pid != mine:
                        self._hub.wake_here(note.payload)
                with self._lock:
                    topics, self._pending = self._pending, set()
                for topic in topics:
                    connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, topic))
