"""A collector under load with its every write recorded, killed in the middle of it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from bench import trace
from bench.home import Home, furnish, senders
from bench.meter import family
from bench.mix import Sender
from bench.process import BenchError
from bench.receipts import Received
from bench.trace import Call
from bench.witness import NoReceipt, Witness

DATABASE: Final = "core.db"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Recording:
    """What the database files held before, every call on them and on sockets, and the receipts that came."""

    before: dict[str, bytes]
    calls: list[Call]
    receipts: list[Received]


def record(folder: Path, words: Sequence[str], *, connections: int, batches: int) -> Recording:
    """Run the collector of bench/serve.py with `words` under strace; `connections` clients send `batches` each."""
    home = Home(folder / "home")
    known = furnish(home, connections)
    database = home.folder / DATABASE
    before = {str(p): p.read_bytes() for p in home.folder.glob(f"{DATABASE}*")}
    log = folder / "trace"
    with home.running([*trace.command(log), *home.variant(*words)]) as pid:
        players = senders(known)
        receipts = _talk(home, players, batches)
        # The tracer ends by itself when the traced one is gone, and its log is whole then.
        os.kill(_traced(pid), signal.SIGKILL)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    return Recording(before, trace.read(log, str(database)), receipts)


def _talk(home: Home, players: Sequence[Sender], batches: int) -> list[Received]:
    tls = home.tls()

    def one(player: Sender) -> list[Received]:
        with Witness(home.port, tls) as witness:
            return [witness.send(player) for _ in range(batches)]

    return [receipt for receipts in at_once([partial(one, player) for player in players]) for receipt in receipts]


def at_once(jobs: Sequence[Callable[[], T]]) -> list[T]:
    """Run every job in a thread of its own. Raises BenchError with the first fault."""
    results: list[T] = []
    faults: list[BaseException] = []

    def run(job: Callable[[], T]) -> None:
        try:
            results.append(job())
        except (OSError, NoReceipt) as error:
            faults.append(error)

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise BenchError(f"a client failed: {faults[0]!r}") from faults[0]
    return results


def _traced(tracer: int) -> int:
    """The process that strace started."""
    found = family(tracer)[1:]
    if not found:
        raise BenchError("strace started nothing")
    return found[0]
