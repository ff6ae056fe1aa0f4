"""The durable queue: observations in, immutable numbered batches out, deleted only on a receipt.

An observation is kept from the commit of `append` on. `cut` makes batches of what is fresh: each of one boot, with a
number that is never used again, its bytes and their SHA-256 fixed for ever. Every method may raise SpoolError.
"""

from __future__ import annotations

import hashlib
import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from agent.spool import age
from agent.spool.cutting import MAX_BYTES, groups
from agent.spool.file import connect, told_apart
from wire import attest
from wire.clock import Clock
from wire.codec import encode_batch
from wire.messages import Batch, Observation, Receipt

# Else SQLite finds all that wait by the index on their age, and sorts them: 40,000 rows for the last 60.
_BY_NUMBER: Final = "NOT INDEXED WHERE"

_PROVED: Final = "INSERT OR IGNORE INTO proved SELECT number, sha256 FROM batch WHERE number = ?"
# Where nothing can be signed, the newest wait.
_PROVED_ENOUGH: Final = "DELETE FROM proved WHERE number <= (SELECT max(number) FROM proved) - ?"

_DECODER: Final = msgspec.json.Decoder(Observation)


@dataclass(frozen=True, slots=True)
class Head:
    """What is known of a batch without reading it. `size` is of the bytes as sent, `age_ms` by the spool's clock."""

    number: int
    age_ms: int
    items: int
    values: int
    size: int
    tried: bool


@dataclass(frozen=True, slots=True)
class Stats:
    """The spool in numbers. The four counts are since the file was made."""

    epoch: str
    used_bytes: int
    batches: int
    oldest_ms: int | None
    fresh: int
    aside: int
    dropped: int
    rejected: int
    conflicts: int
    damaged: int


