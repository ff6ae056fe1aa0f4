"""A neighbour to measure: a network namespace behind a veth pair, so that nothing leaves this machine."""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bench.process import BenchError


@dataclass(frozen=True, slots=True)
class Peer:
    """`address` is the neighbour's, `inside` the name of its namespace. Addresses of RFC 5737."""

    inside: str
    here: str
    address: str


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchError(f"{' '.join(command)}: {done.stderr.strip()}")


@contextmanager
def neighbour() -> Iterator[Peer]:
    """Make a namespace with one end of a veth pair in it. Needs root."""
    if os.geteuid():
        raise BenchError("network namespaces need root")
    mark = secrets.token_hex(3)
    peer = Peer(f"mcb-{mark}", "192.0.2.1", "192.0.2.2")
    run("ip", "netns", "add", peer.inside)
    try:
        run("ip", "link", "add", f"mcb{mark}", "type", "veth", "peer", "name", "eth0", "netns", peer.inside)
        run("ip", "addr", "add", f"{peer.here}/30", "dev", f"mcb{mark}")
        run("ip", "link", "set", f"mcb{mark}", "up")
        for command in (f"addr add {peer.address}/30 dev eth0", "link set eth0 up", "link set lo up"):
            run("ip", "-n", peer.inside, *command.split())
        yield peer
    finally:
        run("ip", "netns", "del", peer.inside)
