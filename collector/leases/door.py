"""`POST /api/v1/leases`: an agent asks to load a line; one writer job, and the answer after its COMMIT."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from litestar import Request, Response, post
from litestar.handlers.http_handlers import HTTPRouteHandler

from collector.hub import Hub
from collector.leases.keeping import Asked, Leases
from collector.register.known import Register
from collector.web.bucket import Bucket
from collector.web.problems import Refusal
from collector.web.speaking import bearer, speaker
from wire.messages import LeaseAsk

_ASK: Final = msgspec.json.Decoder(LeaseAsk)
_ENCODER: Final = msgspec.json.Encoder()
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeError, RecursionError)


def lease_routes(hub: Hub, register: Register, leases: Leases) -> list[HTTPRouteHandler]:
    """The one handler. An agent asks a few times a day for each line; one that asks all the time is slowed."""
    pace = Bucket(burst=40, a_minute=30)

    @post("/api/v1/leases", status_code=200)
    async def lease(request: Request[Any, Any, Any]) -> Response[bytes]:
        """May this line be loaded now (`wire.messages.LeaseAsk`)? The lease, or when to ask again (`LeaseAnswer`)."""
        known = await speaker(register, bearer(request.headers.get("authorization", "").encode("latin-1")))
        wait_s = pace.take(known.agent, hub.clock.mono_ms())
        if wait_s:
            raise Refusal(429, "rate", "this agent asks too often", "ask again later", retry_after_s=int(wait_s) + 1)
        ask = _read(await request.body())
        answer = await hub.store.writer.join(leases, Asked(known.agent, ask))
        hub.counters.leases.labels(answer.why or ("given" if answer.lease else "returned")).inc()
        headers = {"cache-control": "no-store"}
        return Response(_ENCODER.encode(answer), media_type="application/json", headers=headers)

    return [lease]


def _read(body: bytes) -> LeaseAsk:
    try:
        return _ASK.decode(body)
    except msgspec.ValidationError as error:
        raise Refusal(422, "invalid", str(error)[:300]) from error
    except _UNREADABLE as error:
        raise Refusal(400, "malformed", str(error)[:300] or type(error).__name__) from error
