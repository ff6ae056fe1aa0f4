"""HTTPS to the collector for hundreds of agents at once: asyncio, the pinned CA, one kept connection after another.

`wire.client` holds a thread for every conversation; a simulated province holds thousands of them in one loop. The
messages are the same structs, and nothing but the contract is spoken.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from typing import Final, TypeVar
from urllib.parse import urlsplit

import msgspec

from simulator.errors import Broken
from wire.codec import encode_request, pack
from wire.messages import Answer, Enrol, Enrolled, Envelope, Plan, PlanItem, Problem, WaitAnswer

M = TypeVar("M")

ANSWER_S: Final = 40.0
LARGEST: Final = 4 * 1024 * 1024
_ITEMS: Final = msgspec.json.Decoder(list[PlanItem])
_ENCODER: Final = msgspec.json.Encoder()


class Refused(Broken):
    """The collector answered, and the answer is no."""

    def __init__(self, status: int, problem: Problem, retry_after_s: float) -> None:
        super().__init__(f"the collector answers {status} {problem.title}: {problem.detail}")
        self.status, self.problem, self.retry_after_s = status, problem, retry_after_s


class Connection:
    """One kept connection; one request at a time. Raises Broken, or Refused."""

    def __init__(self, url: str, tls: ssl.SSLContext) -> None:
        parts = urlsplit(url)
        self._host, self._port, self._tls = parts.hostname or "", parts.port or 443, tls
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    def close(self) -> None:
        """Hang up."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def enrol(self, word: Enrol) -> Enrolled:
        body = _ENCODER.encode(word)
        return await self._ask("POST /api/v1/enrol", "", Enrolled, body, "Content-Type: application/json\r\n")

    async def plan(self, token: str) -> tuple[str, list[PlanItem]]:
        """The plan in force: its hash and its items."""
        plan = await self._ask("GET /api/v1/plan", token, Plan)
        return plan.sha256, _ITEMS.decode(plan.items)

    async def wait(self, token: str, plan_sha256: str) -> WaitAnswer:
        """The long poll: heartbeat, tasks, and whether the plan changed."""
        return await self._ask(f"GET /api/v1/agent/wait?plan={plan_sha256}", token, WaitAnswer)

    async def post(self, token: str, envelope: Envelope, batches: list[bytes]) -> Answer:
        """Send batches."""
        packed = pack(encode_request(envelope, batches))
        headers = "Content-Type: application/x-ndjson\r\nContent-Encoding: gzip\r\n"
        return await self._ask("POST /api/v1/batches", token, Answer, packed, headers)

    # --- one request ------------------------------------------------------------------------------------------------

    async def _ask(self, call: str, token: str, kind: type[M], body: bytes = b"", headers: str = "") -> M:
        bearer = f"Authorization: Bearer {token}\r\n" if token else ""
        head = (
            f"{call} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\nUser-Agent: motcua-simulator\r\n"
            f"{bearer}{headers}Content-Length: {len(body)}\r\n\r\n"
        )
        status, answer, after_s = await self._exchange(head.encode() + body)
        try:
            if status >= 300:
                raise Refused(status, msgspec.json.decode(answer, type=Problem), after_s)
            return msgspec.json.decode(answer, type=kind)
        except msgspec.MsgspecError as error:
            raise Broken(f"{call}: an answer that is not of the contract: {error}") from error

    async def _exchange(self, request: bytes) -> tuple[int, bytes, float]:
        """One request, begun anew once where the other side had closed the kept connection in the meantime."""
        kept = self._streams is not None
        try:
            async with asyncio.timeout(ANSWER_S):
                return await self._once(request)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:  # TimeoutError is an OSError
            self.close()
            if not kept or isinstance(error, TimeoutError):
                raise Broken(f"{self._host}:{self._port}: {str(error) or type(error).__name__}") from error
        except asyncio.CancelledError:
            self.close()
            raise
        return await self._exchange(request)

    async def _once(self, request: bytes) -> tuple[int, bytes, float]:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port, ssl=self._tls)
        reader, writer = self._streams
        writer.write(request)
        await writer.drain()
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length, after_s = int(_header(head, "content-length") or 0), float(_header(head, "retry-after") or 0)
        if length > LARGEST:
            raise Broken(f"an answer of {length} bytes")
        body = await reader.readexactly(length)
        if _header(head, "connection") == "close":
            self.close()
        return int(head[9:12]), body, after_s


def _header(head: str, name: str) -> str:
    _, found, rest = head.partition(f"\r\n{name}:")
    return rest.partition("\r\n")[0].strip() if found else ""


class Pool:
    """A few connections that many agents share: every request says whose it is."""

    def __init__(self, url: str, tls: ssl.SSLContext, size: int) -> None:
        self._free: asyncio.LifoQueue[Connection] = asyncio.LifoQueue()
        self._all = [Connection(url, tls) for _ in range(size)]
        for connection in self._all:
            self._free.put_nowait(connection)

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection for one request."""
        mine = await self._free.get()
        try:
            yield mine
        finally:
            self._free.put_nowait(mine)

    def close(self) -> None:
        """Hang up all of them."""
        for connection in self._all:
            connection.close()
