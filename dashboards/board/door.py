"""The board's door: which names it answers to, who may read, who may act. Every page enters through it.

A board without passwords must not be readable through a stranger's page: the host name is checked (DNS rebinding), and
whoever does not come from this very machine, or comes through a proxy, needs a session.
"""

from __future__ import annotations

import hmac
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from collector.api import Actor, Reader
from dashboards.board.faults import Refused
from dashboards.board.visit import SESSION_COOKIE, Ask, Visit, visit

LOOPBACK_NAMES: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})
_FORWARDED: Final = ("forwarded", "x-forwarded-for")


class Door:
    """`hosts` are names the board answers to besides those of loopback, without a port."""

    def __init__(self, reader: Reader, hosts: frozenset[str]) -> None:
        self._reader = reader
        self._hosts = LOOPBACK_NAMES | {host.lower() for host in hosts}

    def enter(self, request: Ask, *, open_to_all: bool = False) -> Visit:
        """The visit behind a request. Raises Refused: 421 for a foreign host name, 403 for a far reader unknown."""
        if host_name(request.headers.get("host", "")) not in self._hosts:
            raise Refused(421, "421")
        seen = visit(request, self.actor(request))
        if seen.actor is None and not open_to_all and not near(request):
            raise Refused(403, "far_reader")
        return seen

    def actor(self, request: Ask) -> Actor | None:
        session = request.cookies.get(SESSION_COOKIE)
        return self._reader.actor(session) if session else None

    def act(self, request: Ask, csrf: str) -> Actor:
        """Who may act by this request. Raises Refused: another site's page, no session, or not its mark."""
        seen = self.enter(request)
        if not own_origin(request):
            raise Refused(403, "foreign")
        if seen.actor is None:
            raise Refused(403, "no_session")
        if not seen.actor.csrf or not hmac.compare_digest(seen.actor.csrf.encode(), csrf.encode()):
            raise Refused(403, "bad_csrf")
        return seen.actor


def host_name(header: str) -> str:
    """A Host header without its port, small letters: [::1]:8080 → [::1]."""
    name = header.lower()
    return name[: name.find("]") + 1] if name.startswith("[") else name.partition(":")[0]


def near(request: Ask) -> bool:
    """Does the reader sit at this very machine, with no proxy between?"""
    if request.client is None or any(name in request.headers for name in _FORWARDED):
        return False
    try:
        return ip_address(request.client.host).is_loopback
    except ValueError:
        return False


def address_of(request: Ask) -> str:
    """Where a request comes from: what a proxy on this very machine says, else the other end."""
    return request.client.host if request.client is not None else ""


def own_origin(request: Ask) -> bool:
    """Browsers say where a POST comes from; what says nothing is no browser and still needs the session's mark."""
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return False
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc.lower() == request.headers.get("host", "").lower()
