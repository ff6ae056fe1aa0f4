"""A home with many centres that have a past: subjects, flips, agents heard. And a hand that flips some of them live.

The judge never hears of the centres that are flipped here: what it would say is not what is measured.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection, insert, update

from bench.home import Enrolled, Home, furnish
from collector.store.databases import Store, open_store
from collector.store.tables import flip, heard, latest, subject
from wire.clock import SystemClock

PAST: Final = ("down", "ok", "degraded", "ok")
HOUR_MS: Final = 3_600_000
_Row = dict[str, str | int | None]


def populate(home: Home, count: int) -> list[Enrolled]:
    """`count` centres, each with a box, its network, two lines and its machine; one in thirty is not well."""
    known = furnish(home, count)
    clock, chance = SystemClock(), random.Random(count)
    store = open_store(home.settings.store, clock)
    try:
        now = clock.wall_ms()
        store.writer.do(lambda conn: _write(conn, known, now, chance))
        rows = [_latest(key, one, now) for one in known for key, kind in _subjects(one) if kind != "centre"]
        store.ts_writer.do(lambda conn: conn.execute(insert(latest), rows))
    finally:
        store.close()
    return known


def _subjects(one: Enrolled) -> list[tuple[str, str]]:
    keys = [f"centre:{one.centre}", f"lan:{one.centre}", f"line:{one.centre}/a", f"line:{one.centre}/b"]
    return [(key, key.partition(":")[0]) for key in (*keys, one.device, f"agent:{one.agent}")]


def _write(conn: Connection, known: Sequence[Enrolled], now: int, chance: random.Random) -> None:
    subjects: list[_Row] = []
    flips: list[_Row] = []
    for one in known:
        ill = chance.random() < 1 / 30
        for key, kind in _subjects(one):
            subjects.append({
                "key": key, "kind": kind, "centre": one.centre, "label": "", "agent": one.agent, "created_ms": now,
            })  # fmt: skip
            past = (*PAST, "down") if ill and kind in {"centre", "line"} else PAST
            flips += [_flip(key, state, now - (9 - n) * HOUR_MS, one) for n, state in enumerate(past)]
    conn.execute(insert(subject), subjects)
    conn.execute(insert(flip), flips)
    alive = {"from_ms": now, "last_ms": now, "alert_after_ms": now + 24 * HOUR_MS, "skew_ms": 4}
    conn.execute(update(heard).values(alive))


def _flip(key: str, state: str, at_ms: int, one: Enrolled) -> _Row:
    reason = {"down": "no_answer", "degraded": "loss"}.get(state)
    return {
        "subject": key, "at_ms": at_ms, "from_state": "ok", "to_state": state, "reason": reason, "detail": "{}",
        "policy_version": 1, "evidence": f'["{one.agent}/bench/1/0"]', "recorded_ms": at_ms, "supersedes": None,
    }  # fmt: skip


def _latest(key: str, one: Enrolled, now: int) -> _Row:
    return {
        "subject": key, "probe": "reach", "target": "self", "at_ms": now, "observation": f"{one.agent}/bench/1/0",
    }  # fmt: skip


@dataclass(slots=True)
class Hand:
    """Commits flips of the centres it was given, from another process than the one that shows them."""

    store: Store
    known: Sequence[Enrolled]
    clock: SystemClock = field(default_factory=SystemClock)
    committed: int = 0
    _turn: int = 0

    def flip(self) -> tuple[str, str]:
        """Flip the next centre; its key and the state it has now, once the COMMIT has returned."""
        one = self.known[self._turn % len(self.known)]
        state = "down" if (self._turn // len(self.known)) % 2 == 0 else "ok"
        self._turn += 1
        keys = (f"line:{one.centre}/a", f"centre:{one.centre}")
        now = self.clock.wall_ms()
        self.store.writer.do(lambda conn: conn.execute(insert(flip), [_flip(key, state, now, one) for key in keys]))
        self.committed += 1
        return one.centre, state


@contextmanager
def hand(home: Home, known: Sequence[Enrolled]) -> Iterator[Hand]:
    """A hand over the store of a home whose collector is running."""
    store = open_store(home.settings.store, SystemClock())
    try:
        yield Hand(store, known)
    finally:
        store.close()


@contextmanager
def flipping(with_hand: Hand, every_s: float) -> Iterator[None]:
    """Flips one after another until the block ends."""
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(every_s):
            with_hand.flip()

    thread = threading.Thread(target=work, name="hand")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
