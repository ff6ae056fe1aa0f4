"""A small HTTP server for what a machine shows by itself: few requests at once, each with an end, none on record."""

from __future__ import annotations

import socket
import threading
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from typing import Final

REQUEST_S: Final = 5.0
AT_ONCE: Final = 16
FIELDS: Final = 4
TEXT: Final = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request; `path` without its query."""

    method: str
    path: str
    query: str
    headers: Message
    body: BufferedIOBase

    def word(self, name: str) -> str:
        """A value of the query; empty where there is none."""
        return _first(self.query, name)

    def form(self, name: str, most: int) -> str | None:
        """A field of the form that was sent; None for a form of more than `most` bytes, or of no length."""
        size = self.headers.get("Content-Length", "")
        if not size.isdecimal() or int(size) > most:
            return None
        return _first(self.body.read(int(size)).decode("utf-8", "replace"), name)

    @property
    def host(self) -> str:
        """The name it was asked by, without a port; empty where that is none."""
        try:
            return urllib.parse.urlsplit(f"//{self.headers.get('Host', '')}").hostname or ""
        except ValueError:
            return ""


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered."""

    status: int
    body: bytes
    kind: str = TEXT


Respond = Callable[[Asked], Reply]


class PageServer:
    """Listens from `start` to `stop`. `headers` go with every answer of `respond`."""

    def __init__(
        self, address: tuple[str, int], respond: Respond, *, name: str, headers: Mapping[str, str] | None = None
    ) -> None:
        self._server = _Server(address, respond, headers or {})
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 32

    def __init__(self, address: tuple[str, int], respond: Respond, headers: Mapping[str, str]) -> None:
        self.respond, self.headers, self.turns = respond, headers, threading.BoundedSemaphore(AT_ONCE)
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Handler)

    def process_request(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        """More than a handful at once are sent away: a slow reader must not cost the machine its memory."""
        if not self.turns.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(
        self, request: socket.socket | tuple[bytes, socket.socket], client_address: object
    ) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.turns.release()

    def handle_error(self, _request: object, _client_address: object) -> None:
        """A reader that goes away in the middle is nothing to write down."""


class _Handler(BaseHTTPRequestHandler):
    timeout = REQUEST_S
    server: _Server

    def do_GET(self) -> None:
        self._respond()

    def do_POST(self) -> None:
        self._respond()

    def _respond(self) -> None:
        path, _, query = self.path.partition("?")
        reply = self.server.respond(Asked(self.command, path, query, self.headers, self.rfile))
        self.send_response(reply.status)
        own = {"Content-Type": reply.kind, "Content-Length": str(len(reply.body))}
        for name, value in {**self.server.headers, **own}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body)

    def version_string(self) -> str:
        return "motcua"

    def log_message(self, *_: object) -> None:
        return


def _first(query: str, name: str) -> str:
    try:
        return urllib.parse.parse_qs(query, max_num_fields=FIELDS).get(name, [""])[0]
    except ValueError:  # more fields than any page of ours sends
        return ""
