"""What carries a train: a link sends packets by number and hears what comes back for them.

LinkError
├── NoPermission   the operating system does not let this agent use such a link; the text names the remedy
├── NoWay          this machine itself knows no way to the address
├── NoExit         this machine has not the interface or the address that the packets are to leave by
└── NotPossible    such a link cannot be had here (no IPv6, an address that no packet can be sent to)
"""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

NO_WAY: Final = frozenset(
    {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN, errno.EADDRNOTAVAIL, errno.ENODEV}
)
NOT_POSSIBLE: Final = frozenset({errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT, errno.EINVAL, errno.ENOPROTOOPT})
FORBIDDEN: Final = frozenset({errno.EPERM, errno.EACCES})
PASSING: Final = frozenset({errno.ENOBUFS, errno.EAGAIN, errno.ENOMEM})


class LinkError(Exception):
    """Root of what keeps a link from sending."""


class NoPermission(LinkError):
    """The operating system does not let this agent."""


class NoWay(LinkError):
    """There is no route from this machine."""


class NoExit(LinkError):
    """Not the interface, or not the address, that the line is reached by."""


class NotPossible(LinkError):
    """Not on this machine, or not to this address."""


@dataclass(frozen=True, slots=True)
class Exit:
    """How packets leave this machine: by an interface, from an address of its own; empty: as its routes say.

    An interface alone decides; a source address only where a routing rule of this machine heeds it.
    """

    interface: str = ""
    source: str = ""

    def tie(self, sock: socket.socket) -> None:
        """Bind a socket that is not connected yet. Raises NoPermission with its remedy, NoExit, NotPossible."""
        if self.interface:
            _tie_to_interface(sock, self.interface)
        if self.source:
            try:
                sock.bind(socket.getaddrinfo(self.source, 0, sock.family, socket.SOCK_DGRAM)[0][4])
            except OSError as error:  # of another version of IP, too
                raise NoExit(f"{self.source} is no address of this machine: {error.strerror}") from error


ANY_EXIT: Final = Exit()


def _tie_to_interface(sock: socket.socket, name: str) -> None:
    option = getattr(socket, "SO_BINDTODEVICE", None)
    if option is None:
        raise NotPossible("only Linux can choose the interface that a packet leaves by")
    try:
        sock.setsockopt(socket.SOL_SOCKET, option, name.encode() + b"\0")
    except PermissionError as error:
        raise NoPermission(
            f"{name}: choosing an interface needs Linux 5.7, or CAP_NET_RAW (AmbientCapabilities=CAP_NET_RAW)"
        ) from error
    except OSError as error:
        raise NoExit(f"there is no interface {name}: {error.strerror}") from error


@dataclass(frozen=True, slots=True)
class Heard:
    """What came back for packet `number`: an answer, or with `refusal` somebody's word that it will not arrive.

    `expired`: it had been sent so that it ends on the way, and whoever was there said so.
    """

    number: int
    at: float
    by: str
    refusal: str | None = None
    expired: bool = False


class Link(Protocol):
    """Not for two threads at once. `method` names it in the detail of an observation."""

    method: str

    def send(self, number: int) -> None:
        """Let packet `number` leave. Raises LinkError where this machine itself refuses."""

    def receive(self, wait_s: float) -> Heard | None:
        """What was heard within `wait_s` seconds, else None; None at once too for what was not meant for this train."""

    def close(self) -> None: ...


def now_s() -> float:
    """The clock of trains: seconds that count suspend where the system offers that, finer than a microsecond."""
    boottime = getattr(time, "CLOCK_BOOTTIME", None)
    return time.perf_counter() if boottime is None else time.clock_gettime(boottime)


Now = Callable[[], float]


def link_error(error: OSError) -> LinkError | None:
    """The error of a send or an open by its kind; None where it passes by itself (buffers full)."""
    text = error.strerror or str(error)
    if error.errno in PASSING:
        return None
    if error.errno in FORBIDDEN:
        return NoPermission(f"{text}: a firewall of this machine forbids the packet, or the address is a broadcast one")
    if error.errno in NO_WAY:
        return NoWay(text)
    return NotPossible(text)
