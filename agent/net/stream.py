"""One connection whose every step ends by one moment, however slowly the other side drips.

Steps are timed under the name of their phase. What goes wrong is a StreamError with the outcome that it means.
"""

from __future__ import annotations

import errno
import io
import os
import selectors
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from agent.net.links import ANY_EXIT, FORBIDDEN, NO_WAY, Exit, LinkError, NoExit, NoPermission, now_s
from wire.outcomes import Result, fail, unknown

if TYPE_CHECKING:
    import ssl

STALL_S: Final = 0.5
MAX_HEAD_BYTES: Final = 128 * 1024

_PENDING: Final = frozenset({0, errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EINTR})
_TIMEOUTS: Final = {
    "ttfb": "timeout_answer",
    "dns": "timeout_answer",
}  # every other phase has its own name in its reason


class StreamError(Exception):
    """The run over this connection is over: `result` says what it means, the text why."""

    def __init__(self, result: Result, text: str = "") -> None:
        super().__init__(text or str(result.reason))
        self.result = result


class Untrusted(StreamError):
    """A certificate that was not accepted."""


class Stream:
    """A TCP connection to a numeric address, or a UDP one. `left` says how many seconds there still are.

    `leave`: the way out of this machine.
    """

    def __init__(self, left: Callable[[], float], phases: dict[str, float], leave: Exit = ANY_EXIT) -> None:
        self._left, self.phases, self._leave = left, phases, leave
        self._sock: socket.socket | None = None
        self._secure = False

    def close(self) -> None:
        if self._sock is not None:
            self._sock.close()

    @property
    def sock(self) -> socket.socket:
        if self._sock is None:
            raise StreamError(unknown("probe_error"), "not connected")
        return self._sock

    def connect(self, address: str, port: int, kind: socket.SocketKind = socket.SOCK_STREAM) -> None:
        """Connect in the phase `connect`. Raises StreamError; `no_way` where this machine has no route there."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with self.timed("connect"):
            try:
                # Bytes: a text would be encoded as an international name, and the tables for that be loaded.
                where = socket.getaddrinfo(address.encode("ascii", "replace"), port, family, kind)[0][4]
                self._sock = socket.socket(family, kind)
            except socket.gaierror as error:
                raise StreamError(unknown("no_way"), error.strerror or str(error)) from error
            self._begin(where)

    def _begin(self, where: tuple[object, ...]) -> None:
        # An error that comes back at once is this machine's word; one that comes later is somebody's on the way.
        self.sock.setblocking(False)
        try:
            self._leave.tie(self.sock)
        except LinkError as error:
            raise StreamError(_NOT_TIED.get(type(error), unknown("unsupported")), str(error)) from error
        code = self.sock.connect_ex(where)
        if code in NO_WAY or code in {errno.EINVAL, errno.EAFNOSUPPORT}:
            raise StreamError(unknown("no_way"), errno_text(code))
        if code not in _PENDING:
            raise OSError(code, errno_text(code))
        if code and not _writable(self.sock, self._left()):
            raise TimeoutError("no connection in time")
        code = self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, errno_text(code))

    def secure(self, context: ssl.SSLContext, name: str) -> bytes:
        """Agree upon an encryption in the phase `tls`; the other side's certificate. Raises StreamError."""
        with self.timed("tls"):
            self.sock.settimeout(self._left() or 1e-3)
            self._secure = True
            # Wrapped without a handshake first: a failed one must leave a socket that is still ours to close.
            plain_name = name.partition("%")[0].rstrip(".")
            wrapped = context.wrap_socket(self.sock, server_hostname=plain_name, do_handshake_on_connect=False)
            self._sock = wrapped
            wrapped.do_handshake()
            return wrapped.getpeercert(binary_form=True) or b""

    def send(self, data: bytes, phase: str = "ttfb") -> None:
        """Send all of it. Raises StreamError."""
        with self.timed(phase):
            self.sock.settimeout(self._left() or 1e-3)
            self.sock.sendall(data)

    def receive(self, most: int, phase: str) -> bytes:
        """What came next, b"" at the end. Raises StreamError."""
        with self.timed(phase):
            self.sock.settimeout(self._left() or 1e-3)
            return self.sock.recv(most)

    @contextmanager
    def timed(self, phase: str) -> Iterator[None]:
        """Add the time of what is done inside to a phase that comes to an end, and translate what goes wrong."""
        left, begun = self._left(), now_s()
        try:
            if not left:
                raise TimeoutError("the time was up")
            yield
        except OSError as error:
            if now_s() - begun > left + STALL_S:
                raise StreamError(unknown("interrupted"), "this machine stood still while it waited") from error
            raise (_of_tls(error) if self._secure else None) or _translated(error, phase) from error
        self.phases[phase] = self.phases.get(phase, 0.0) + now_s() - begun


class Pages(io.RawIOBase):
    """A stream as http.client wants to read it: what comes before the first byte is `ttfb`, the rest `transfer`.

    Until `head_is_over` is set, no more than MAX_HEAD_BYTES are taken: a head of a hundred long lines is no answer.
    """

    def __init__(self, stream: Stream) -> None:
        self._stream, self._phase, self._taken = stream, "ttfb", 0
        self.head_is_over = False

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self, 16 * 1024)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # http.client gives nothing else
        data = self._stream.receive(len(buffer), self._phase)
        self._phase, self._taken = "transfer", self._taken + len(data)
        if not self.head_is_over and self._taken > MAX_HEAD_BYTES:
            raise StreamError(fail("bad_answer"), f"more than {MAX_HEAD_BYTES} bytes before the body")
        buffer[: len(data)] = data
        return len(data)


def _writable(sock: socket.socket, wait_s: float) -> bool:
    with selectors.DefaultSelector() as selector:
        selector.register(sock, selectors.EVENT_WRITE)
        return bool(selector.select(wait_s))


def _translated(error: OSError, phase: str) -> StreamError:
    if isinstance(error, TimeoutError):
        return StreamError(fail(_TIMEOUTS.get(phase, f"timeout_{phase}")), str(error))
    if error.errno in _MEANING:
        return StreamError(_MEANING[error.errno], errno_text(error.errno))
    return StreamError(unknown("probe_error"), f"{type(error).__name__}: {error}")


def _of_tls(error: OSError) -> StreamError | None:
    """What an error of the encryption means; None for any other."""
    import ssl  # here, or plain connections would load 4.5 MB of it

    match error:
        case ssl.SSLCertVerificationError():
            reason = _CERTIFICATE.get(error.verify_code, "cert_untrusted")
            return Untrusted(fail(reason), error.verify_message)
        case ssl.SSLError():
            return StreamError(fail("tls_failed"), error.reason or str(error))
    return None


_MEANING: Final[dict[int | None, Result]] = {
    errno.ECONNREFUSED: fail("refused"),
    **dict.fromkeys((errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED, errno.ENOTCONN), fail("reset")),
    **dict.fromkeys(NO_WAY, fail("unreachable")),
    **dict.fromkeys(FORBIDDEN, unknown("no_permission")),
}

_NOT_TIED: Final[dict[type[LinkError], Result]] = {
    NoPermission: unknown("no_permission"),
    NoExit: unknown("no_interface"),
}

# X509_V_ERR_*: not yet valid, expired, host name and address mismatch; all others are a matter of trust.
_CERTIFICATE: Final = {9: "cert_expired", 10: "cert_expired", 62: "cert_name", 64: "cert_name"}


def errno_text(code: int | None) -> str:
    """What the operating system says of an error number."""
    return os.strerror(code) if code is not None else ""
