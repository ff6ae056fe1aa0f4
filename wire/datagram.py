"""UDP datagrams with what lies around them: their TOS both ways, when they arrived, and at which of our addresses.

On Linux the kernel notes the moment of arrival, so that a busy process does not take its own delay for the line's.
"""

from __future__ import annotations

import socket
import struct
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

Where = tuple[str, int] | tuple[str, int, int, int]
Ancillary = list[tuple[int, int, bytes]]
Nanoseconds = Callable[[], int]

_LINUX: Final = sys.platform == "linux"
# linux/in.h, asm-generic/socket.h: names that Python does not carry yet
_IP_PKTINFO: Final = 8
_SO_TIMESTAMPNS: Final = 35
_TIMESPEC: Final = struct.Struct("@qq")
_TCLASS: Final = struct.Struct("@i")
_ROOM: Final = 256
_STEP_NS: Final = 1_000_000
_LATE_NS: Final = 500_000_000


@dataclass(frozen=True, slots=True)
class Datagram:
    """`at_ns`: arrival by the receiver's clock. `by`: what makes an answer leave from the address that was asked."""

    data: bytes
    source: Where
    tos: int
    at_ns: int
    by: Ancillary


class Receiver:
    """Reads one socket. `now_ns` is the clock of this end: one that nobody can set."""

    def __init__(self, sock: socket.socket, now_ns: Nanoseconds) -> None:
        self._sock, self._now_ns, self._six = sock, now_ns, sock.family == socket.AF_INET6
        self._offset_ns: int | None = None
        _ask_for_more(sock)

    def receive(self, most: int = 2_048) -> Datagram:
        """The next datagram. Raises BlockingIOError or TimeoutError where there is none, else OSError."""
        data, ancillary, _, source = self._sock.recvmsg(most, _ROOM)
        tos, stamp_ns, by = 0, None, Ancillary()
        for level, kind, raw in ancillary:
            if (level, kind) in _TOS_KINDS:
                tos = raw[0] if len(raw) < _TCLASS.size else _TCLASS.unpack_from(raw)[0]
            elif (level, kind) == (socket.SOL_SOCKET, _SO_TIMESTAMPNS) and len(raw) >= _TIMESPEC.size:
                seconds, nanos = _TIMESPEC.unpack_from(raw)
                stamp_ns = seconds * 1_000_000_000 + nanos
            elif (level, kind) in _INFO_KINDS:
                by.append((level, kind, _without_interface(level, raw)))
        return Datagram(data, source, tos & 0xFF, self._arrival_ns(stamp_ns), by)

    def _arrival_ns(self, stamp_ns: int | None) -> int:
        """The kernel's stamp on our clock. It is of the wall clock: where that was set since, now is the answer."""
        now_ns, wall_ns = self._now_ns(), time.time_ns()
        before, self._offset_ns = self._offset_ns, wall_ns - now_ns
        if stamp_ns is None or before is None or abs(self._offset_ns - before) > _STEP_NS:
            return now_ns
        late_ns = wall_ns - stamp_ns
        return now_ns - late_ns if 0 <= late_ns < _LATE_NS else now_ns


def set_tos(sock: socket.socket, tos: int) -> None:
    """Everything that is sent from now on carries this TOS."""
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, tos)
    else:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, tos)


def tos_of(family: int, tos: int) -> tuple[int, int, bytes]:
    """Ancillary data that give one datagram its TOS."""
    if family == socket.AF_INET6:
        return socket.IPPROTO_IPV6, socket.IPV6_TCLASS, _TCLASS.pack(tos)
    return socket.IPPROTO_IP, socket.IP_TOS, _TCLASS.pack(tos)


def _ask_for_more(sock: socket.socket) -> None:
    if not _LINUX:
        return
    sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS, 1)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    else:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
        sock.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)


def _without_interface(level: int, raw: bytes) -> bytes:
    """Which of our addresses it came to; by which interface the answer leaves is the routes' affair."""
    if level == socket.IPPROTO_IP:
        return bytes(4) + raw[8:12] + bytes(4)  # in_pktinfo: interface, local address, address of the header
    return raw[:16] + bytes(4)


_TOS_KINDS: Final = {(socket.IPPROTO_IP, socket.IP_TOS)} | (
    {(socket.IPPROTO_IPV6, socket.IPV6_TCLASS)} if hasattr(socket, "IPV6_TCLASS") else set()
)
_INFO_KINDS: Final = {(socket.IPPROTO_IP, _IP_PKTINFO)} | (
    {(socket.IPPROTO_IPV6, socket.IPV6_PKTINFO)} if hasattr(socket, "IPV6_PKTINFO") else set()
)