class Spool:
    """One open spool file. Not for two threads at once: the keeper holds the lock."""

    def __init__(self, path: Path, *, clock: Clock, boot_id: str, check: bool = True) -> None:
        self.path, self._clock, self.boot_id = path, clock, boot_id
        self._db = connect(path, check=check)
        with told_apart():
            self.epoch = self._meta("epoch")
            kept = self._meta("clock")
        self._reading = msgspec.json.decode(kept, type=age.Reading) if kept else None

    def close(self) -> None:
        self._db.close()

    # --- in -----------------------------------------------------------------------------------------------------------

    def append(self, observations: Sequence[Observation], boot_id: str | None = None) -> None:
        """Keep observations of this boot (or of `boot_id`), in one commit: the tasks they answer are done with it, and
        the batches that they attest need not be attested again."""
        boot = boot_id or self.boot_id
        with self.transaction():
            self._db.executemany(
                "INSERT INTO fresh (boot, vals, line) VALUES (?, ?, ?)",
                [(boot, len(o.values), msgspec.json.encode(o)) for o in observations],
            )
            done = [(o.task_id,) for o in observations if o.task_id is not None]
            self._db.executemany("UPDATE task SET done = 1 WHERE id = ?", done)
            for attested in (o for o in observations if o.probe == attest.PROBE):
                told = attest.numbers(str(attested.detail.get("batches", "")))
                self._db.executemany("DELETE FROM proved WHERE number = ?", [(number,) for number in told])
            self._keep_clock()

    def cut(self) -> int:
        """Make batches of all that is fresh, in one commit; returns how many."""
        with self.transaction():
            rows = self._db.execute("SELECT boot, vals, line FROM fresh ORDER BY boot, id").fetchall()
            made = sum(self._cut_group(boot, lines) for boot, lines in groups(rows))
            self._db.execute("DELETE FROM fresh")
            self._keep_clock()
        return made

    def _cut_group(self, boot: str, lines: list[bytes]) -> int:
        observations: list[Observation] = []
        for line in lines:
            try:
                observations.append(msgspec.structs.replace(_DECODER.decode(line), i=len(observations)))
            except msgspec.MsgspecError:
                self.count("dropped", 1)  # it never was an observation that the wire takes
        if observations:
            self.insert_batch(boot, observations)
        return int(bool(observations))

    def insert_batch(self, boot: str, observations: list[Observation], *, age_ms: int | None = None) -> int:
        """Within a transaction: a new batch under the next number. `age_ms` is when its observations were kept."""
        made = self.now_ms() if age_ms is None else age_ms
        values = sum(len(o.values) for o in observations)
        number: int = self._db.execute(
            "INSERT INTO batch (boot, made_ms, items, vals, thinned, size, sha256, body)"
            " VALUES (?, ?, ?, ?, ?, 0, '', '') RETURNING number",
            (boot, made, len(observations), values, age_ms is not None),
        ).fetchone()[0]
        raw = encode_batch(Batch(self.epoch, number, boot), observations)
        self._db.execute(
            "UPDATE batch SET size = ?, sha256 = ?, body = ? WHERE number = ?",
            (len(raw), hashlib.sha256(raw).digest(), zlib.compress(raw, 6), number),
        )
        return number

    # --- out ----------------------------------------------------------------------------------------------------------

    def newest(self, limit: int, *, tried: bool = False) -> list[Head]:
        """Batches that wait for a receipt, newest first; with `tried` only those that were sent before."""
        return self._heads("INDEXED BY batch_tried WHERE tried AND" if tried else _BY_NUMBER, "DESC", limit)

    def oldest(self, limit: int) -> list[Head]:
        """Batches that wait for a receipt, oldest first."""
        return self._heads(_BY_NUMBER, "ASC", limit)

    def _heads(self, which: str, order: str, limit: int) -> list[Head]:
        now = self.now_ms()
        with told_apart():
            rows = self._db.execute(
                "SELECT number, made_ms, items, vals, size, tried FROM batch"  # noqa: S608 (both words are ours)
                f" {which} aside IS NULL ORDER BY number {order} LIMIT ?",
                (limit,),
            ).fetchall()
        return [Head(n, max(0, now - made), items, vals, size, bool(t)) for n, made, items, vals, size, t in rows]

    def begin(self, numbers: Sequence[int]) -> dict[int, bytes]:
        """The bytes of these batches, marked as tried before anybody sees them; what fails its hash is set aside."""
        marks = ",".join("?" * len(numbers))
        with self.transaction():
            self._db.execute(f"UPDATE batch SET tried = 1 WHERE tried = 0 AND number IN ({marks})", tuple(numbers))  # noqa: S608 (only question marks)
        bodies = {number: self.body(number) for number in numbers}
        for number, body in bodies.items():
            if body is None:
                self.set_aside(number, "damaged")
        return {number: body for number, body in bodies.items() if body is not None}

    def body(self, number: int) -> bytes | None:
        """The bytes of a batch as they were cut; None where there are none or they are no longer the same."""
        with told_apart():
            row = self._db.execute("SELECT sha256, body FROM batch WHERE number = ?", (number,)).fetchone()
        if row is None:
            return None
        try:
            raw = zlib.decompressobj().decompress(row[1], 4 * MAX_BYTES)
        except zlib.error:
            return None
        return raw if hashlib.sha256(raw).digest() == row[0] else None

    def settle(self, receipts: Sequence[Receipt]) -> set[int]:
        """Act on receipts: delete what is stored, set aside what conflicts. Returns the numbers that are done with."""
        ours = [r for r in receipts if r.epoch == self.epoch]
        stored = [r for r in ours if r.code != "conflict"]
        with self.transaction():
            numbers = [(r.batch,) for r in stored]
            self._db.executemany(_PROVED, numbers)
            self._db.executemany("DELETE FROM batch WHERE number = ?", numbers)
            self._db.execute(_PROVED_ENOUGH, (attest.MAX_BATCHES,))
            self.count("rejected", sum(len(r.rejected) for r in stored))
            for receipt in ours:
                if receipt.code == "conflict":
                    self._set_aside(receipt.batch, "conflict")
        return {r.batch for r in ours}

    def proved(self) -> list[tuple[int, bytes]]:
        """Number and SHA-256 of the batches that were receipted and not attested yet, by number."""
        with told_apart():
            return self._db.execute("SELECT number, sha256 FROM proved ORDER BY number").fetchall()

    def set_aside(self, number: int, why: str) -> None:
        """Never send this batch again; it stays in the file for whoever wants to look, until the room is needed."""
        with self.transaction():
            self._set_aside(number, why)

    def _set_aside(self, number: int, why: str) -> None:
        row = self._db.execute(
            "UPDATE batch SET aside = ? WHERE number = ? AND aside IS NULL RETURNING items", (why, number)
        ).fetchone()
        if row is not None:
            self.count({"conflict": "conflicts", "damaged": "damaged"}.get(why, "rejected"), row[0])

    # --- numbers ------------------------------------------------------------------------------------------------------

    def now_ms(self) -> int:
        """The spool's own time, see agent.spool.age."""
        self._reading = age.read(self._reading, self._clock, self.boot_id)
        return self._reading.age_ms

    def count(self, name: str, by: int) -> None:
        """Within a transaction: raise a counter that lives as long as the file."""
        if by:
            self._db.execute(
                "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = value + excluded.value",
                (name, str(by)),
            )

    def used_bytes(self) -> int:
        """Bytes of the file that hold something; what was freed will be used again before the file grows."""
        with told_apart():
            pages, free, size = (
                int(self._db.execute(f"PRAGMA {name}").fetchone()[0])
                for name in ("page_count", "freelist_count", "page_size")
            )
        return (pages - free) * size

    def stats(self) -> Stats:
        now, used = self.now_ms(), self.used_bytes()
        with told_apart():
            waiting = "SELECT count(*), min(made_ms) FROM batch WHERE aside IS NULL"
            batches, oldest = self._db.execute(waiting).fetchone()
            aside = self._db.execute("SELECT count(*) FROM batch WHERE aside IS NOT NULL").fetchone()[0]
            fresh = self._db.execute("SELECT count(*) FROM fresh").fetchone()[0]
            dropped, rejected, conflicts, damaged = (
                int(self._meta(name) or 0) for name in ("dropped", "rejected", "conflicts", "damaged")
            )
        age = None if oldest is None else max(0, now - oldest)
        return Stats(self.epoch, used, batches, age, fresh, aside, dropped, rejected, conflicts, damaged)

    # --- for the files beside this one --------------------------------------------------------------------------------

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """BEGIN to COMMIT, on the disk when it ends; nothing of it where anything raises."""
        with told_apart():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def query(self, sql: str, *values: object) -> list[tuple[object, ...]]:
        """Rows of a question that changes nothing."""
        with told_apart():
            return list(self._db.execute(sql, values).fetchall())

    def _meta(self, key: str) -> str:
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return "" if row is None else str(row[0])

    def _keep_clock(self) -> None:
        self.now_ms()
        reading = msgspec.json.encode(self._reading).decode()
        self._db.execute("INSERT OR REPLACE INTO meta VALUES ('clock', ?)", (reading,))
