"""Serves the LAN page: plain HTTP, a handful of requests at once, read-only but for one button, which is limited."""

from __future__ import annotations

import socket
import threading
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from typing import Final

from agent.lan.page import View, moment, render
from agent.lan.words import LANGS

REQUEST_S: Final = 5.0
AT_ONCE: Final = 16
MAX_FORM: Final = 2_048
MAX_TEXT: Final = 200
PRESSED_MS: Final = 60_000
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Desk:
    """What the page asks of the agent. `slow(text)` notes it and starts measuring; true where the province hears it."""

    look: Callable[[], View]
    slow: Callable[[str], bool]
    mono_ms: Callable[[], int]


class LanPage:
    """Listens from `start` to `stop`."""

    def __init__(self, address: tuple[str, int], desk: Desk) -> None:
        self._server = _Server(address, desk)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, name="lan page", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 32

    def __init__(self, address: tuple[str, int], desk: Desk) -> None:
        self.desk, self.turns = desk, threading.BoundedSemaphore(AT_ONCE)
        self.lock, self.pressed_ms, self.pressed_at = threading.Lock(), -PRESSED_MS, 0
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Handler)

    def process_request(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        """More than a handful at once are sent away: a slow reader must not cost the box its memory."""
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
        if self._path() == "/":
            self._page(200)
        else:
            self._answer(404, b"there is only one page here: /\n", "text/plain; charset=utf-8")

    def do_POST(self) -> None:
        if self._path() != "/slow":
            self._answer(404, b"there is nothing here\n", "text/plain; charset=utf-8")
        elif not self._own():
            self._answer(403, b"only the page of this box may press its button\n", "text/plain; charset=utf-8")
        else:
            self._slow()

    def _slow(self) -> None:
        size = self.headers.get("Content-Length", "")
        if not size.isdecimal() or int(size) > MAX_FORM:
            self._answer(413, b"too long\n", "text/plain; charset=utf-8")
            return
        form = urllib.parse.parse_qs(self.rfile.read(int(size)).decode("utf-8", "replace"), max_num_fields=4)
        text = "".join(c for c in " ".join(form.get("text", [""])[0].split()) if c.isprintable())[:MAX_TEXT]
        server, say = self.server, LANGS[self._lang()]
        with server.lock:
            left_ms = server.pressed_ms + PRESSED_MS - server.desk.mono_ms()
            if left_ms <= 0:
                server.pressed_ms, server.pressed_at = server.desk.mono_ms(), server.desk.look().now_ms
        if left_ms > 0:
            self._page(429, say["slow_again"].format(at=moment(server.pressed_at), wait=-(-left_ms // 1000)))
            return
        sent = say["slow_sent" if server.desk.slow(text) else "slow_kept"]
        self._page(200, say["slow_done"].format(at=moment(server.pressed_at), sent=sent))

    def _page(self, status: int, told: str = "") -> None:
        body = render(replace(self.server.desk.look(), told=told), self._lang())
        self._answer(status, body.encode(), "text/html; charset=utf-8")

    def _path(self) -> str:
        return urllib.parse.urlsplit(self.path).path

    def _lang(self) -> str:
        asked = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query, max_num_fields=4).get("lang", ["vi"])[0]
        return asked if asked in LANGS else "vi"

    def _own(self) -> bool:
        """Not a page of somebody else's: by origin, and by an address as host, which cannot be rebound."""
        host = self.headers.get("Host", "")
        origin = self.headers.get("Origin")
        name = urllib.parse.urlsplit(f"//{host}").hostname or ""
        try:
            literal = name == "localhost" or bool(ip_address(name))
        except ValueError:
            literal = False
        return literal and (origin is None or urllib.parse.urlsplit(origin).netloc == host)

    def _answer(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        for name, value in (*_HEADERS.items(), ("Content-Type", kind), ("Content-Length", str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def version_string(self) -> str:
        return "motcua"

    def log_message(self, *_: object) -> None:
        return
