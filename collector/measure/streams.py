"""Load in both directions: bytes out of one buffer, bytes into nowhere, and what was received told as a series.

One buffer serves all: what is sent is the same noise for everybody, and what comes is not kept.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import ssl
import sys
import time
from dataclasses import dataclass
from typing import Final

import msgspec

from collector.measure.ledger import Ledger, Load
from collector.measure.talk import Gone, Refusal, Request, answer, head

CHUNK: Final = 256 * 1024
NOISE: Final = memoryview(os.urandom(CHUNK))
"""Random, so that nothing on the way can make it smaller."""

BEAT_S: Final = 0.05
STALL_S: Final = 10.0
SMALL: Final = 32 * 1024
REST_S: Final = 0.002

# TCP discards what is received instead of copying it (tcp(7), MSG_TRUNC): only its number is wanted.
_DISCARD: Final = socket.MSG_TRUNC if sys.platform == "linux" else 0
_BYTES: Final = re.compile(r"(?:^|&)bytes=([0-9]{1,16})(?:&|$)")
_CONGESTION: Final = b"cubic"


class Report(msgspec.Struct, frozen=True):
    """What the server knows of a test and of itself: bytes of load, and times in seconds of its own monotonic clock."""

    received: int
    sent: int
    left: int
    mono_s: float
    cpu_s: float
    tests: int


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of one ticket, on its connection."""

    sock: socket.socket
    request: Request
    ledger: Ledger
    load: Load


def tune(sock: socket.socket) -> None:
    """The same sender for every test, whatever this machine is set to: what most of the internet's servers use."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_CONGESTION"):
        with contextlib.suppress(OSError):  # not loaded here, or not allowed to this user: then the system's own
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, _CONGESTION)


def download(visit: Visit) -> None:
    """Send `bytes` of noise, or until the ticket is used up or the other side has enough. Raises Refusal, Gone."""
    kind = "application/octet-stream"
    asked = _BYTES.search(visit.request.query)
    if asked is not None:
        send_noise(visit, int(asked[1]), kind)
        return
    visit.sock.sendall(head(200, kind, None))
    while _send_some(visit, CHUNK):
        pass
    raise Gone  # the body ends with the connection


def send_noise(visit: Visit, size: int, kind: str) -> None:
    """An answer of just `size` bytes. Raises Refusal where the ticket has not as many left, Gone."""
    if size > visit.load.left:
        raise Refusal(413, "used_up", f"the ticket has {visit.load.left} bytes left", "ask for a new one")
    visit.sock.sendall(head(200, kind, size, keeps=visit.request.keeps))
    while size and visit.request.method != "HEAD":
        sent = _send_some(visit, min(CHUNK, size))
        if not sent:
            raise Gone  # shorter than said: the client sees that it was cut
        size -= sent


def _send_some(visit: Visit, most: int) -> int:
    allowed = visit.ledger.send(visit.load, most)
    if not allowed:
        return 0
    sent = 0
    try:
        sent = visit.sock.send(NOISE[:allowed])
    finally:
        visit.ledger.unsent(visit.load, allowed - sent)
    return sent


def upload(visit: Visit) -> int:
    """Take the body and count it; returns its size. Raises Refusal, Gone."""
    size, rest = visit.request.length, len(visit.request.rest)
    if size is None:
        raise Refusal(411, "no_length", "an upload says its length", "send Content-Length")
    if rest > size:
        raise Refusal(400, "bad_length", "more came than Content-Length says")
    if visit.request.expects:
        visit.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    if visit.ledger.receive(visit.load, rest):
        rest += _take(visit, size - rest)
    if rest < size:
        raise Gone  # used up
    return size


def _take(visit: Visit, size: int) -> int:
    """Receive up to `size` bytes into nowhere; how many the ticket allowed. Raises Gone."""
    buffer, left, going = bytearray(CHUNK), size, True
    discard = 0 if isinstance(visit.sock, ssl.SSLSocket) else _DISCARD
    while left and going:
        count = visit.sock.recv_into(buffer, min(left, CHUNK), discard)
        if not count:
            raise Gone
        left -= count
        if count < SMALL:
            time.sleep(REST_S)  # packets come one by one: to be woken by each costs more than to read it
        going = visit.ledger.receive(visit.load, count)
    return size - left


def series(visit: Visit) -> None:
    """A line every `BEAT_S`: seconds of this server's monotonic clock, and bytes received until then. Raises Gone."""
    visit.sock.sendall(head(200, "text/plain", None))
    while visit.ledger.left_s(visit.load):
        visit.sock.sendall(b"%.6f %d\n" % (time.monotonic(), visit.load.received))
        time.sleep(BEAT_S)
    raise Gone


def report(visit: Visit) -> None:
    """What was received and sent, and how busy this process has been."""
    load, ledger = visit.load, visit.ledger
    told = Report(load.received, load.sent, load.left, time.monotonic(), time.process_time(), ledger.working())
    answer(visit.sock, visit.request, msgspec.json.encode(told), "application/json")
