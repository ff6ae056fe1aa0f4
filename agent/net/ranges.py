"""Which addresses belong to everybody, and which to somebody's own network."""

from __future__ import annotations

import ipaddress
from typing import Final

_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
# RFC 5737 and 3849: addresses for examples stand for those of the internet, and lead nowhere.
_EXAMPLES: Final = tuple(
    map(ipaddress.ip_network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"))
)

Ip = ipaddress.IPv4Address | ipaddress.IPv6Address


def is_public(address: str) -> bool:
    """Whether a numeric address is one of the open internet: not loopback, private, link-local, multicast or reserved.

    An IPv4 address in the clothes of IPv6 (mapped, 6to4, NAT64) is what it carries.
    """
    carried = _carried(ipaddress.ip_address(address))
    return (carried.is_global and not carried.is_multicast) or any(carried in example for example in _EXAMPLES)


def _carried(ip: Ip) -> Ip:
    if isinstance(ip, ipaddress.IPv4Address):
        return ip
    if ip in _NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or ip


def literal(host: str) -> bool:
    """Whether `host` is a numeric address and no name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
