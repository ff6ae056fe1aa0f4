"""The measurement server's socket: TLS and plain HTTP on one port, a thread a connection, never more than so many.

Blocking sockets and threads rather than an event loop: a stream of a test sits in `send` or `recv`, where the
interpreter is let go, and TLS works on the socket itself (decision 0020).
"""

from __future__ import annotations

import contextlib
import logging
import socket
import ssl
import threading
from typing import Final

from collector.measure import routes, streams
from collector.measure.ledger import Ledger
from collector.measure.talk import Gone, Refusal, Request, head, parse, read_head, refuse
from collector.settings import Address

HEAD_S: Final = 5.0
IDLE_S: Final = 15.0
OPEN_PATHS: Final = ("/healthz", "/favicon.ico")  # the second is asked by every browser, ticket or not
LINGER_S: Final = 0.5
LINGER_READS: Final = 8
CONNECTIONS_A_TEST: Final = 24
SPARE_CONNECTIONS: Final = 64

_TLS_HANDSHAKE: Final = b"\x16"  # the first byte of a record of that kind (RFC 8446 §5.1)
_log = logging.getLogger(__name__)


class MeasureServer:
    """Listens from its making on. `serve` returns after `stop`. Raises OSError where the address is not free."""

    def __init__(self, address: Address, ledger: Ledger, *, tests: int, context: ssl.SSLContext | None) -> None:
        self._ledger, self._context = ledger, context
        family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        self._listener = socket.create_server((address.host, address.port), family=family, backlog=256)
        self._listener.settimeout(0.25)
        self.address = Address(address.host, self._listener.getsockname()[1])
        self._places = threading.Semaphore(tests * CONNECTIONS_A_TEST + SPARE_CONNECTIONS)
        self._stop = threading.Event()

    def serve(self) -> None:
        """Answer until `stop`."""
        with self._listener:
            while not self._stop.is_set():
                try:
                    sock, _ = self._listener.accept()
                except TimeoutError:
                    continue
                except OSError as error:  # no more descriptors, for a moment
                    _log.warning("a connection was not taken: %s", error)
                    self._stop.wait(0.1)
                    continue
                self._take(sock)

    def stop(self) -> None:
        """Ask `serve` to end; from any thread or a signal handler."""
        self._stop.set()

    def _take(self, sock: socket.socket) -> None:
        if not self._places.acquire(blocking=False):
            with contextlib.suppress(OSError), sock:
                sock.setblocking(False)
                sock.send(head(503, more=["Retry-After: 5"], keeps=False))
            return
        try:
            threading.Thread(target=self._run, args=(sock,), name="connection", daemon=True).start()
        except RuntimeError:  # no more threads
            sock.close()
            self._places.release()

    def _run(self, sock: socket.socket) -> None:
        try:
            with contextlib.closing(Connection(sock, self._ledger, self._context)) as connection:
                connection.run()
        except (Gone, OSError):
            pass  # the other side is done, lost, or was too slow: nothing is owed to it
        except Exception:
            _log.exception("a connection ended by a fault of ours")
        finally:
            self._places.release()


class Connection:
    """One connection from its first byte to its last."""

    def __init__(self, sock: socket.socket, ledger: Ledger, context: ssl.SSLContext | None) -> None:
        self._sock, self._ledger, self._context = sock, ledger, context

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._sock.close()

    def run(self) -> None:
        """Serve requests until one side has enough. Raises Gone, OSError."""
        self._sock.settimeout(HEAD_S)
        streams.tune(self._sock)
        if self._sock.recv(1, socket.MSG_PEEK) == _TLS_HANDSHAKE:
            self._secure()
        rest = b""
        while True:
            request = self._next(rest)
            if request is None or not self._one(request):
                return
            self._sock.settimeout(IDLE_S)
            rest = request.rest if request.method != "POST" else b""

    def _secure(self) -> None:
        if self._context is None:
            raise Gone
        plain = self._sock
        self._sock = self._context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
        self._sock.do_handshake()

    def _next(self, rest: bytes) -> Request | None:
        try:
            raw, behind = read_head(self._sock, rest)
            return parse(raw, behind)
        except Refusal as refusal:
            self._refuse(refusal, "")
            return None

    def _one(self, request: Request) -> bool:
        """Answer one request; whether another may follow."""
        try:
            if request.path in OPEN_PATHS:
                self._sock.sendall(head(204, keeps=False))
                return False
            load, route = routes.enter(request, self._ledger)
            try:
                self._sock.settimeout(streams.STALL_S)
                routes.serve(streams.Visit(self._sock, request, self._ledger, load), route)
            finally:
                self._ledger.leave(load)
        except Refusal as refusal:
            self._refuse(refusal, "/m/…" if request.path.startswith("/m/") else request.path)
            return False
        return request.keeps

    def _refuse(self, refusal: Refusal, instance: str) -> None:
        """Say no, and let it arrive: closed over what was sent and not read, the answer would be lost with it."""
        refuse(self._sock, refusal, instance)
        self._sock.shutdown(socket.SHUT_WR)
        self._sock.settimeout(LINGER_S)
        for _ in range(LINGER_READS):
            if not self._sock.recv(streams.CHUNK):
                return
