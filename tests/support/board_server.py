"""The board on a real socket of loopback, in a thread of its own."""

from __future__ import annotations

import functools
import io
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import uvicorn
from jinja2 import BytecodeCache, Environment
from jinja2.bccache import Bucket

from dashboards import board_app
from dashboards.board import render
from tests.support.alerts_double import Desk
from tests.support.reader_double import World

_TLS = ssl.create_default_context()  # nobody speaks it here, and a client would read all roots of the system again


class _Compiled(BytecodeCache):
    """Templates as they were compiled for the board of the test before: most of what a page's test would take."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._kept:
            bucket.load_bytecode(io.BytesIO(self._kept[bucket.key]))

    def dump_bytecode(self, bucket: Bucket) -> None:
        kept = io.BytesIO()
        bucket.write_bytecode(kept)
        self._kept[bucket.key] = kept.getvalue()


render.Environment = functools.partial(Environment, bytecode_cache=_Compiled())  # type: ignore[attr-defined,assignment]


@dataclass(frozen=True)
class Served:
    """A running board and a client that speaks to it as a browser would, without following redirects."""

    world: World
    url: str
    client: httpx.Client
    desk: Desk | None = None

    def page(self, path: str, *, lang: str = "vi", **headers: str) -> httpx.Response:
        return self.client.get(path, headers={"cookie": f"motcua_lang={lang}", **headers})

    def log_in(self) -> None:
        """Spend the world's link; the client keeps the cookie."""
        self.world.links.add("good-link")
        assert self.client.get("/login/good-link").status_code == 303


@contextmanager
def served(world: World, *, simulated: bool = False, desk: Desk | None = None) -> Iterator[Served]:
    """Serve `world` until the block ends, with the incidents of `desk` where one is given."""
    alerts = None if desk is None else (desk, desk)
    app = board_app(world, world, settle_ms=-1, simulated=simulated, alerts=alerts)  # every change is seen at once
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(app, ws="none", log_config=None, lifespan="on", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{port}"
    try:
        with httpx.Client(
            base_url=url, headers={"accept": "text/html"}, timeout=10, trust_env=False, verify=_TLS
        ) as client:
            yield Served(world, url, client, desk)
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()
