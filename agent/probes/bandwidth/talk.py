"""Speaking with a measurement server: its address, its connections, and what an answer means that is not ours."""

from __future__ import annotations

import contextlib
import json
import math
import re
import socket
import struct
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from agent.net.links import now_s
from agent.net.stream import Stream, StreamError
from agent.probes.given import Ended
from wire.outcomes import Result, fail, unknown

if TYPE_CHECKING:
    import ssl

    from agent.probes.bandwidth.order import Order
    from wire.messages import Scalar

MARK: Final = b"motcua-measure: 1"
MAX_HEAD_BYTES: Final = 8 * 1024
MAX_REPORT_BYTES: Final = 4 * 1024
CONNECT_S: Final = 5.0
ANSWER_S: Final = 5.0

_STATUS: Final = re.compile(rb"HTTP/1\.[01] ([1-5][0-9][0-9])\b")
_RESET: Final = struct.pack("ii", 1, 0)
_CONGESTION: Final = b"cubic"
_RETRANSMITTED: Final = struct.Struct("=100xI")  # tcpi_total_retrans in struct tcp_info (linux/tcp.h)


@dataclass(frozen=True, slots=True)
class Report:
    """What the server says of a test and of itself; the same as collector/measure/streams.py sends."""

    received: int
    sent: int
    mono_s: float
    cpu_s: float


@dataclass(frozen=True, slots=True)
class Server:
    """Where a measurement server is. `path` ends in a slash and carries the ticket."""

    host: str
    port: int
    path: str
    context: ssl.SSLContext | None

    @property
    def name(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def host_of(url: str) -> str:
    """The host of a measurement server's address. Raises Ended."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        host = ""
    if not host:
        raise Ended(unknown("no_lease"), error=f"the lease's address {url[:100]!r} is none of a server")
    return host


def server_of(order: Order) -> Server:
    """The server of an order. Raises Ended where its address or its authority cannot be used."""
    try:
        parts = urlsplit(order.url)
        secure, host = parts.scheme == "https", parts.hostname or ""
        port = parts.port or (443 if secure else 80)
    except ValueError as error:
        raise Ended(unknown("no_lease"), error=f"the lease's address {order.url[:100]!r}: {error}") from error
    if parts.scheme not in ("http", "https") or not host or not re.fullmatch(r"[!-~]*", order.ticket):
        raise Ended(unknown("no_lease"), error=f"the lease's address {order.url[:100]!r} is none of a server")
    path = f"{parts.path.rstrip('/')}/m/{order.ticket}/"
    return Server(host, port, path, _context(order) if secure else None)


def _context(order: Order) -> ssl.SSLContext:
    import ssl  # only here: over plain HTTP a test does without OpenSSL's 4.5 MB

    from wire.pinning import pinned

    try:
        context = pinned(order.ca_pem)
    except ssl.SSLError as error:
        text = "this agent has no authority to judge the server's certificate by: enrol it, or measure over http://"
        raise Ended(unknown("no_lease"), error=text) from error
    context.sslsocket_class = ssl.SSLSocket  # streams have their own bound, and pay for every call
    return context


class Connection:
    """One connection to the server. Raises StreamError in what it does while it is opened; Ended in `hear`."""

    def __init__(self, server: Server, order: Order) -> None:
        self.server, self.moved = server, 0
        until = now_s() + min(CONNECT_S, order.left())
        self._until = until
        self._stream = Stream(lambda: max(0.0, self._until - now_s()), {}, order.leave)
        try:
            self._stream.connect(order.address, server.port)
            tune(self._stream.sock)
            if server.context is not None:
                self._stream.secure(server.context, server.host)
        except StreamError:
            self._stream.close()
            raise
        self.sock = self._stream.sock
        self.plain = server.context is None
        self.busy = _busy(self.plain)

    def drop(self) -> None:
        """Close it at once; what is still under way is thrown away, or it would load the line behind the test."""
        with contextlib.suppress(OSError):
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._stream.close()

    def ask(self, method: str, route: str, *headers: str) -> None:
        """Send a request's head."""
        lines = [
            f"{method} {self.server.path}{route} HTTP/1.1",
            f"Host: {self.server.name}",
            "User-Agent: motcua-agent",
        ]
        self._until = now_s() + ANSWER_S
        self._stream.send("\r\n".join([*lines, *headers, "", ""]).encode("ascii"))

    def hear(self, *wanted: int) -> bytes:
        """Wait for an answer's head; what came behind it. Raises Ended, StreamError."""
        raw = b""
        while b"\r\n\r\n" not in raw:
            more = self._stream.receive(2048, "ttfb")
            if not more:
                raise StreamError(fail("reset"), "the server closed the connection before it had answered")
            raw += more
            if len(raw) > MAX_HEAD_BYTES:
                raise Ended(fail("bad_answer"), error="the head of the answer has no end")
        head, _, rest = raw.partition(b"\r\n\r\n")
        check(head, wanted)
        return rest

    def report(self) -> Report:
        """Ask the server for its own account. Raises Ended, StreamError."""
        self.ask("GET", "report")
        raw = self.hear(200)
        while not raw.endswith(b"}") and len(raw) < MAX_REPORT_BYTES:
            more = self._stream.receive(2048, "ttfb")
            if not more:
                break
            raw += more
        return _report(raw)

    def retransmitted(self) -> int:
        """Bytes that TCP had to send again on this connection, about; 0 where the system does not tell."""
        if sys.platform != "linux":
            return 0
        with contextlib.suppress(OSError, struct.error):
            info = self.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _RETRANSMITTED.size)
            segments: int = _RETRANSMITTED.unpack(info)[0]
            return segments * self.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)
        return 0


