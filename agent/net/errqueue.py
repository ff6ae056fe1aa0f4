"""Linux' error queue of a socket (ip(7), IP_RECVERR): which router said what of which packet, without any privilege."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from typing import Final, Literal

from agent.net.links import Heard

# linux/in.h, linux/in6.h, linux/errqueue.h: names that Python does not carry yet
RECVERR: Final = {4: (socket.IPPROTO_IP, 11), 6: (socket.IPPROTO_IPV6, 25)}
_ORIGIN_ICMP: Final = (2, 3)
_EXPIRED: Final = {4: 11, 6: 3}
_EXTENDED_ERROR: Final = struct.Struct("=I4BII")
_TEXTS: Final = {
    (4, 3, 0): "network unreachable", (4, 3, 1): "host unreachable", (4, 3, 2): "protocol unreachable",
    (4, 3, 3): "port unreachable", (4, 3, 9): "network prohibited", (4, 3, 10): "host prohibited",
    (4, 3, 13): "administratively prohibited", (6, 1, 0): "no route", (6, 1, 1): "administratively prohibited",
    (6, 1, 3): "address unreachable", (6, 1, 4): "port unreachable", (6, 1, 5): "source policy",
    (6, 1, 6): "route rejected", (4, 11, 0): "time exceeded on the way", (6, 3, 0): "time exceeded on the way",
}  # fmt: skip

Ancillary = list[tuple[int, int, bytes]]


def listen(sock: socket.socket) -> None:
    """Have what routers say of this socket's packets queued. Raises OSError where the system cannot."""
    level, option = RECVERR[6 if sock.family == socket.AF_INET6 else 4]
    sock.setsockopt(level, option, 1)


def entries(sock: socket.socket) -> Iterator[tuple[bytes, Ancillary, str]]:
    """All that is queued now: what is quoted of our packet, what is said of it, and the port it went to (as text)."""
    while True:
        try:
            data, ancillary, _, target = sock.recvmsg(512, 512, socket.MSG_ERRQUEUE)
        except OSError:
            return
        yield data, ancillary, str(target[1]) if isinstance(target, tuple) and len(target) > 1 else ""


def refusal_of(ancillary: Ancillary, number: int, version: Literal[4, 6], at: float) -> Heard | None:
    """What an ICMP message in the queue says of packet `number`; None where there is none."""
    for level, kind, raw in ancillary:
        if (level, kind) != RECVERR[version] or len(raw) < _EXTENDED_ERROR.size:
            continue
        error, origin, icmp_type, icmp_code, _, _, _ = _EXTENDED_ERROR.unpack_from(raw)
        if origin in _ORIGIN_ICMP:
            text = _TEXTS.get((version, icmp_type, icmp_code)) or os.strerror(error)
            by = _offender(raw[_EXTENDED_ERROR.size :], version)
            expired = icmp_type == _EXPIRED[version]
            return Heard(number, at, by, f"{text} (type {icmp_type} code {icmp_code})", expired)
    return None


def _offender(raw: bytes, version: int) -> str:
    """The sockaddr behind an extended error: who sent it."""
    family, start, size = (socket.AF_INET6, 8, 16) if version == 6 else (socket.AF_INET, 4, 4)
    part = raw[start : start + size]
    return socket.inet_ntop(family, part) if len(part) == size else "?"
