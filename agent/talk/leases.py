"""Asking to load a line: a connection of its own, for one probe at a time."""

from __future__ import annotations

import threading
from typing import Final

from wire.client import Client
from wire.messages import LeaseAnswer, LeaseAsk

TIMEOUT_S: Final = 10.0


class Leases:
    """What a probe's `Context.lease` asks. Several lines' probes may ask at once: they take turns."""

    def __init__(self, client: Client) -> None:
        self._client, self._lock = client, threading.Lock()

    def ask(self, ask: LeaseAsk) -> LeaseAnswer:
        """The collector's answer. Raises wire.client.ClientError where it does not give one."""
        with self._lock:
            return self._client.lease(ask)
