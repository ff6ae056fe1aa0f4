"""`POST /api/v1/batches`, bare ASGI: who speaks, what they bring, one writer job, and receipts after its COMMIT."""

from __future__ import annotations

import asyncio
import random
from typing import Final

import msgspec

from collector.hub import Hub
from collector.ingest.arriving import check_head, read_body, read_head
from collector.ingest.inbox import Inbox, Settled
from collector.ingest.parcels import Arrival
from collector.register.known import Known, Register
from collector.register.notices import Notices
from collector.register.speaking_from import SpeakingFrom, peer_of
from collector.web.problems import Headers, Receive, Refusal, Scope, Send, refusal_of, send_json, send_refusal
from collector.web.speaking import speaker
from wire.messages import MAX_COMPRESSED_BYTES, Answer

MAX_ARRIVING_BYTES: Final = 128 * 1024 * 1024  # of requests that are on their way in at one moment
LARGE_BYTES: Final = 32 * 1024  # compressed; what is larger holds up nobody else while it is read
WAKE_S: Final = 0.1  # readers of the inbox are woken at most so often
EASY_LOAD: Final = 0.25
MAX_WAIT_S: Final = 30.0

_ENCODER: Final = msgspec.json.Encoder()


class Door:
    """The ASGI application of one path."""

    def __init__(self, hub: Hub, register: Register, inbox: Inbox, whence: SpeakingFrom, notices: Notices) -> None:
        self._hub, self._register, self._inbox, self._whence = hub, register, inbox, whence
        self._notices = notices
        self._clock, self._writer = hub.clock, hub.store.writer
        self._arriving = 0
        self._waking = False
        self._stored = hub.counters.batches.labels("stored")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        received_ms = self._clock.wall_ms()  # uvicorn calls when the request's headers are complete
        try:
            body, headers = await self._answer(scope, receive, received_ms)
        except ConnectionError:
            return
        except Exception as error:  # everything becomes a problem document
            refusal = refusal_of(error)
            self._hub.counters.problems.labels(refusal.code).inc()
            await send_refusal(scope, send, refusal)
            if refusal.status >= 500 and refusal.code == "internal":
                raise
            return
        await send_json(send, 200, body, headers)

    async def _answer(self, scope: Scope, receive: Receive, received_ms: int) -> tuple[bytes, Headers]:
        if scope["method"] != "POST":
            raise Refusal(405, "method", "batches are posted")
        head = read_head(scope)
        known = await speaker(self._register, head.token)
        self._whence.note(known.agent, peer_of(scope), received_ms)
        unpack = check_head(head)
        expected = MAX_COMPRESSED_BYTES if head.length is None else head.length
        if self._arriving + expected > MAX_ARRIVING_BYTES:
            raise Refusal(503, "busy", "too much is arriving at once", "ask again later", retry_after_s=2, close=True)
        self._arriving += expected
        try:
            body = await read_body(receive)
            arrival = Arrival(known, body, unpack, packed=head.encoding == b"gzip", received_ms=received_ms)
            if len(body) > LARGE_BYTES:
                await asyncio.to_thread(arrival.read)
            settled = await self._writer.join(self._inbox, arrival)
        finally:
            self._arriving -= expected
        return self._receipt(settled, known), []

    def _receipt(self, settled: Settled, known: Known) -> bytes:
        self._count(settled)
        self._wake(settled)
        if settled.conflicting:
            first = settled.conflicting[0]
            raise Refusal(
                409, "batch_conflict", f"batch {first.batch} of spool {first.epoch} was stored with another body",
                "two machines use one identity, or a spool was copied: enrol one of them anew",
                receipts=settled.receipts,
            )  # fmt: skip
        told = self._notices.say(self._notices.held(known.centre))
        return _ENCODER.encode(Answer(settled.receipts, self._clock.wall_ms(), self._wait_s(), told))

    def _wait_s(self) -> float:
        """How long a sender is asked to hold back: nothing until the queue fills, then longer and longer."""
        load = self._writer.load
        if load <= EASY_LOAD:
            return 0.0
        longest = 1 + (MAX_WAIT_S - 1) * (load - EASY_LOAD) / (1 - EASY_LOAD)
        return round(longest * random.uniform(0.5, 1.0), 1)  # noqa: S311  # spreads load, guards nothing

    def _count(self, settled: Settled) -> None:
        counters, counted = self._hub.counters, settled.counted
        self._stored.inc(counted.batches)
        counters.accepted.inc(counted.accepted)
        if counted.duplicates:
            counters.batches.labels("duplicate").inc(counted.duplicates)
        if counted.conflicts:
            counters.batches.labels("conflict").inc(counted.conflicts)
        for code, number in settled.refused.items():
            counters.rejected.labels(code).inc(number)

    def _wake(self, settled: Settled) -> None:
        if settled.counted.batches and not self._waking:
            self._waking = True
            asyncio.get_running_loop().call_later(WAKE_S, self._wake_now)

    def _wake_now(self) -> None:
        self._waking = False
        self._hub.wake("inbox")
