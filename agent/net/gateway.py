"""The next hop of the default route, read from Linux' route tables.

GatewayError
├── NoGateway     there is no default route, or one without a next hop
└── Unsupported   this system keeps its routes elsewhere
"""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

MAX_TABLE_BYTES: Final = 1024 * 1024

_UP, _GATEWAY, _REJECT = 0x1, 0x2, 0x200  # linux/route.h


class GatewayError(Exception):
    """Root of why there is no gateway to ask."""


class NoGateway(GatewayError):
    """Nothing to ask; the text says what the routes hold instead."""


class Unsupported(GatewayError):
    """Not on this kind of machine."""


@dataclass(frozen=True, slots=True)
class Route:
    """A default route: `gateway` is None on a point-to-point interface, which has no next hop."""

    gateway: str | None
    interface: str
    metric: int


def find(proc: Path, family: Literal["any", "4", "6"] = "any") -> str:
    """The address of the gateway, IPv4 first, with its interface where it is link-local. Raises GatewayError."""
    tables = _tables(proc)
    four = default_routes_v4(tables[0]) if family in ("any", "4") else []
    six = default_routes_v6(tables[1]) if family in ("any", "6") else []
    return _best([*four, *six])


def outlet(proc: Path) -> str | None:
    """The interface of the default route, IPv4 first; None where there is no such route. Raises Unsupported."""
    four, six = _tables(proc)
    routes = [*default_routes_v4(four), *default_routes_v6(six)]
    return routes[0].interface if routes else None


def leads(proc: Path, interface: str, address: str) -> bool:
    """Whether the main table has a route to an IPv4 address by this interface; True where that cannot be told.

    Linux takes whatever is sent by an interface without such a route for a neighbour there, and so asks nobody.
    """
    table = _read(proc / "net/route")
    return table is None or any(_covers(line, interface, address) for line in table.splitlines()[1:])


def _covers(line: str, interface: str, address: str) -> bool:
    try:
        name, destination, _, flags, _, _, _, mask = line.split()[:8]
        wanted = int.from_bytes(struct.pack("=I", int(destination, 16)), "big")
        bits = int.from_bytes(struct.pack("=I", int(mask, 16)), "big")
        return name == interface and _usable(int(flags, 16)) and int(ipaddress.IPv4Address(address)) & bits == wanted
    except (ValueError, struct.error):
        return False


def _best(routes: list[Route]) -> str:
    found = next((route.gateway for route in routes if route.gateway), None)
    if found is not None:
        return found
    if routes:
        raise NoGateway(f"the default route goes out on {routes[0].interface} without a next hop")
    raise NoGateway("there is no default route")


def _tables(proc: Path) -> tuple[str, str]:
    four, six = _read(proc / "net/route"), _read(proc / "net/ipv6_route")
    if four is None and six is None:
        raise Unsupported("the route table is read from /proc/net, which this system does not have")
    return four or "", six or ""


def _read(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return file.read(MAX_TABLE_BYTES).decode("ascii", "replace")
    except OSError:
        return None


def default_routes_v4(table: str) -> list[Route]:
    """Default routes of /proc/net/route, lowest metric first. A line that cannot be read is no route."""
    return sorted(filter(None, map(_route_v4, table.splitlines()[1:])), key=lambda route: route.metric)


def _route_v4(line: str) -> Route | None:
    try:
        interface, destination, gateway, flags, _, _, metric, mask = line.split()[:8]
        if int(destination, 16) or int(mask, 16) or not _usable(int(flags, 16)):
            return None
        hop = str(ipaddress.IPv4Address(struct.pack("=I", int(gateway, 16)))) if int(flags, 16) & _GATEWAY else None
        return Route(hop, interface, int(metric))
    except (ValueError, struct.error):
        return None


def default_routes_v6(table: str) -> list[Route]:
    """Default routes of /proc/net/ipv6_route, lowest metric first. A line that cannot be read is no route."""
    return sorted(filter(None, map(_route_v6, table.splitlines())), key=lambda route: route.metric)


def _route_v6(line: str) -> Route | None:
    try:
        destination, prefix, _, _, hop, metric, _, _, flags, interface = line.split()
        if int(destination, 16) or int(prefix, 16) or not _usable(int(flags, 16)) or interface == "lo":
            return None
        address = ipaddress.IPv6Address(bytes.fromhex(hop)) if int(flags, 16) & _GATEWAY else None
        scope = f"%{interface}" if address is not None and address.is_link_local else ""
        return Route(None if address is None else f"{address}{scope}", interface, int(metric, 16))
    except ValueError:
        return None


def _usable(flags: int) -> bool:
    return bool(flags & _UP) and not flags & _REJECT
