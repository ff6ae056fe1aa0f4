"""kill -9 of the collector under load, again and again: what was receipted is there once, and nothing is there twice.

The clients do what an agent does: a batch is sent until its receipt comes, the same bytes under the same number.
"""

from __future__ import annotations

import random
import sqlite3
import ssl
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.home import Home, furnish, senders
from bench.mix import Sender
from bench.process import BenchError, listening, wait_until
from bench.receipts import Received
from bench.recording import DATABASE
from bench.spawn import kill, spawner
from bench.witness import NoReceipt, Witness

CLIENTS = 4
LONGEST_LIFE_S = 0.25


@dataclass(frozen=True, slots=True)
class Killed:
    """What is left of it all. `sent_again`: batches whose first try met a killed collector."""

    kills: int
    receipted: int
    sent_again: int
    lost: int
    double: int
    miscounted: int
    sound: str


@dataclass(slots=True)
class Client:
    """One agent that never gives up."""

    home: Home
    tls: ssl.SSLContext
    sender: Sender
    stop: threading.Event
    receipts: list[Received] = field(default_factory=list)
    unanswered: tuple[int, bytes] | None = None
    tried: set[int] = field(default_factory=set)
    sent_again: int = 0

    def run(self) -> None:
        while self.unanswered is not None or not self.stop.is_set():
            try:
                with Witness(self.home.port, self.tls) as witness:
                    self._talk(witness)
            except (OSError, NoReceipt):
                time.sleep(0.01)

    def _talk(self, witness: Witness) -> None:
        while self.unanswered is not None or not self.stop.is_set():
            self.unanswered = self.unanswered or self.sender.batch()
            self.sent_again += self.unanswered[0] in self.tried
            self.tried.add(self.unanswered[0])
            self.receipts.append(witness.send_again(self.sender, *self.unanswered))
            self.unanswered = None


def run_kills(folder: Path, kills: int, *, seed: int = 11) -> Killed:
    """Kill a collector `kills` times while four clients send as fast as they are answered."""
    chance = random.Random(seed)
    home = Home(folder / "home")
    known = furnish(home, CLIENTS)
    stop = threading.Event()
    with spawner("collector", ["--roles", "ingest,judge"], folder / "log", home.environment) as made:
        pid = made.start()
        wait_until(lambda: listening(home.port), what="the collector")
        tls = home.tls()
        clients = [Client(home, tls, sender, stop) for sender in senders(known)]
        threads = [threading.Thread(target=client.run, daemon=True) for client in clients]
        for thread in threads:
            thread.start()
        for _ in range(kills):
            _wait_for_receipts(clients)
            time.sleep(chance.uniform(0, LONGEST_LIFE_S))
            kill(pid)
            pid = made.start()
        _wait_for_receipts(clients)
        stop.set()
        for thread in threads:
            thread.join(30)
        if any(thread.is_alive() for thread in threads):
            raise BenchError("a client was never answered")
        kill(pid)
    return _count(home, clients, kills)


def _wait_for_receipts(clients: Sequence[Client]) -> None:
    """Every client is answered by the collector that now lives."""
    before = [len(client.receipts) for client in clients]
    wait_until(
        lambda: all(len(c.receipts) > n for c, n in zip(clients, before, strict=True)), what="receipts", every_s=0.005
    )  # fmt: skip


def _count(home: Home, clients: Sequence[Client], kills: int) -> Killed:
    receipts = [receipt for client in clients for receipt in client.receipts]
    db = sqlite3.connect(home.folder / DATABASE)
    try:
        sound = str(db.execute("PRAGMA integrity_check").fetchone()[0])
        rows = db.execute("SELECT epoch, batch, sha256 FROM inbox").fetchall()
        counted = int(db.execute("SELECT coalesce(sum(batches), 0) FROM ledger").fetchone()[0])
    finally:
        db.close()
    stored = set(rows)
    lost = sum((r.epoch, r.batch, r.sha256) not in stored for r in receipts)
    double = len(rows) - len({(epoch, batch) for epoch, batch, _ in rows})
    again = sum(client.sent_again for client in clients)
    return Killed(kills, len(receipts), again, lost, double, abs(counted - len(rows)), sound)
