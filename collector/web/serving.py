"""How the agents' socket is served: TLS by our own CA, thousands of idle connections, and patience with an end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import resource
from collections.abc import Callable
from typing import Any, Final

import uvicorn
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from collector.hub import Hub
from collector.register.ca import open_authority
from collector.web.app import Parts

HEAD_S: Final = 15.0
IDLE_S: Final = 75
MAX_HEAD_BYTES: Final = 64 * 1024
CONNECTIONS: Final = 16_384

_log = logging.getLogger(__name__)


class Patient(HttpToolsProtocol):
    """uvicorn's protocol, which waits for ever for the first byte and for the last header; this one does not.

    A connection that has sent no complete head `HEAD_S` after it was made, or after it began one, is closed.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._patience: asyncio.TimerHandle | None = None
        self._head_bytes = 0
        self._in_head = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in the base
        super().connection_made(transport)
        self._be_patient()

    def connection_lost(self, exc: Exception | None) -> None:
        self._calm()
        super().connection_lost(exc)

    on_shutdown: Callable[[], None] | None = None

    def shutdown(self) -> None:
        """uvicorn is about to end, and waits for what is under way: parked polls are answered first."""
        if self.on_shutdown is not None:
            self.on_shutdown()
        super().shutdown()

    def data_received(self, data: bytes) -> None:
        if self._in_head or self._patience is not None:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("The head of the request is too large.")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True
        if self._patience is None:
            self._be_patient()

    def on_headers_complete(self) -> None:
        self._calm()
        self._in_head, self._head_bytes = False, 0
        super().on_headers_complete()

    def _be_patient(self) -> None:
        self._patience = self.loop.call_later(HEAD_S, self._lose_patience)

    def _calm(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _lose_patience(self) -> None:
        self._patience = None
        if not self.transport.is_closing():
            self.transport.close()


def protocol(hub: Hub) -> type[Patient]:
    """The protocol for this hub's agents, for `uvicorn.Config(http=…)`."""
    release = Parts.of(hub).waiting.release
    return type("PatientOfHub", (Patient,), {"on_shutdown": staticmethod(release)})


def agents_config(hub: Hub, app: Callable[..., Any]) -> Config:
    """uvicorn's configuration for the agents' socket. Raises CaError."""
    authority = open_authority(hub.settings.home, hub.settings.hosts, hub.clock)
    allow_connections()
    address = hub.settings.agents
    return uvicorn.Config(
        app, host=address.host, port=address.port, http=protocol(hub), ws="none", lifespan="on", log_level="warning",
        access_log=False, server_header=False, date_header=False, proxy_headers=False, timeout_keep_alive=IDLE_S,
        timeout_graceful_shutdown=3, backlog=4096, ssl_certfile=authority.server_cert, ssl_keyfile=authority.server_key,
    )  # fmt: skip


def allow_connections(wanted: int = CONNECTIONS) -> int:
    """Raise this process's limit of open files as far as it may be; what it is now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    reachable = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < reachable:
        with contextlib.suppress(ValueError, OSError):  # a container may forbid it; then it stays as it was
            resource.setrlimit(resource.RLIMIT_NOFILE, (reachable, hard))
    now = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if now < wanted:
        _log.warning("open files are limited: limit=%d wanted=%d", now, wanted)
    return now
