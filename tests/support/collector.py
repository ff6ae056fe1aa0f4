"""A real collector on loopback for tests: TLS, uvicorn in a thread, its loops running; and an agent to speak with."""

from __future__ import annotations

import asyncio
import base64
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count

import uvicorn

from collector.api import Reader
from collector.commands import create_join_code
from collector.hub import Hub
from collector.loops import Loop, run_loops
from collector.web.app import Parts, agent_app
from collector.web.serving import agents_config
from wire.client import Client, ca_fingerprint, fetch_ca, pinned
from wire.codec import encode_batch, encode_request, pack
from wire.joincode import parse
from wire.messages import Batch, Enrol, Enrolled, Envelope, Observation, Role

EPOCH = "00000000-0000-4000-8000-00000000000a"
BOOT = "11111111-1111-4111-8111-111111111111"
KEY = base64.b64encode(bytes(32)).decode()


@dataclass(slots=True)
class Running:
    """A collector that answers at `url`."""

    hub: Hub
    parts: Parts
    url: str
    pem: bytes
    server: uvicorn.Server

    def stop(self) -> None:
        """Begin to end: what is under way is still answered."""
        self.server.should_exit = True

    def client(self, token: str = "", timeout_s: float = 15.0) -> Client:
        return Client(self.url, pinned(self.pem), token=token, timeout_s=timeout_s)

    def enrol(self, centre: str = "00000-1", role: Role = "box") -> Enrolled:
        code = create_join_code(self.hub, centre, role, name_vi="máy này", name_en="this machine")
        assert parse(code).trusts(ca_fingerprint(self.pem))
        with self.client() as client:
            return client.enrol(Enrol(code, role, "0.1.0", ["pc", "reach"], KEY, KEY, "test"))


@contextmanager
def serving(hub: Hub, reader: Reader | None = None, loops: Sequence[Loop] | None = None) -> Iterator[Running]:
    """Serve `hub` on a free port until the block ends, with the loops of ingest unless others are given."""
    server = uvicorn.Server(agents_config(hub, agent_app(hub, reader)))
    server.config.port = 0
    ready, stop = threading.Event(), asyncio.Event()
    failed: list[BaseException] = []

    async def run() -> None:
        serve = asyncio.create_task(server.serve())
        looping = asyncio.create_task(run_loops(hub, Parts.of(hub).loops() if loops is None else loops, stop))
        while not server.started and not serve.done():
            await asyncio.sleep(0.005)
        ready.set()
        await serve
        stop.set()
        await looping

    def main() -> None:
        try:
            asyncio.run(run())
        except BaseException as error:  # told to the test below
            failed.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=main, name="collector")
    thread.start()
    ready.wait(20)
    try:
        assert server.started, failed
        port = server.servers[0].sockets[0].getsockname()[1]
        url = f"https://127.0.0.1:{port}"
        yield Running(hub, Parts.of(hub), url, fetch_ca(url), server)
    finally:
        server.should_exit = True
        thread.join(20)
    assert not failed, failed


@dataclass(slots=True)
class Pen:
    """Writes what an agent would send. `agent` and the subject are whose; time is what the test says."""

    agent: str
    subject: str
    epoch: str = EPOCH
    boot: str = BOOT
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def observation(self, i: int = 0, *, at_ms: int, mono_ms: int, task_id: str | None = None) -> Observation:
        return Observation(i, "pc", self.subject, "self", at_ms, mono_ms, 5, "ok", task_id=task_id)

    def batch(self, observations: Sequence[Observation], number: int | None = None) -> bytes:
        return encode_batch(Batch(self.epoch, number or next(self.numbers), self.boot), observations)

    def request(self, *batches: bytes, at_ms: int, mono_ms: int, boot: str | None = None) -> bytes:
        return encode_request(Envelope(1, self.agent, boot or self.boot, at_ms, mono_ms), batches)

    def packed(self, *batches: bytes, at_ms: int, mono_ms: int, boot: str | None = None) -> bytes:
        return pack(self.request(*batches, at_ms=at_ms, mono_ms=mono_ms, boot=boot))
