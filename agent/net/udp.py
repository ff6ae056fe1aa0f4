"""UDP questions to the province's reflector (wire/reflecting.py): one socket, so that nothing on the way tells its
packets apart but their DSCP.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

from agent.net.links import ANY_EXIT, Exit, Heard, LinkError, NotPossible, link_error, now_s
from wire import reflecting as said
from wire.datagram import Datagram, Receiver, set_tos
from wire.reflecting import Answer, BadPacket, Pass

T = TypeVar("T")

TRIES: Final = 3
TRY_S: Final = 0.7
SESSION_BYTES: Final = 8
_GONE: Final = frozenset({errno.ECONNREFUSED})


class Refused(Exception):
    """The reflector's host says that nothing listens there."""


class Silent(Exception):
    """No answer to several asks."""


class Busy(Exception):
    """The reflector has no room now."""


@dataclass(frozen=True, slots=True)
class Packet:
    """How a packet of a train is sent."""

    tos: int
    size: int


@dataclass(frozen=True, slots=True)
class Echo:
    """An answer as it came: what the reflector said, its arrival in seconds of our clock, and the TOS it came with."""

    answer: Answer
    at: float
    tos: int


@dataclass(slots=True)
class Reflection:
    """A link (agent/net/links.py) to one reflector. `packets`: how each number of the train is sent.

    Raises LinkError where this machine cannot send there.
    """

    address: str
    port: int
    packets: list[Packet]
    leave: Exit = ANY_EXIT
    method: str = "udp"
    echoes: dict[int, Echo] = field(default_factory=dict)
    refused: bool = False
    _session: bytes = field(default_factory=lambda: os.urandom(SESSION_BYTES))
    _cookie: bytes = b""
    _tos: int = 0
    _sock: socket.socket = field(init=False)
    _receiver: Receiver = field(init=False)

    def __post_init__(self) -> None:
        family = socket.AF_INET6 if ":" in self.address else socket.AF_INET
        if not hasattr(socket.socket, "recvmsg"):
            raise NotPossible("this system does not tell the TOS of a datagram")
        try:
            where = socket.getaddrinfo(self.address, self.port, family, socket.SOCK_DGRAM)[0][4]
            self._sock = socket.socket(family, socket.SOCK_DGRAM)
        except OSError as error:  # no such version of IP here, or no address at all
            raise NotPossible(error.strerror or str(error)) from error
        try:
            self._begin(where)
        except BaseException:
            self._sock.close()
            raise

    def _begin(self, where: tuple[object, ...]) -> None:
        try:
            self.leave.tie(self._sock)
            self._receiver = Receiver(self._sock, lambda: round(now_s() * 1e9))
            self._sock.connect(where)
        except OSError as error:
            raise link_error(error) or error from error

    def close(self) -> None:
        self._sock.close()

    # --- before the train, and after it -----------------------------------------------------------------------------

    def enter(self, who: Pass, left_s: float) -> None:
        """Ask to be answered. Raises Refused, Silent or Busy; LinkError where this machine itself refuses."""
        nonce = os.urandom(8)
        cookie = self._ask(said.ask(who, self._session, nonce), left_s, lambda data: self._granted(data, nonce))
        if not cookie:
            raise Busy
        self._cookie = cookie

    def arrived(self, left_s: float) -> int | None:
        """The questions that reached the reflector, a bit for each; None where it does not say any more."""
        nonce = os.urandom(8)
        try:
            self._as_best_effort()
            return self._ask(
                said.count(self._session, self._cookie, nonce), left_s,
                lambda data: said.read_counted(data, self._session, nonce),
            )  # fmt: skip
        except (Refused, Silent, LinkError):
            return None

    def _granted(self, data: bytes, nonce: bytes) -> bytes:
        return said.read_grant(data, self._session, nonce) or b""

    def _as_best_effort(self) -> None:
        set_tos(self._sock, 0)
        self._tos = 0

    def _ask(self, text: bytes, left_s: float, read: Callable[[bytes], T]) -> T:
        """Ask up to three times; what `read` made of the first answer that it takes."""
        end = now_s() + min(left_s, TRIES * TRY_S)
        for turn in range(TRIES):
            self._put(text)
            until = min(end, now_s() + TRY_S) if turn < TRIES - 1 else end
            while (wait_s := until - now_s()) > 0:
                found = self._next(wait_s)
                if self.refused:
                    raise Refused
                try:
                    if found is not None:
                        return read(found.data)
                except BadPacket:
                    continue
        raise Silent

    # --- the train --------------------------------------------------------------------------------------------------

    def send(self, number: int) -> None:
        packet = self.packets[number]
        if packet.tos != self._tos:
            set_tos(self._sock, packet.tos)
            self._tos = packet.tos
        sent_ns = round(now_s() * 1e9)
        self._put(said.question(self._session, self._cookie, number, sent_ns, tos=packet.tos, size=packet.size))

    def receive(self, wait_s: float) -> Heard | None:
        found = self._next(wait_s)
        if found is None:
            return None
        try:
            answer = said.read_answer(found.data, self._session)
        except BadPacket:
            return None
        if answer.number >= len(self.packets) or answer.number in self.echoes:
            return None
        echo = self.echoes[answer.number] = Echo(answer, found.at_ns / 1e9, found.tos)
        return Heard(answer.number, echo.at, self.address)

    def _next(self, wait_s: float) -> Datagram | None:
        """What comes within `wait_s` seconds; None also for a refusal, which is noted."""
        self._sock.settimeout(max(0.0, wait_s))
        try:
            return self._receiver.receive()
        except (TimeoutError, BlockingIOError):
            return None
        except OSError as error:
            self.refused |= error.errno in _GONE
            return None

    def _put(self, data: bytes) -> None:
        try:
            self._sock.send(data)
        except OSError as error:
            if error.errno in _GONE:  # of an earlier packet; this one has not left
                self.refused = True
                return
            raise link_error(error) or error from error
