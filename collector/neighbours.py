"""Wake-ups between processes that share one home on SQLite, over datagram sockets in it: a board of its own, a command.

What collector/relay.py is where there is PostgreSQL. Only a hint here as well: every loop looks by itself, so a home
whose path is too long for a socket only wakes later.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import threading
from itertools import count
from pathlib import Path
from typing import Final

from collector.hub import Hub

FOLDER: Final = "bells"
TURN_S: Final = 0.1
"""What is said within a turn is said once: the inbox alone would ring 300 times a second."""

MAX_PENDING: Final = 1_000
MAX_TOPIC: Final = 200

_NUMBERS: Final = count(1)

_log = logging.getLogger(__name__)


class Neighbours:
    """One thread, one socket: says what `hub.wake` says here and wakes here what others say. Use as a context."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._folder = hub.settings.home / FOLDER
        self._mine = self._folder / f"{os.getpid()}-{next(_NUMBERS)}"
        self._pending: set[str] = set()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._socket: socket.socket | None = None

    def __enter__(self) -> Neighbours:
        try:
            self._socket = self._listen()
        except OSError as error:
            _log.warning("wake-ups between processes are late: folder=%s error=%s", self._folder, error)
            return self
        self._hub.relay = self._say_soon
        self._thread = threading.Thread(target=self._run, args=(self._socket,), name="neighbours", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._socket is None or self._thread is None:
            return
        self._hub.relay = None
        self._ended.set()
        self._thread.join()
        self._say(self._socket)
        self._socket.close()
        self._mine.unlink(missing_ok=True)

    def _listen(self) -> socket.socket:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._mine.unlink(missing_ok=True)  # of a process that had this number before
        made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            made.bind(str(self._mine))
        except OSError:
            made.close()
            raise
        made.settimeout(TURN_S)
        return made

    def _say_soon(self, topic: str) -> None:
        with self._lock:
            if len(self._pending) < MAX_PENDING:
                self._pending.add(topic)

    def _run(self, mine: socket.socket) -> None:
        while not self._ended.is_set():
            self._hear(mine)
            self._say(mine)

    def _hear(self, heard: socket.socket) -> None:
        """Wake what was named within a turn; a topic that nobody here waits for wakes nobody."""
        with contextlib.suppress(TimeoutError):
            topic = heard.recv(MAX_TOPIC)
            self._hub.wake_here(topic.decode("utf-8", "replace"))

    def _say(self, mine: socket.socket) -> None:
        with self._lock:
            topics, self._pending = self._pending, set()
        for neighbour in self._neighbours() if topics else ():
            for topic in sorted(topics):
                self._tell(mine, neighbour, topic)

    def _neighbours(self) -> list[Path]:
        with contextlib.suppress(FileNotFoundError):
            return [path for path in self._folder.iterdir() if path != self._mine]
        return []

    def _tell(self, mine: socket.socket, neighbour: Path, topic: str) -> None:
        try:
            mine.sendto(topic.encode()[:MAX_TOPIC], socket.MSG_DONTWAIT, str(neighbour))
        except (ConnectionRefusedError, FileNotFoundError):
            neighbour.unlink(missing_ok=True)  # its process ended without a word
        except OSError as error:  # its queue is full: it looks by itself
            _log.debug("not told: neighbour=%s error=%s", neighbour.name, error)
