"""A chain of routers in namespaces: `here` – r1 – r2 – … – `far`, for tests of ways and of where they break off.

Cable n joins place n-1 to place n, as 192.0.2.<4n+1> – <4n+2> and 2001:db8:<n>::1 – ::2; its devices are `down<n>` on
the near side and `up<n>` on the far one. Every place routes by its neighbours, whatever is further out by default.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from tests.support.netns import Namespace, namespace

_numbers = itertools.count()


def near_v4(cable: int) -> str:
    return f"192.0.2.{4 * cable + 1}"


def far_v4(cable: int) -> str:
    return f"192.0.2.{4 * cable + 2}"


def near_v6(cable: int) -> str:
    return f"2001:db8:{cable}::1"


def far_v6(cable: int) -> str:
    return f"2001:db8:{cable}::2"


@dataclass(frozen=True, slots=True)
class Chain:
    """`places[0]` is here, the last one the target, those in between routers. Hop n is `places[n]`."""

    places: Sequence[Namespace]

    @property
    def here(self) -> Namespace:
        return self.places[0]

    @property
    def length(self) -> int:
        """Hops to the target, itself included."""
        return len(self.places) - 1

    def hops(self, version: int = 4) -> list[str]:
        """The address that answers at each hop: the one that faces here."""
        return [(far_v4 if version == 4 else far_v6)(n) for n in range(1, len(self.places))]

    def target(self, version: int = 4) -> str:
        return self.hops(version)[-1]

    def cut(self, cable: int) -> None:
        """Let nothing come over a cable any more; its near end does not notice."""
        self._rule(cable, "prerouting", f'iifname "up{cable}" drop')

    def hush(self, hop: int) -> None:
        """Let a router pass everything on and never say that a packet ended there."""
        self._rule(hop, "output", "icmp type time-exceeded drop")
        self._rule(hop, "output", "icmpv6 type time-exceeded drop")

    def refuse(self, hop: int) -> None:
        """Let a router pass nothing on and say so."""
        self._rule(hop, "forward", f'iifname "up{hop}" reject with icmpx no-route')

    def mend(self) -> None:
        """Take all of that back."""
        for place in self.places:
            place.run("nft", "flush ruleset")

    def _rule(self, hop: int, hook: str, rule: str) -> None:
        table = f"add table inet t\nadd chain inet t {hook} {{ type filter hook {hook} priority 0; }}\n"
        self.places[hop].run("nft", "-f", "-", stdin=f"{table}add rule inet t {hook} {rule}\n")


@contextmanager
def chained(length: int = 4) -> Iterator[Chain]:
    """A fresh chain of so many hops, removed at the end."""
    mark = f"{os.getpid()}-{next(_numbers)}"
    with ExitStack() as stack:
        places = [stack.enter_context(namespace(f"mc-hop{n}-{mark}")) for n in range(length + 1)]
        for cable in range(1, length + 1):
            lay(places[cable - 1], places[cable], cable)
        for n, place in enumerate(places):
            _route(place, n, length)
        yield Chain(places)


def lay(near: Namespace, far: Namespace, cable: int) -> None:
    """One cable between two places, addressed both ways, its neighbours known."""
    macs = (f"02:00:5e:20:{cable:02x}:01", f"02:00:5e:20:{cable:02x}:02")
    near.ip(f"link add down{cable} address {macs[0]} type veth peer name up{cable} netns {far.name}")
    far.ip(f"link set up{cable} address {macs[1]}")
    ends = (
        (near, f"down{cable}", near_v4(cable), near_v6(cable), far_v4(cable), far_v6(cable), macs[1]),
        (far, f"up{cable}", far_v4(cable), far_v6(cable), near_v4(cable), near_v6(cable), macs[0]),
    )
    for place, device, four, six, its_four, its_six, mac in ends:
        place.ip(f"addr add {four}/30 dev {device}")
        place.ip(f"addr add {six}/64 dev {device} nodad")
        place.ip(f"link set {device} up")
        place.ip(f"neigh replace {its_four} lladdr {mac} dev {device}")
        place.ip(f"neigh replace {its_six} lladdr {mac} dev {device}")


def _unbind(place: Namespace) -> None:
    """Let a place pass on what is not for it, and tell whoever asks as often as it is asked."""
    forwards = ("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
    # A router tells one neighbour little more than once a second; tests look more often than that.
    place.run("sysctl", "-q", "-w", *forwards, "net.ipv4.icmp_ratelimit=0", "net.ipv6.icmp.ratelimit=0")


def _route(place: Namespace, n: int, length: int) -> None:
    """Back by a route for each cable, out by default."""
    place.ip("link set lo up")
    _unbind(place)
    if n < length:
        place.ip(f"route add default via {far_v4(n + 1)}")
        place.ip(f"-6 route add default via {far_v6(n + 1)}")
    for cable in range(1, n):
        place.ip(f"route add {near_v4(cable).rsplit('.', 1)[0]}.{4 * cable}/30 via {near_v4(n)}")
        place.ip(f"-6 route add 2001:db8:{cable}::/64 via {near_v6(n)}")


# --- a centre with two lines ----------------------------------------------------------------------------------------

ANCHOR_A, ANCHOR_B, OFFICE = "198.51.100.1", "198.51.100.2", "198.51.100.9"
ROUTER, CARRIER_A, CARRIER_B = "192.0.2.1", "192.0.2.6", "192.0.2.10"


@dataclass(frozen=True, slots=True)
class TwoLines:
    """The usual centre: a box with one port, behind a router with two lines, of which the first one is the default.

    The router sends ANCHOR_A by line a alone and ANCHOR_B by line b alone; all else by a, or by b where a has no
    carrier. Anchors and OFFICE, where the collector stands, are addresses of `far`.
    """

    box: Namespace
    router: Namespace
    carriers: tuple[Namespace, Namespace]
    far: Namespace

    def unplug_a(self) -> None:
        """Take the cable of line a out at the carrier's end: the router sees that it has no carrier."""
        self.carriers[0].ip("link set in0 down")

    def plug_in_a(self) -> None:
        self.carriers[0].ip("link set in0 up")
        self.carriers[0].ip("route replace default via 192.0.2.14")


