"""Echo requests over icmplib's sockets; receiving is ours, because a train must know which packet was answered.

icmplib (decision 0004) opens and sends. Its `receive` waits for one packet at a time, measures by the wall clock, drops
the payload and takes every IPv4 header for 20 bytes, so replies are read from its socket here.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
import sys
from collections import deque
from dataclasses import dataclass, replace
from typing import Final, Literal

import icmplib

from agent.net import errqueue
from agent.net.links import ANY_EXIT, Exit, Heard, LinkError, NoPermission, NotPossible, Now, link_error, now_s

COOKIE_BYTES: Final = 8
REMEDY: Final = (
    "let the agent's group send ICMP (sysctl net.ipv4.ping_group_range='0 2147483647'),"
    " or give the agent CAP_NET_RAW (AmbientCapabilities=CAP_NET_RAW in its unit)"
)

_LINUX: Final = sys.platform == "linux"
_REPLY: Final = {4: 0, 6: 129}
_HEADER: Final = struct.Struct("!2B3H")


@dataclass(frozen=True, slots=True)
class Mark:
    """What tells the packets of one train from all others on this machine."""

    version: Literal[4, 6]
    ident: int
    cookie: bytes


class EchoLink:
    """Echo requests to one numeric address from a socket of its own, told from all others by a cookie of 64 bits.

    Raises NoPermission with its remedy, NoWay without a route, NoExit without the way out, NotPossible.
    """

    def __init__(self, address: str, size: int = 56, now: Now = now_s, leave: Exit = ANY_EXIT) -> None:
        self._address, self._now = address, now
        self._heard: deque[Heard] = deque()
        self._mark = Mark(6 if ":" in address else 4, int.from_bytes(os.urandom(2), "big"), os.urandom(COOKIE_BYTES))
        self._payload = self._mark.cookie + bytes(max(0, size - COOKIE_BYTES))
        self._icmp, raw = _open(self._mark.version)
        self.method = "icmp_raw" if raw else "icmp_datagram"
        self._skips_header = self._mark.version == 4 and (raw or not _LINUX)
        self._socket: socket.socket = self._icmp.sock
        try:
            leave.tie(self._socket)
            self._aim()
        except LinkError:
            self.close()
            raise
        except OSError as error:
            self.close()
            raise link_error(error) or error from error

    def __enter__(self) -> EchoLink:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._icmp.close()

    def send(self, number: int) -> None:
        try:
            self._send(number)
        except OSError as error:
            # A refusal of an earlier packet waits in the error queue and is reported here, once, instead.
            if not self._read_errors():
                raise link_error(error) or error from error
            self._send(number)

    def receive(self, wait_s: float) -> Heard | None:
        if self._heard:
            return self._heard.popleft()
        self._socket.settimeout(max(0.0, wait_s))
        try:
            data, source = self._socket.recvfrom(2048)
        except (TimeoutError, BlockingIOError):
            return None
        except OSError:
            self._read_errors()
            return self._heard.popleft() if self._heard else None
        return read_reply(self._ours(data), self._mark, str(source[0]), self._now())

    def _aim(self) -> None:
        """Tie the socket to its address, so that the kernel drops what others answer and queues what routers refuse."""
        if not _LINUX:
            return
        errqueue.listen(self._socket)
        family = socket.AF_INET6 if self._mark.version == 6 else socket.AF_INET
        self._socket.connect(socket.getaddrinfo(self._address, 0, family, type=socket.SOCK_DGRAM)[0][4])
        if self.method == "icmp_datagram":
            self._mark = replace(self._mark, ident=self._socket.getsockname()[1])

    def _send(self, number: int) -> None:
        try:
            self._icmp.send(self._request(number))
        except icmplib.ICMPSocketError as error:
            # icmplib keeps the text and drops the number; the cause still carries it.
            raise error.__context__ if isinstance(error.__context__, OSError) else OSError(str(error)) from error

    def _request(self, number: int) -> icmplib.ICMPRequest:
        return icmplib.ICMPRequest(self._address, self._mark.ident, number, payload=self._payload)

    def _ours(self, data: bytes) -> bytes:
        return data[(data[0] & 15) * 4 :] if self._skips_header and data else data

    def _read_errors(self) -> bool:
        """Move the error queue to what was heard; whether there was anything in it."""
        entries = list(errqueue.entries(self._socket)) if _LINUX else []
        for data, ancillary, _ in entries:
            refusal = read_refusal(data, ancillary, self._mark, self._now())
            if refusal is not None:
                self._heard.append(refusal)
        return bool(entries)


def read_reply(data: bytes, mark: Mark, source: str, at: float) -> Heard | None:
    """An ICMP message as the answer to one of ours; None for everything else that such a socket hears."""
    if len(data) < _HEADER.size + len(mark.cookie):
        return None
    kind, code, _, ident, number = _HEADER.unpack_from(data)
    if kind != _REPLY[mark.version] or code != 0 or ident != mark.ident:
        return None
    if data[_HEADER.size : _HEADER.size + len(mark.cookie)] != mark.cookie:
        return None
    return Heard(number, at, source)


def read_refusal(data: bytes, ancillary: list[tuple[int, int, bytes]], mark: Mark, at: float) -> Heard | None:
    """An entry of the error queue (ip(7), IP_RECVERR) as the refusal of one of ours; None for what is not of that kind.

    `data` is the beginning of our own request, as whoever refused it quotes it.
    """
    if len(data) < _HEADER.size:
        return None
    _, _, _, ident, number = _HEADER.unpack_from(data)
    return errqueue.refusal_of(ancillary, number, mark.version, at) if ident == mark.ident else None


def _open(version: int) -> tuple[icmplib.ICMPv4Socket | icmplib.ICMPv6Socket, bool]:
    """An icmplib socket and whether it is a raw one: datagram where the system allows it, else raw."""
    kind = icmplib.ICMPv6Socket if version == 6 else icmplib.ICMPv4Socket
    for privileged in (False, True):
        try:
            return kind(privileged=privileged), privileged
        except icmplib.SocketPermissionError:
            continue
        except icmplib.ICMPSocketError as error:
            cause = error.__context__
            if isinstance(cause, OSError) and cause.errno in (errno.EMFILE, errno.ENFILE):
                raise cause from error
            raise NotPossible(str(error)) from error
    raise NoPermission(REMEDY)
