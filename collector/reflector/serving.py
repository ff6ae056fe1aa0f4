"""The reflector's socket: a plain loop in a process of its own, that nothing else may keep waiting."""

from __future__ import annotations

import logging
import selectors
import socket
import threading
import time
from typing import Final

from collector import claims
from collector.reflector.mirror import Mirror
from collector.settings import Address
from wire.datagram import Datagram, Receiver, tos_of

LOOK_S: Final = 0.5
TELL_S: Final = 60.0
IN_A_ROW: Final = 256
ROOM_BYTES: Final = 4 * 1024 * 1024
"""Of the socket's queue, as far as the system allows: trains of several centres may come together."""

log: Final = logging.getLogger("motcua.reflector")


def bind(address: Address) -> socket.socket:
    """The socket to answer at. Raises claims.Taken where it cannot be had."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        where = socket.getaddrinfo(address.host, address.port, family, socket.SOCK_DGRAM)[0][4]
        sock = socket.socket(family, socket.SOCK_DGRAM)
    except OSError as error:
        raise claims.Taken(f"{address}: {error.strerror}; give --listen an address of this machine") from error
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, ROOM_BYTES)
    sock.setblocking(False)
    try:
        sock.bind(where)
    except OSError as error:
        sock.close()
        raise claims.Taken(f"{address}: {error.strerror}; give --listen another address") from error
    return sock


class Reflector:
    """Answers at one socket until it is told to stop."""

    def __init__(self, sock: socket.socket, mirror: Mirror) -> None:
        self._sock, self._mirror = sock, mirror
        self._receiver = Receiver(sock, time.monotonic_ns)
        self._told, self._told_at = "", time.monotonic()

    def serve(self, stop: threading.Event) -> None:
        """Answer until `stop` is set; then, and once a minute, say in the log what was done."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._sock, selectors.EVENT_READ)
            while not stop.is_set():
                if selector.select(LOOK_S):
                    self._drain()
                if time.monotonic() - self._told_at >= TELL_S:
                    self._tell()
        self._tell()

    def _drain(self) -> None:
        for _ in range(IN_A_ROW):
            try:
                found = self._receiver.receive()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:  # a refusal of an earlier answer: whoever asked is gone
                log.debug("%s", error)
                continue
            reply = self._mirror.reply(found, time.monotonic_ns())
            if reply is not None:
                self._send(found, reply.data, reply.tos)

    def _send(self, found: Datagram, data: bytes, tos: int) -> None:
        ancillary = [*found.by, tos_of(self._sock.family, tos)]
        try:
            self._sock.sendmsg([data], ancillary, 0, found.source)
        except OSError as error:  # no route back, or the queue is full: for the agent the answer is lost
            log.debug("%s: %s", found.source[0], error)

    def _tell(self) -> None:
        counts = self._mirror.counts
        told, before = counts.told(), self._told
        self._told, self._told_at = told, time.monotonic()
        if told != before:
            log.info("%s", told)
        if counts.strangers and not counts.granted:
            log.warning("nobody who asked is of this province: is the key the one in the collector's home?")