def _busy(plain: bool) -> tuple[type[OSError], ...]:
    """What is raised where a connection has nothing to give or to take at the moment."""
    if plain:
        return (BlockingIOError,)
    import ssl

    return (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


def _report(raw: bytes) -> Report:
    """A report as it came. Raises Ended where it is none."""
    try:
        told: dict[str, object] = json.loads(raw)
        return Report(_count(told["received"]), _count(told["sent"]), _seconds(told["mono_s"]), _seconds(told["cpu_s"]))
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise Ended(fail("bad_answer"), error=f"the server's report cannot be read: {str(error)[:200]}") from error


def _count(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError(f"{value!r} is no number of bytes")
    return value


def _seconds(value: object) -> float:
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError(f"{value!r} is no number of seconds")
    return float(value)


def tune(sock: socket.socket) -> None:
    """The same sender on every machine: what most of the internet uses, whatever this one is set to."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_CONGESTION"):
        with contextlib.suppress(OSError):  # not loaded, or not allowed to this user
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, _CONGESTION)


def check(head: bytes, wanted: tuple[int, ...]) -> int:
    """The status of an answer that is ours and among `wanted`. Raises Ended with what it means otherwise."""
    match = _STATUS.match(head)
    if match is None:
        raise Ended(fail("bad_answer"), error=f"no HTTP but {head[:60]!r}")
    status = int(match[1])
    if status == 100 and status in wanted:
        return status
    if MARK not in head.lower():
        raise Ended(fail("captive_portal" if status < 400 or status == 511 else "proxy_page"), **_foreign(head, status))
    if status not in wanted:
        raise Ended(
            _REFUSED.get(status, fail("bad_status")), status=status, error=_SAID.get(status, "the server refused")
        )
    return status


def _foreign(head: bytes, status: int) -> dict[str, Scalar]:
    """What is worth telling of an answer that is not our server's."""
    found = re.search(rb"(?im)^(location|server|via):[ \t]*([!-~ ]{1,150})", head)
    said = found[0].decode("ascii") if found else "without the mark of a measurement server"
    return {"status": status, "error": f"not our server answered: {said}"}


_REFUSED: Final[dict[int, Result]] = {401: unknown("no_lease"), 413: unknown("no_lease"), 503: unknown("server_bound")}
_SAID: Final = {
    401: "the server does not take the lease's ticket: over, or of another key",
    413: "the ticket is used up",
    503: "the server is full: other tests are under way",
}