@contextmanager
def two_lines() -> Iterator[TwoLines]:
    """A fresh centre with two lines, removed at the end."""
    mark = f"{os.getpid()}-{next(_numbers)}"
    with ExitStack() as stack:
        names = ("box", "router", "a", "b", "far")
        box, router, a, b, far = (stack.enter_context(namespace(f"mc-{name}-{mark}")) for name in names)
        for place in (box, router, a, b, far):
            place.ip("link set lo up")
            _unbind(place)
        _cable((box, "lan0", "192.0.2.2"), (router, "lan1", ROUTER))
        _cable((router, "wan0", "192.0.2.5"), (a, "in0", CARRIER_A))
        _cable((router, "wan1", "192.0.2.9"), (b, "in0", CARRIER_B))
        _cable((a, "out0", "192.0.2.13"), (far, "from0", "192.0.2.14"))
        _cable((b, "out0", "192.0.2.17"), (far, "from1", "192.0.2.18"))
        _route_two_lines(box, router, (a, b), far)
        yield TwoLines(box, router, (a, b), far)


def _cable(*ends: tuple[Namespace, str, str]) -> None:
    (near, device, _), (far, other, _) = ends
    near.ip(f"link add {device} type veth peer name {other} netns {far.name}")
    for place, name, address in ends:
        place.ip(f"addr add {address}/30 dev {name}")
        place.ip(f"link set {name} up")


def _route_two_lines(box: Namespace, router: Namespace, carriers: Sequence[Namespace], far: Namespace) -> None:
    for address in (ANCHOR_A, ANCHOR_B, OFFICE):
        far.ip(f"addr add {address}/32 dev lo")
    box.ip(f"route add default via {ROUTER}")
    router.run("sysctl", "-q", "-w", "net.ipv4.conf.all.ignore_routes_with_linkdown=1")
    lines = ((ANCHOR_A, CARRIER_A, "192.0.2.14"), (ANCHOR_B, CARRIER_B, "192.0.2.18"))
    for n, (anchor, carrier, beyond) in enumerate(lines):
        router.run("sysctl", "-q", "-w", f"net.ipv4.conf.wan{n}.ignore_routes_with_linkdown=1")
        router.ip(f"route add default via {carrier} metric {100 * (n + 1)}")
        router.ip(f"route add {anchor} via {carrier}")
        router.ip(f"route add unreachable {anchor} metric 4000")  # a pin that falls back on the other line is none
        carriers[n].ip(f"route add default via {beyond}")
        far.ip(f"route add 192.0.2.{4 * (n + 1)}/30 via 192.0.2.{13 + 4 * n}")
    nat = "add table ip n\nadd chain ip n p { type nat hook postrouting priority 100; }\n"
    router.run("nft", "-f", "-", stdin=nat + 'add rule ip n p oifname "wan*" masquerade\n')
