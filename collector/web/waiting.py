"""`GET /api/v1/agent/wait`, bare ASGI: a parked poll is heartbeat, task channel, the sign that the plan changed, and
how notices come at once.

A poll that is parked costs a future and a timer; it is answered at once when its agent's topic is woken. One poll an
agent: a newer one releases the older.
"""

from __future__ import annotations

import asyncio
from typing import Final
from urllib.parse import parse_qs

import msgspec

from collector.hub import Hub
from collector.loops import Loop
from collector.register import tasks
from collector.register.known import Known, Register, token_hash
from collector.register.notices import Held, Notices
from collector.register.presence import Heartbeats
from collector.register.speaking_from import SpeakingFrom, peer_of
from collector.web.problems import Receive, Refusal, Scope, Send, refusal_of, send_json, send_refusal
from collector.web.speaking import bearer, speaker
from wire.messages import Task, WaitAnswer

PARK_S: Final = 25.0
LOOK_S: Final = 1.0
MAX_RUNNING: Final = 16
_ENCODER: Final = msgspec.json.Encoder()


class Waiting:
    """The ASGI application of one path."""

    def __init__(
        self, hub: Hub, register: Register, heartbeats: Heartbeats, whence: SpeakingFrom, notices: Notices, *,
        park_s: float = PARK_S,
    ) -> None:  # fmt: skip
        self._hub, self._register, self._heartbeats, self._park_s = hub, register, heartbeats, park_s
        self._whence, self._notices = whence, notices
        self._told: dict[str, Held] = {}  # by agent: the notices of its last answer, where there were any
        self._parked: dict[str, asyncio.Future[bool]] = {}
        self._at: dict[str, str] = {}  # the centre of each agent that polled
        self._hinted: set[str] = set()  # agents for which something may be queued
        self._running: dict[str, frozenset[str]] = {}  # what each last said to be running
        self._ending = False
        self._loop: asyncio.AbstractEventLoop | None = None
        hub.counters.parked.set_function(lambda: len(self._parked))
        hub.on("agent:", self._woken)
        notices.on_change(self._noted)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._loop = asyncio.get_running_loop()
        try:
            answer = await self._answer(scope)
        except Exception as error:  # everything becomes a problem document
            refusal = refusal_of(error)
            self._hub.counters.problems.labels(refusal.code).inc()
            await send_refusal(scope, send, refusal)
            if refusal.code == "internal":
                raise
            return
        await send_json(send, 200, _ENCODER.encode(answer))

    def loop(self) -> Loop:
        """Finds what other processes have queued; wake-ups within this one do not wait for it."""
        return Loop("tasks", "ingest", self._look)

    def release(self) -> None:
        """Answer every poll now, and whatever comes after: the process is about to end. From the event loop."""
        self._ending = True
        for parked in list(self._parked.values()):
            _finish(parked)

    async def _answer(self, scope: Scope) -> WaitAnswer:
        if scope["method"] != "GET":
            raise Refusal(405, "method", "the wait channel is read with GET")
        token = next((bearer(value) for name, value in scope["headers"] if name == b"authorization"), b"")
        known = await speaker(self._register, token)
        now_ms = self._hub.clock.wall_ms()
        self._heartbeats.beat(known.agent, now_ms)
        self._whence.note(known.agent, peer_of(scope), now_ms)
        self._hub.counters.heartbeats.inc()
        asked = _query(scope["query_string"])
        await self._note_running(known.agent, asked.get("running", ""))
        return await self._wait(known, token_hash(token), asked.get("plan", ""))

    async def _wait(self, known: Known, sha256: str, plan: str) -> WaitAnswer:
        """Answer when there is something to say, or nothing after `park_s`."""
        loop, agent, taken = asyncio.get_running_loop(), known.agent, list[Task]()
        until = loop.time() + self._park_s
        while True:
            if agent in self._hinted or plan != known.plan_sha256:
                # The hint goes first: whoever wakes this poll after the look that follows is heard in the next turn.
                # A look at the plan, too: memory may be older than an agent that has just fetched the newest.
                self._hinted.discard(agent)
                known = await speaker_again(self._register, sha256)
                taken = await self._take(agent)
            over = self._ending or loop.time() >= until
            news = self._notices.held(known.centre) != self._told.get(agent, ())
            if taken or over or news or plan != known.plan_sha256:
                return self._say(known, taken)
            self._at[agent] = known.centre
            if agent not in self._hinted and not await self._park(agent, until - loop.time()):
                return self._say(known, [])

    def _say(self, known: Known, taken: list[Task]) -> WaitAnswer:
        held = self._notices.held(known.centre)
        self._told.pop(known.agent, None)
        if held:
            self._told[known.agent] = held
        return WaitAnswer(known.plan_sha256, taken, self._hub.clock.wall_ms(), self._notices.say(held))

    async def _park(self, agent: str, seconds: float) -> bool:
        """Wait to be woken, at most so long. False where nobody did, or where a newer poll of the agent came."""
        loop = asyncio.get_running_loop()
        older = self._parked.pop(agent, None)
        if older is not None:
            _finish(older, False)
        mine: asyncio.Future[bool] = loop.create_future()
        self._parked[agent] = mine
        timer = loop.call_later(seconds, _finish, mine, False)
        try:
            return await mine
        finally:
            timer.cancel()
            if self._parked.get(agent) is mine:
                del self._parked[agent]

    async def _take(self, agent: str) -> list[Task]:
        now_ms = self._hub.clock.wall_ms()
        return await self._hub.store.writer.run(lambda conn: tasks.take(conn, agent, now_ms))

    async def _note_running(self, agent: str, text: str) -> None:
        ids = frozenset(text.split(",")[:MAX_RUNNING]) - {""}
        if ids == self._running.get(agent, frozenset()):
            return
        now_ms = self._hub.clock.wall_ms()
        if ids:
            await self._hub.store.writer.run(lambda conn: tasks.run(conn, agent, sorted(ids), now_ms))
            self._running[agent] = ids
        else:
            self._running.pop(agent, None)

    def _look(self) -> float:
        with self._hub.store.reading() as conn:
            found = tasks.waiting(conn, self._hub.clock.wall_ms())
        for agent in found:
            self._woken(f"agent:{agent}")
        return LOOK_S

    def _woken(self, topic: str) -> None:
        """From any thread: the agent of this topic has something waiting, or another plan."""
        agent = topic.partition(":")[2]
        self._hinted.add(agent)
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._ring, agent)

    def _noted(self) -> None:
        """From any thread: the notices of some centre are others now; polls that they concern are answered."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._ring_all)

    def _ring_all(self) -> None:
        for agent, parked in list(self._parked.items()):
            if self._notices.held(self._at[agent]) != self._told.get(agent, ()):
                _finish(parked)

    def _ring(self, agent: str) -> None:
        if (parked := self._parked.get(agent)) is not None:
            _finish(parked)


async def speaker_again(register: Register, sha256: str) -> Known:
    """The agent of a token that was good when its poll was parked. Raises Refusal 401 where it was revoked since."""
    known = await asyncio.to_thread(register.look_up, sha256)
    if known is None:
        raise Refusal(401, "token", "the token was revoked", "enrol with a new join code")
    return known


def _finish(parked: asyncio.Future[bool], woken: bool = True, /) -> None:
    if not parked.done():
        parked.set_result(woken)


def _query(raw: bytes) -> dict[str, str]:
    """The first value of each name. Raises Refusal."""
    if len(raw) > 4_096:
        raise Refusal(400, "malformed", "the query is longer than 4096 bytes")
    try:
        parsed = parse_qs(raw.decode("latin-1"), max_num_fields=20) if raw else {}
    except ValueError as error:
        raise Refusal(400, "malformed", f"the query cannot be read: {error}") from error
    return {name: values[0] for name, values in parsed.items()}
