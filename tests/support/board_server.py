"""The board on a real socket of loopback, in a thread of its own."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import uvicorn

from dashboards import board_app
from tests.support.alerts_double import Desk
from tests.support.reader_double import World


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
        with httpx.Client(base_url=url, headers={"accept": "text/html"}, timeout=10, trust_env=False) as client:
            yield Served(world, url, client, desk)
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()
