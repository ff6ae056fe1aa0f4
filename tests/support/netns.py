"""Two network namespaces joined by a cable, for tests of silence, loss and refusal that must not touch a real network.

`with wired() as wire:` gives `here` (where the probe runs) and `peer` (what it asks). Nothing leaves the machine: the
namespaces have no other way out. Needs root and `ip`; without root the test is skipped with that reason.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import pytest

T = TypeVar("T")

HERE_V4, PEER_V4 = "192.0.2.1", "192.0.2.2"
HERE_V6, PEER_V6 = "2001:db8::1", "2001:db8::2"

_MACS: Final = {"here0": "02:00:5e:10:00:01", "peer0": "02:00:5e:10:00:02"}
_CLONE_NEWNET: Final = 0x40000000
_numbers = itertools.count()
_LIBC: Final = ctypes.CDLL(None, use_errno=True)


def _missing() -> str | None:
    if sys.platform != "linux":
        return "network namespaces are of Linux"
    if os.geteuid() != 0:
        return "network namespaces need root"
    return None  # a tool that is missing is no reason: tests/packages.txt brings it


needs_netns = pytest.mark.skipif(_missing() is not None, reason=_missing() or "")


@dataclass(frozen=True, slots=True)
class Namespace:
    """One network namespace. Functions run in it in a thread of their own, commands in a child."""

    name: str

    def call(self, function: Callable[[], T]) -> T:
        """Run `function` inside; its sockets, and `/proc/thread-self/net`, are those of the namespace."""
        outcome: list[T] = []
        errors: list[BaseException] = []

        def run() -> None:
            try:
                _enter(self.name)
                outcome.append(function())
            except BaseException as error:  # the caller's thread is the one that must fail
                errors.append(error)

        thread = threading.Thread(target=run, name=f"in {self.name}")
        thread.start()
        thread.join()
        if errors:
            raise errors[0]
        return outcome[0]

    def run(self, *command: str, stdin: str | None = None) -> str:
        """Run a command inside; what it printed. Raises CalledProcessError."""
        return _sh("ip", "netns", "exec", self.name, *command, stdin=stdin)

    def ip(self, text: str) -> None:
        """An ip(8) command inside, without its `ip`."""
        _sh("ip", "-n", self.name, *text.split())

    def filter_input(self, *rules: str) -> None:
        """Replace what is done with packets that arrive here by these nft rules; none of them: everything is taken."""
        self.run("nft", "flush ruleset")
        if rules:
            chain = "add table inet t\nadd chain inet t i { type filter hook input priority 0; }\n"
            self.run("nft", "-f", "-", stdin=chain + "".join(f"add rule inet t i {rule}\n" for rule in rules))

    def lose(self, ratio: float) -> None:
        """Drop this share of the echo requests that arrive here, by chance; exact to one in a million."""
        number = "drop" if ratio >= 1 else f"numgen random mod 1000000 < {round(ratio * 1_000_000)} drop"
        self.filter_input(f"icmp type echo-request {number}", f"icmpv6 type echo-request {number}")

    def shape(self, device: str, rate: str, *, burst: str = "16kb", latency: str = "300ms") -> None:
        """Hold what leaves by `device` to `rate` (tc tbf), for instance 20mbit."""
        shaping = f"tc qdisc replace dev {device} root tbf rate {rate} burst {burst} latency {latency}"
        self.run(*shaping.split())

    def allow_ping(self, groups: str = "0 2147483647") -> None:
        """Set which groups may open ICMP datagram sockets here; `1 0` is nobody, as a fresh namespace has it."""
        self.run("sysctl", "-q", "-w", f"net.ipv4.ping_group_range={groups}")


@dataclass(frozen=True, slots=True)
class Wire:
    """A cable between two namespaces, addressed both ways; devices `here0` and `peer0`."""

    here: Namespace
    peer: Namespace

    def route_by_peer(self) -> None:
        """Make the peer the gateway of `here`."""
        self.here.ip(f"route replace default via {PEER_V4}")
        self.here.ip(f"-6 route replace default via {PEER_V6}")


@contextmanager
def namespace(name: str) -> Iterator[Namespace]:
    """A fresh namespace of that name, removed at the end with everything in it."""
    _sh("ip", "netns", "add", name)
    try:
        yield Namespace(name)
    finally:
        _sh("ip", "netns", "del", name)


@contextmanager
def wired() -> Iterator[Wire]:
    """A fresh pair of namespaces, removed at the end with everything in them."""
    mark = f"{os.getpid()}-{next(_numbers)}"
    with namespace(f"mc-here-{mark}") as here, namespace(f"mc-peer-{mark}") as peer:
        wire = Wire(here, peer)
        _lay(wire)
        yield wire


def _lay(wire: Wire) -> None:
    here, peer = (wire.here, "here0", HERE_V4, HERE_V6), (wire.peer, "peer0", PEER_V4, PEER_V6)
    wire.here.ip(f"link add here0 address {_MACS['here0']} type veth peer name peer0 netns {wire.peer.name}")
    wire.peer.ip(f"link set peer0 address {_MACS['peer0']}")
    for (namespace, device, four, six), (_, other, its_four, its_six) in ((here, peer), (peer, here)):
        namespace.ip(f"addr add {four}/24 dev {device}")
        namespace.ip(f"addr add {six}/64 dev {device} nodad")
        namespace.ip("link set lo up")
        namespace.ip(f"link set {device} up")
        # A fresh interface takes a second to learn its IPv6 neighbours; a test has no second to wait.
        namespace.ip(f"neigh replace {its_four} lladdr {_MACS[other]} dev {device}")
        namespace.ip(f"neigh replace {its_six} lladdr {_MACS[other]} dev {device}")


def _enter(name: str) -> None:
    """Move the calling thread, and no other, into a namespace."""
    with Path("/run/netns", name).open("rb") as file:
        if _LIBC.setns(file.fileno(), _CLONE_NEWNET) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))


def _sh(*command: str, stdin: str | None = None) -> str:
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=30)
    if done.returncode:
        error = subprocess.CalledProcessError(done.returncode, command, done.stdout, done.stderr)
        error.add_note(done.stderr)
        raise error
    return done.stdout
