"""The agents' socket as one ASGI application: two bare routes for what is hot, Litestar for the rest.

`POST /api/v1/batches` and `GET /api/v1/agent/wait` are told apart here; everything else has routes, OpenAPI and
exception handlers. Every refusal is a problem document.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from litestar import Litestar, Request, Response, Router
from litestar.exceptions import HTTPException
from litestar.handlers.http_handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin

from collector.api import Reader
from collector.hub import Hub
from collector.ingest.door import Door
from collector.ingest.inbox import Inbox
from collector.leases.door import lease_routes
from collector.leases.keeping import Leases
from collector.loops import Loop
from collector.register.known import Register
from collector.register.notices import Notices
from collector.register.presence import Heartbeats
from collector.register.speaking_from import SpeakingFrom
from collector.web.problems import Receive, Refusal, Scope, Send, refusal_of, send_refusal
from collector.web.readapi import read_routes
from collector.web.routes import plain_routes
from collector.web.waiting import PARK_S, Waiting

_log = logging.getLogger(__name__)

ARRIVE_S: Final = 20.0
MAX_PLAIN_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Parts:
    """What ingest is made of; one set a hub, made once: its loops feed its routes."""

    register: Register
    heartbeats: Heartbeats
    whence: SpeakingFrom
    waiting: Waiting
    door: Door
    leases: Leases
    notices: Notices

    @classmethod
    def of(cls, hub: Hub) -> Parts:
        """The parts of this hub, made at the first call."""
        found = hub.parts.get("ingest")
        if isinstance(found, Parts):
            return found
        register, heartbeats, whence = Register(hub), Heartbeats(hub), SpeakingFrom(hub)
        notices = Notices(hub)
        door = Door(hub, register, Inbox(hub.store), whence, notices)
        waiting = Waiting(hub, register, heartbeats, whence, notices, park_s=0.0 if hub.driven else PARK_S)
        made = hub.parts["ingest"] = cls(register, heartbeats, whence, waiting, door, Leases(hub), notices)
        return made

    def loops(self) -> list[Loop]:
        """What keeps them fresh, with the role `ingest`."""
        found = [self.register.loop(), self.waiting.loop(), self.whence.loop()]
        return [*found, *self.heartbeats.loops(), self.leases.loop(), self.notices.loop()]


class AgentApp:
    """See the module."""

    def __init__(self, parts: Parts, rest: Litestar) -> None:
        self._parts, self._rest = parts, rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path = scope["path"]
            if path == "/api/v1/batches":
                return await self._parts.door(scope, receive, send)
            if path == "/api/v1/agent/wait":
                return await self._parts.waiting(scope, receive, send)
            receive = _patient(receive)
        try:
            await self._rest(scope, receive, send)  # type: ignore[arg-type]  # the same thing under another name
        except Refusal as refusal:  # a body that never ended, above every handler
            await send_refusal(scope, send, refusal)
        return None


def agent_app(hub: Hub, reader: Reader | None = None) -> AgentApp:
    """The application for the agents' socket; without a `reader` the read API answers 404."""
    parts = Parts.of(hub)
    routes: list[HTTPRouteHandler | Router] = [*plain_routes(hub, parts.register)]
    routes += lease_routes(hub, parts.register, parts.leases)
    if reader is not None:
        routes.append(read_routes(hub, reader, parts.register))

    def explain(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
        refusal = refusal_of(_known(error))
        hub.counters.problems.labels(refusal.code).inc()
        if refusal.code == "internal":
            _log.error("request failed: path=%s", request.url.path, exc_info=error)
        headers = refusal.headers()
        media = headers.pop("content-type")
        content = refusal.document(request.url.path)
        return Response(content, status_code=refusal.status, headers=headers, media_type=media)

    rest = Litestar(
        route_handlers=routes,
        exception_handlers={Exception: explain, HTTPException: explain},
        openapi_config=OpenAPIConfig(
            title="motcua collector", version=_version(), path="/api/v1/schema", use_handler_docstrings=True,
            render_plugins=[JsonRenderPlugin(path=["/", "/openapi.json"])],
        ),
        request_max_body_size=MAX_PLAIN_BYTES,
        logging_config=None,
    )  # fmt: skip
    return AgentApp(parts, rest)


def _known(error: Exception) -> Exception:
    """Litestar's own refusals as ours."""
    if not isinstance(error, HTTPException) or error.status_code >= 500:
        return error
    codes = {404: "not_found", 405: "method", 413: "too_large", 401: "token", 403: "not_allowed"}
    extra = error.extra if isinstance(error.extra, list) else []
    detail = "; ".join([error.detail, *(str(part.get("message", part)) for part in extra if isinstance(part, dict))])
    return Refusal(error.status_code, codes.get(error.status_code, "malformed"), detail[:500])


def _patient(receive: Receive) -> Receive:
    """A `receive` that gives up when a request takes too long to arrive."""
    loop = asyncio.get_running_loop()
    until = loop.time() + ARRIVE_S

    async def receive_in_time() -> Any:
        try:
            async with asyncio.timeout_at(max(until, loop.time() + 1)):
                return await receive()
        except TimeoutError:
            detail = f"the body had not arrived after {ARRIVE_S:g} s"
            raise Refusal(408, "too_slow", detail, close=True) from None

    return receive_in_time


def _version() -> str:
    try:
        return version("motcua")
    except PackageNotFoundError:  # run from a checkout that was never installed
        return "0"
