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


def _route(place: Namespace, n: int, length: int) -> None:
    """Back by a route for each cable, out by default."""
    place.ip("link set lo up")
    forwards = ("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
    # A router tells one neighbour little more than once a second; tests look more often than that.
    unbound = ("net.ipv4.icmp_ratelimit=0", "net.ipv6.icmp.ratelimit=0")
    place.run("sysctl", "-q", "-w", *forwards, *unbound)
    if n < length:
        place.ip(f"route add default via {far_v4(n + 1)}")
        place.ip(f"-6 route add default via {far_v6(n + 1)}")
    for cable in range(1, n):
        place.ip(f"route add {near_v4(cable).rsplit('.', 1)[0]}.{4 * cable}/30 via {near_v4(n)}")
        place.ip(f"-6 route add 2001:db8:{cable}::/64 via {near_v6(n)}")
