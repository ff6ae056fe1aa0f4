"""Links whose packets end on the way: packet `number` may pass `hop_of(number)` - 1 routers, the next one reports it.

By echo requests, where the system allows them; by datagrams and by TCP connections anybody may, on Linux.
Echo requests of one link carry one checksum and connections one pair of ports at each hop: whoever shares load by
flow (RFC 2992) sends all echo requests of a look one way; datagrams, told apart by their port, may go several.
"""

from __future__ import annotations

import errno
import os
import selectors
import socket
import sys
from collections import deque
from typing import TYPE_CHECKING, Final

from agent.net import errqueue
from agent.net.links import Exit, Heard, LinkError, NotPossible, Now, link_error, now_s

if TYPE_CHECKING:
    from agent.net.links import Link

MOST_HOPS: Final = 63
FIRST_PORT: Final = 33434
"""Where traceroute has always sent its datagrams: nobody listens there."""

_TRIES: Final = 4
_ANSWERED: Final = (0, errno.ECONNREFUSED, errno.ECONNRESET)
_STARTED: Final = (0, errno.EINPROGRESS, errno.EWOULDBLOCK, errno.ECONNREFUSED)
_TTL: Final = {4: (socket.IPPROTO_IP, socket.IP_TTL), 6: (socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS)}


def number_of(hop: int, attempt: int) -> int:
    """The packet that asks a hop, counted from 1, for the nth time, counted from 0."""
    return attempt << 6 | hop


def hop_of(number: int) -> int:
    """Which hop a packet asks."""
    return number & MOST_HOPS


def by_echo(address: str, leave: Exit) -> Link:
    """Echo requests. Raises NoPermission with its remedy, and what else agent.net.icmp.EchoLink raises."""
    import icmplib  # not on every machine; the other ways need nothing

    from agent.net.icmp import EchoLink

    class HopEcho(EchoLink):
        def _request(self, number: int) -> icmplib.ICMPRequest:
            # The sum of both words is the same for every packet, and so is the checksum over them.
            body = self._mark.cookie + (0xFFFF - number).to_bytes(2, "big") + bytes(46)
            return icmplib.ICMPRequest(self._address, self._mark.ident, number, payload=body, ttl=hop_of(number))

    return HopEcho(address, leave=leave)


class _Queued:
    """What links by datagram and by connection have in common: one numeric address, and Linux' error queue."""

    def __init__(self, address: str, leave: Exit, now: Now) -> None:
        if sys.platform != "linux":
            raise NotPossible("only Linux tells a program without privileges which router let its packet end")
        self._address, self._leave, self._now = address, leave, now
        self._version: Final = 6 if ":" in address else 4
        self._family = socket.AF_INET6 if self._version == 6 else socket.AF_INET
        self._heard: deque[Heard] = deque()

    def _where(self, port: int) -> tuple[object, ...]:
        return socket.getaddrinfo(self._address, port, self._family, socket.SOCK_DGRAM)[0][4]

    def _open(self, kind: socket.SocketKind) -> socket.socket:
        sock = socket.socket(self._family, kind)
        try:
            sock.setblocking(False)
            self._leave.tie(sock)
            errqueue.listen(sock)
        except (LinkError, OSError) as error:
            sock.close()
            raise error if isinstance(error, LinkError) else link_error(error) or error from error
        return sock

    def _limit(self, sock: socket.socket, number: int) -> None:
        level, option = _TTL[self._version]
        sock.setsockopt(level, option, hop_of(number))


class HopUdp(_Queued):
    """Datagrams to ports where nobody listens: the target itself is told by its refusal of them."""

    method = "udp"

    def __init__(self, address: str, leave: Exit, now: Now = now_s) -> None:
        super().__init__(address, leave, now)
        self._socket = self._open(socket.SOCK_DGRAM)

    def close(self) -> None:
        self._socket.close()

    def send(self, number: int) -> None:
        self._limit(self._socket, number)
        for _ in range(_TRIES):
            try:
                self._socket.sendto(bytes(32), self._where(FIRST_PORT + number))
                return
            except OSError as error:
                # What routers said of earlier packets is reported here too, once each.
                failed = error
                self._read_errors()
        raise link_error(failed) or failed

    def receive(self, wait_s: float) -> Heard | None:
        if not self._heard:
            self._listen(wait_s)
        return self._heard.popleft() if self._heard else None

    def _listen(self, wait_s: float) -> None:
        self._socket.settimeout(max(0.0, wait_s))
        try:
            _, source = self._socket.recvfrom(64)
        except (TimeoutError, BlockingIOError):
            return
        except OSError:
            self._read_errors()
            return
        finally:
            self._socket.setblocking(False)
        self._heard.append(Heard(source[1] - FIRST_PORT, self._now(), str(source[0])))

    def _read_errors(self) -> None:
        for _, ancillary, port in errqueue.entries(self._socket):
            number = int(port or 0) - FIRST_PORT
            heard = errqueue.refusal_of(ancillary, number, self._version, self._now())
            if heard is not None:
                self._heard.append(heard)


class HopTcp(_Queued):
    """Connections to one port: taken or refused, the target has answered."""

    method = "tcp"

    def __init__(self, address: str, port: int, leave: Exit, now: Now = now_s) -> None:
        super().__init__(address, leave, now)
        self._port, self._selector = port, selectors.DefaultSelector()
        try:
            self._open(socket.SOCK_STREAM).close()
        except (LinkError, OSError):
            self._selector.close()
            raise

    def close(self) -> None:
        for key in list(self._selector.get_map().values()):
            self._end(key.fileobj)
        self._selector.close()

    def send(self, number: int) -> None:
        connection = self._open(socket.SOCK_STREAM)
        self._limit(connection, number)
        code = connection.connect_ex(self._where(self._port))
        if code not in _STARTED:
            connection.close()
            error = OSError(code, os.strerror(code))
            raise link_error(error) or error
        self._selector.register(connection, selectors.EVENT_WRITE, number)

    def receive(self, wait_s: float) -> Heard | None:
        for key, _ in self._selector.select(max(0.0, wait_s)):
            heard = self._answer(key.data, key.fileobj)
            self._end(key.fileobj)
            if heard is not None:
                return heard
        return None

    def _answer(self, number: int, connection: object) -> Heard | None:
        if not isinstance(connection, socket.socket):
            return None
        at, code = self._now(), connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code in _ANSWERED:
            return Heard(number, at, self._address)
        told = (errqueue.refusal_of(entry[1], number, self._version, at) for entry in errqueue.entries(connection))
        return next((heard for heard in told if heard is not None), None)

    def _end(self, connection: object) -> None:
        if isinstance(connection, socket.socket):
            self._selector.unregister(connection)
            connection.close()
