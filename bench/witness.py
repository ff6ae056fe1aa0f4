"""A client that knows which byte of a connection belongs to which receipt: TLS in memory, every raw byte counted."""

from __future__ import annotations

import hashlib
import socket
import ssl
from dataclasses import dataclass, field

import msgspec

from bench.mix import Sender, http_head
from bench.receipts import Received
from wire.codec import unpack
from wire.messages import Answer


class NoReceipt(Exception):
    """The server went away, or said something that is not a receipt."""


@dataclass
class Witness:
    """One kept connection on which one batch after another is sent and its receipt awaited."""

    port: int
    tls: ssl.SSLContext
    timeout_s: float = 30.0
    _in: ssl.MemoryBIO = field(default_factory=ssl.MemoryBIO)
    _out: ssl.MemoryBIO = field(default_factory=ssl.MemoryBIO)
    _received: int = 0

    def __enter__(self) -> Witness:
        self._socket = socket.create_connection(("127.0.0.1", self.port), self.timeout_s)
        self._own_port: int = self._socket.getsockname()[1]
        self._tls = self.tls.wrap_bio(self._in, self._out, server_hostname="localhost")
        self._handshake()
        self._ask(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")  # takes in what a server sends on its own
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, sender: Sender) -> Received:
        """Send the next batch of `sender`. Raises NoReceipt."""
        number, body = sender.batch()
        return self.send_again(sender, number, body)

    def send_again(self, sender: Sender, number: int, body: bytes) -> Received:
        """Send these bytes as batch `number`; a duplicate's receipt is as good as the first. Raises NoReceipt."""
        before = self._received
        status, content = self._ask(http_head("/api/v1/batches", body, sender.token) + body)
        if status != 200:
            raise NoReceipt(f"{status}: {content[:300]!r}")
        receipts = msgspec.json.decode(content, type=Answer).receipts
        if [(r.epoch, r.batch, r.rejected) for r in receipts] != [(sender.epoch, number, [])]:
            raise NoReceipt(f"a receipt for something else: {receipts}")
        return Received(sender.epoch, number, sha256_of(body), self._own_port, before)

    def _handshake(self) -> None:
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._exchange()
            else:
                self._flush()
                return

    def _ask(self, request: bytes) -> tuple[int, bytes]:
        self._tls.write(request)
        self._flush()
        answer = b""
        while (whole := _whole(answer)) is None:
            try:
                answer += self._tls.read(65_536)
            except ssl.SSLWantReadError:
                self._exchange()
        return whole

    def _flush(self) -> None:
        if data := self._out.read():
            try:
                self._socket.sendall(data)
            except OSError as error:
                raise NoReceipt(str(error)) from error

    def _exchange(self) -> None:
        self._flush()
        try:
            data = self._socket.recv(65_536)
        except OSError as error:
            raise NoReceipt(str(error)) from error
        if not data:
            raise NoReceipt("the server closed the connection")
        self._received += len(data)
        self._in.write(data)


def sha256_of(body: bytes) -> str:
    """The hash of the one batch in a request's body."""
    raw = unpack(body)
    return hashlib.sha256(raw[raw.index(b"\n") + 1 :]).hexdigest()


def _whole(answer: bytes) -> tuple[int, bytes] | None:
    head, blank, content = answer.partition(b"\r\n\r\n")
    if not blank:
        return None
    at = head.lower().find(b"content-length:")
    length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
    return (int(answer[9:12]), content) if len(content) >= length else None
