"""Agents that come back at once with a backlog, in a process of their own: `bench.returning FILE PORT HOURS`.

FILE is a JSON list of `bench.home.Enrolled`. Each sends as the real sender does: live batches and backlog by turns, as
many a request as the agent's own `Room` says, two seconds between two requests of backlog unless a live batch was cut
meanwhile, and holds back as long as the answer says. Prints
one JSON object a line: `{"backlog_s", "batches"}` once the last of the backlog has its receipt, and `{"live_ms"}` of
every live batch, from when it was cut to its receipt, until it is ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import sys
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from agent.talk.room import Room
from bench.home import Enrolled
from bench.mix import http_head
from bench.week import Week
from wire.client import USER_AGENT, fetch_ca, pinned
from wire.codec import encode_request, pack
from wire.messages import VERSION, Answer, Envelope, WaitAnswer

PACE_S: Final = 2.0
MINUTE_S: Final = 60.0
_ANSWER: Final = msgspec.json.Decoder(Answer)
_WAIT: Final = msgspec.json.Decoder(WaitAnswer)


class Line:
    """One kept connection over TLS; asks again over a new one where it broke."""

    def __init__(self, port: int, tls: ssl.SSLContext) -> None:
        self._port, self._tls = port, tls
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, head: bytes, body: bytes = b"") -> tuple[int, bytes]:
        """The status and the body of the answer. Raises OSError, asyncio.IncompleteReadError."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(
                "127.0.0.1", self._port, ssl=self._tls, server_hostname="localhost"
            )
        reader, writer = self._streams
        try:
            writer.write(head + body)
            await writer.drain()
            first = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(first.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
            return int(first[9:12]), await reader.readexactly(length)
        except (OSError, asyncio.IncompleteReadError):
            self._streams = None
            writer.close()
            raise


@dataclass(slots=True)
class Returning:
    """One agent: `left` numbers of its backlog wait, oldest first; `live` numbers with the moment each was cut."""

    one: Enrolled
    week: Week
    line: Line
    waits: Line
    left: deque[int]
    live: deque[tuple[int, float]] = field(default_factory=deque)
    took_ms: list[float] = field(default_factory=list)
    refused: int = 0
    room: Room = field(default_factory=Room)
    kick: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        turn = False
        while True:
            turn = bool(self.live) and not turn
            cut = dict(self.live) if turn else {}
            numbers = list(cut) if turn else [self.left[n] for n in range(min(self.room.size, len(self.left)))]
            if not numbers:
                await asyncio.sleep(0.05)
                continue
            asked = time.monotonic()
            answer = await self._send(numbers)
            if answer is None:
                self.refused += 1
                await asyncio.sleep(1.0)
                continue
            now = time.monotonic()
            self.room.answered(len(numbers), now - asked)
            for number in numbers:
                (self.live if turn else self.left).popleft()
                if number in cut:
                    self.took_ms.append(1000 * (now - cut[number]))
            if answer.wait_s > 0:
                await asyncio.sleep(answer.wait_s)
            elif self.left:
                await self._pause()

    async def _pause(self) -> None:
        """Between two requests of backlog; a live batch ends it."""
        self.kick.clear()
        if not self.live:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.kick.wait(), PACE_S)

    async def _send(self, numbers: Sequence[int]) -> Answer | None:
        now = time.time()
        wall, mono = round(now * 1000), self.week.mono_ms(now)
        envelope = Envelope(VERSION, self.one.agent, self.week.boot, wall, mono)
        body = await asyncio.to_thread(
            lambda: pack(encode_request(envelope, [self.week.batch(self.one, n) for n in numbers]))
        )
        try:
            status, raw = await self.line.ask(http_head("/api/v1/batches", body, self.one.token), body)
        except (OSError, asyncio.IncompleteReadError):
            return None
        return _ANSWER.decode(raw) if status == 200 else None

    async def cut(self, early_s: float) -> None:
        """A live batch a minute, from a moment of its own on."""
        await asyncio.sleep(early_s)
        number = self.week.last
        while True:
            number += 1
            self.live.append((number, time.monotonic()))
            self.kick.set()
            await asyncio.sleep(MINUTE_S)

    async def be_heard(self) -> None:
        plan = ""
        while True:
            head = (
                f"GET /api/v1/agent/wait?plan={plan}&caps=&running= HTTP/1.1\r\nHost: localhost\r\n"
                f"User-Agent: {USER_AGENT}\r\nAuthorization: Bearer {self.one.token}\r\n\r\n"
            )
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                status, raw = await self.waits.ask(head.encode("ascii"))
                if status == 200:
                    plan = _WAIT.decode(raw).plan_sha256
                    continue
            await asyncio.sleep(1.0)


async def main() -> None:
    known = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=list[Enrolled])
    port, hours = int(sys.argv[2]), float(sys.argv[3])
    tls = pinned(fetch_ca(f"https://127.0.0.1:{port}"))
    week = Week(time.time(), round(hours * 60))
    agents = [Returning(o, week, Line(port, tls), Line(port, tls), deque(range(1, week.last + 1))) for o in known]
    began = time.monotonic()
    running = [asyncio.create_task(work) for a in agents for work in (a.run(), a.be_heard())]
    running += [asyncio.create_task(a.cut(MINUTE_S * n / len(agents))) for n, a in enumerate(agents)]
    told = False
    while True:
        await asyncio.sleep(0.2)
        for task in running:
            if task.done():
                task.result()
        if not told and not any(a.left for a in agents):
            told = True
            _say({
                "backlog_s": time.monotonic() - began, "batches": week.last * len(agents),
                "refused": sum(a.refused for a in agents),
            })  # fmt: skip
        for agent in agents:
            while agent.took_ms:
                _say({"live_ms": agent.took_ms.pop()})


def _say(what: dict[str, float]) -> None:
    sys.stdout.write(msgspec.json.encode(what).decode() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
