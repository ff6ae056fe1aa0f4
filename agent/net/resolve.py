"""Names to addresses within a bound, telling "there is none" from "nobody answered".

ResolveError
├── NotResolved      the resolver answered: the name has no address (of this family)
└── ResolverFailed   the resolver did not answer, or not in time
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from agent.net.bounded import Asked, Hanging

if TYPE_CHECKING:
    from agent.context import Context

Family = Literal["any", "4", "6"]

FRESH_MS: Final = 300_000
MOST_NAMES: Final = 64

_FAMILIES: Final = {"any": socket.AF_UNSPEC, "4": socket.AF_INET, "6": socket.AF_INET6}
_NO_SUCH: Final = frozenset(
    getattr(socket, name) for name in ("EAI_NONAME", "EAI_NODATA", "EAI_ADDRFAMILY") if hasattr(socket, name)
)


class ResolveError(Exception):
    """Root of why a name gave no address."""


class NotResolved(ResolveError):
    """An answer: no."""


class ResolverFailed(ResolveError):
    """No answer."""


@dataclass(frozen=True, slots=True)
class Address:
    """A numeric address. `origin`: literal, resolver, or remembered from an earlier run."""

    text: str
    origin: Literal["literal", "resolver", "remembered"]


@dataclass(slots=True)
class _Name:
    """What a probe remembers of one name between runs."""

    address: str = ""
    at_ms: int = 0
    asked: Asked[str] | None = None


def find(host: str, family: Family, ctx: Context, timeout_s: float) -> Address:
    """The address of `host`, asked at most every five minutes. Raises ResolveError.

    Where the resolver is silent the last address is used: on a cut line the resolver is cut off too, and that must not
    hide that nothing answers any more.
    """
    literal = _literal(host, family)
    if literal is not None:
        return Address(literal, "literal")
    name = _remembered(host, family, ctx)
    if name.address and ctx.clock.mono_ms() - name.at_ms < FRESH_MS:
        return Address(name.address, "remembered")
    try:
        name.address, name.at_ms = _ask(name, host, family, timeout_s), ctx.clock.mono_ms()
    except ResolverFailed:
        if not name.address:
            raise
        return Address(name.address, "remembered")
    return Address(name.address, "resolver")


def ask(host: str, family: Family, ctx: Context, timeout_s: float) -> Address:
    """The address of `host` as the resolver says it now, for whoever measures the resolver too. Raises ResolveError."""
    literal = _literal(host, family)
    if literal is not None:
        return Address(literal, "literal")
    return Address(_ask(_remembered(host, family, ctx), host, family, timeout_s), "resolver")


def _literal(host: str, family: Family) -> str | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    if family not in ("any", str(address.version)):
        raise NotResolved(f"{host} is no IPv{family} address")
    return host


def _remembered(host: str, family: Family, ctx: Context) -> _Name:
    key = f"address {family} {host}"
    name = ctx.memory.get(key)
    if not isinstance(name, _Name):
        if len(ctx.memory) >= MOST_NAMES:
            ctx.memory.clear()
        name = ctx.memory[key] = _Name()
    return name


def _ask(name: _Name, host: str, family: Family, timeout_s: float) -> str:
    if name.asked is None or not name.asked.hangs:
        name.asked = Asked(lambda: _lookup(host, family), "resolve")
    try:
        return name.asked.answer(timeout_s)
    except Hanging as error:
        raise ResolverFailed(f"the resolver gave {error}") from error
    except socket.gaierror as error:
        kind = NotResolved if error.errno in _NO_SUCH else ResolverFailed
        raise kind(error.strerror or str(error)) from error
    except UnicodeError as error:
        raise NotResolved("this can be no name") from error


def _lookup(host: str, family: Family) -> str:
    return str(socket.getaddrinfo(host, None, _FAMILIES[family], socket.SOCK_DGRAM)[0][4][0])
