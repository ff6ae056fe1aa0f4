"""Trust in one CA and no other, and sockets that no server can hold for longer than an exchange may take."""

from __future__ import annotations

import base64
import hashlib
import re
import ssl
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

_PEM: Final = re.compile(rb"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----")


def ca_fingerprint(pem: bytes) -> bytes:
    """SHA-256 over the certificate's DER. Raises ValueError where `pem` is not one certificate and nothing else."""
    return hashlib.sha256(_der(pem)).digest()


def pinned(pem: bytes) -> ssl.SSLContext:
    """A context that trusts this CA and no other. Raises ssl.SSLError where `pem` is not one certificate."""
    context = bounded_context()
    try:
        context.load_verify_locations(cadata=_der(pem))
    except ValueError as error:
        raise ssl.SSLError(str(error)) from error
    return context


def _der(pem: bytes) -> bytes:
    """The bytes between the marks, read strictly.

    The CA comes over an untrusted connection. A tolerant reader stops at the first padding, so a second certificate
    behind a good one would change no fingerprint and be trusted all the same.
    """
    match = _PEM.fullmatch(pem.strip())
    if match is None:
        raise ValueError("this is not one certificate in PEM")
    der = base64.b64decode(b"".join(match[1].split()), validate=True)
    if not der.startswith(b"\x30"):
        raise ValueError("this is no certificate")
    return der


class BoundedSocket(ssl.SSLSocket):
    """A TLS socket with one deadline for a whole exchange: a server that trickles cannot hold its caller for ever."""

    deadline: float = float("inf")

    def recv_into(self, buffer: WriteableBuffer, nbytes: int | None = None, flags: int = 0) -> int:
        self._bound()
        return super().recv_into(buffer, nbytes, flags)

    def send(self, data: ReadableBuffer, flags: int = 0) -> int:
        self._bound()
        return super().send(data, flags)

    def _bound(self) -> None:
        if self.deadline != float("inf"):
            left = self.deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("the exchange took too long")
            self.settimeout(left)


def bounded_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.sslsocket_class = BoundedSocket
    return context
