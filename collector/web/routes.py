"""What agents ask seldom: the CA, enrolment, their plan; and what watchers ask: health, readiness, metrics."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers.http_handlers import HTTPRouteHandler

from collector import health
from collector.hub import Hub
from collector.register import enrolment, plans
from collector.register.ca import open_authority
from collector.register.known import Register
from collector.web.bucket import Bucket
from collector.web.problems import Refusal
from collector.web.speaking import bearer, speaker
from wire.messages import Enrol, Plan

Ask = Request[Any, Any, Any]

_ENROL: Final = msgspec.json.Decoder(Enrol)
MOST: Final = 20_000
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeError, RecursionError)
_SPENT: Final = {"join_code": 403, "join_role": 403, "join_spent": 403, "bad_key": 422, "bad_text": 422}


def plain_routes(hub: Hub, register: Register) -> list[HTTPRouteHandler]:
    """The handlers; the CA is read once, when they are made."""
    return [*_agent_routes(hub, register), *_health_routes(hub)]


def _agent_routes(hub: Hub, register: Register) -> list[HTTPRouteHandler]:
    pem = open_authority(hub.settings.home, hub.settings.hosts, hub.clock).pem
    one, all_together = Bucket(burst=10, a_minute=10), Bucket(burst=100, a_minute=300)
    if hub.settings.simulated:  # a whole province enrols from one address, with codes that guard nothing
        one, all_together = Bucket(burst=MOST, a_minute=MOST), Bucket(burst=MOST, a_minute=MOST)

    @get("/api/v1/ca", media_type="application/x-pem-file", sync_to_thread=False)
    def ca() -> bytes:
        """The certificate to compare with the join code, and to pin."""
        return pem

    @post("/api/v1/enrol", status_code=200)
    async def enrol(request: Ask) -> Response[bytes]:
        """Spend a join code (`wire.messages.Enrol`) and become an agent (`Enrolled`)."""
        mono_ms = hub.clock.mono_ms()
        client = request.client.host if request.client else ""
        wait_s = one.take(client, mono_ms) or all_together.take("", mono_ms)
        if wait_s:
            raise Refusal(429, "rate", "too many attempts to enrol", "ask again later", retry_after_s=int(wait_s) + 1)
        word = _read_word(request, await request.body())
        try:
            made = await hub.store.writer.run(lambda conn: enrolment.enrol(conn, word, hub.clock.wall_ms()))
        except enrolment.BadCode as error:
            remedy = "have a new join code made: motcua collector join-code"
            raise Refusal(_SPENT[error.code], error.code, str(error), remedy) from error
        hub.counters.enrolled.inc()
        hub.wake("register")
        return _json(msgspec.json.encode(made))

    @get("/api/v1/plan")
    async def plan(request: Ask) -> Response[bytes]:
        """What this agent is to measure (`wire.messages.Plan`); `sha256` is over the bytes of `items`."""
        known = await speaker(register, bearer(request.headers.get("authorization", "").encode("latin-1")))
        return _json(msgspec.json.encode(await asyncio.to_thread(_plan_of, hub, known.agent)))

    return [ca, enrol, plan]


def _health_routes(hub: Hub) -> list[HTTPRouteHandler]:
    @get("/healthz", sync_to_thread=False)
    def healthz() -> dict[str, str]:
        """The process answers; nothing else is said."""
        return {"status": "ok"}

    @get("/readyz", sync_to_thread=True)
    def readyz() -> Response[bytes]:
        """A write was committed just now, or the reason why batches cannot be taken."""
        ready = health.readiness(hub)
        if ready.reason is not None:
            remedy = "free or repair what is named; no restart is needed"
            raise Refusal(503, ready.reason, ready.detail, remedy, retry_after_s=5)
        return _json(msgspec.json.encode({"status": "ready", "failing": ready.failing}))

    @get("/metrics", sync_to_thread=True)
    def metrics() -> Response[bytes]:
        """The collector's own numbers, text exposition."""
        return Response(health.metrics(hub), media_type="text/plain; version=0.0.4; charset=utf-8")

    return [healthz, readyz, metrics]


def _read_word(request: Ask, body: bytes) -> Enrol:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refusal(415, "content_type", "the content type is not application/json", "send application/json")
    try:
        return _ENROL.decode(body)
    except msgspec.ValidationError as error:
        raise Refusal(422, "invalid", str(error)[:300]) from error
    except _UNREADABLE as error:
        raise Refusal(400, "malformed", str(error)[:300] or type(error).__name__) from error


def _plan_of(hub: Hub, agent: str) -> Plan:
    with hub.store.reading() as conn:
        return plans.in_force(conn, agent)


def _json(body: bytes) -> Response[bytes]:
    return Response(body, media_type="application/json", headers={"cache-control": "no-store"})
