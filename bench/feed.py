"""Agents that report while something else is measured, in a process of their own: `bench.feed FILE PORT RATE`.

FILE is a JSON list of `bench.home.Enrolled`. Sends RATE batches a second in an open loop until it is ended; says on
standard error, every ten seconds, how many were taken.
"""

from __future__ import annotations

import asyncio
import sys
from itertools import cycle
from pathlib import Path
from typing import Final

import msgspec

from bench.frame import say
from bench.home import Enrolled, senders
from bench.load import open_loop
from wire.client import fetch_ca, pinned

ROUND_S: Final = 10.0
CONNECTIONS: Final = 8


def main() -> None:
    known = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=list[Enrolled])
    port, rate = int(sys.argv[2]), float(sys.argv[3])
    tls = pinned(fetch_ca(f"https://127.0.0.1:{port}"))
    players = senders(known)
    turns = [cycle(players[n::CONNECTIONS]) for n in range(CONNECTIONS)]
    while True:
        done = asyncio.run(
            open_loop(
                port, tls, lambda n: next(turns[n]).request(), connections=CONNECTIONS, per_s=rate, seconds=ROUND_S
            )
        )
        say(f"{done.good} taken in {done.seconds:.0f} s {done.flaws()}")


if __name__ == "__main__":
    main()
