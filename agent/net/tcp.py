"""The way out where ICMP is not allowed: a train of TCP connections, each closed as soon as it stands.

A reset is an answer too: something at that address heard us. TCP itself repeats a lost SYN after one second (RFC 6298),
so an answer that takes longer than that says nothing about the first packet, and is not waited for.
"""

from __future__ import annotations

import errno
import selectors
import socket
from typing import Final

from agent.net.links import ANY_EXIT, Exit, Heard, LinkError, Now, link_error, now_s

LONGEST_WAIT_S: Final = 0.95
_ANSWERED: Final = (0, errno.ECONNREFUSED, errno.ECONNRESET)


class TcpLink:
    """Connections to one numeric address and port. A second answer to the same packet cannot happen."""

    method = "tcp"

    def __init__(self, address: str, port: int, now: Now = now_s, leave: Exit = ANY_EXIT) -> None:
        self._family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._where = socket.getaddrinfo(address, port, self._family, socket.SOCK_STREAM)[0][4]
        self._address, self._now, self._leave = address, now, leave
        self._selector = selectors.DefaultSelector()

    def __enter__(self) -> TcpLink:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        for key in list(self._selector.get_map().values()):
            self._end(key.fileobj)
        self._selector.close()

    def send(self, number: int) -> None:
        connection = socket.socket(self._family, socket.SOCK_STREAM)
        connection.setblocking(False)
        try:
            self._leave.tie(connection)
        except LinkError:
            connection.close()
            raise
        code = connection.connect_ex(self._where)
        if code not in (0, errno.EINPROGRESS, errno.EWOULDBLOCK, errno.ECONNREFUSED):
            connection.close()
            error = OSError(code, errno.errorcode.get(code, str(code)))
            raise link_error(error) or error
        self._selector.register(connection, selectors.EVENT_WRITE, number)

    def receive(self, wait_s: float) -> Heard | None:
        for key, _ in self._selector.select(max(0.0, wait_s)):
            at, code = self._now(), _code(key.fileobj)
            self._end(key.fileobj)
            if code in _ANSWERED:
                return Heard(key.data, at, self._address)
            return Heard(key.data, at, "this machine", errno.errorcode.get(code, str(code)))
        return None

    def _end(self, connection: object) -> None:
        if isinstance(connection, socket.socket):
            self._selector.unregister(connection)
            connection.close()


def _code(connection: object) -> int:
    return connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) if isinstance(connection, socket.socket) else 0
