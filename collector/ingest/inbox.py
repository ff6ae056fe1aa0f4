"""The inbox: all requests of one COMMIT are stored together, and receipts leave only after it.

Plain SQL on the connection of the driver: this is the hottest path of the collector. What several requests add up to
(the ledger, offsets of boots) is written once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, cast

import msgspec
from sqlalchemy import Connection

from collector.ingest import ledger, timing
from collector.ingest.ledger import Counted
from collector.ingest.parcels import Arrival, Delivery, Piece, Sifted, sift
from collector.ingest.senders import Senders
from collector.register import conditions, tasks
from collector.store.databases import Store
from wire.messages import Batch, Receipt, Rejected

_JSON: Final = msgspec.json.Encoder()
_REJECTED: Final = msgspec.json.Decoder(list[Rejected])
MAX_QUARANTINED: Final = 100  # rows kept of one batch; the ledger counts all

_INSERT: Final = """INSERT INTO inbox (agent, epoch, batch, sha256, boot_id, received_ms, offset_ms,
 at_min_ms, at_max_ms, items, rejected, body) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)
 ON CONFLICT (agent, epoch, batch) DO NOTHING RETURNING seq"""
_STORED: Final = "SELECT sha256, items, rejected FROM inbox WHERE agent = ? AND epoch = ? AND batch = ?"
_QUARANTINE: Final = """INSERT INTO quarantine (agent, epoch, batch, i, code, hint, recorded_ms)
 VALUES (?,?,?,?,?,?,?)"""
_BOOT: Final = "SELECT offset_ms FROM boot WHERE agent = ? AND boot_id = ?"
_SAVE_BOOT: Final = """INSERT INTO boot (agent, boot_id, offset_ms, seen_ms) VALUES (?,?,?,?)
 ON CONFLICT (agent, boot_id) DO UPDATE SET offset_ms = excluded.offset_ms, seen_ms = excluded.seen_ms"""
_SAVE_SKEW: Final = "UPDATE heard SET skew_ms = ? WHERE agent = ?"


class Cursor(Protocol):
    """What sqlite3 and psycopg have in common."""

    def fetchone(self) -> tuple[Any, ...] | None: ...
    def execute(self, sql: str, parameters: Sequence[object], /) -> object: ...
    def executemany(self, sql: str, rows: Sequence[Sequence[object]], /, **how: bool) -> object: ...
    def nextset(self) -> bool | None: ...


@dataclass(slots=True)
class Settled:
    """The outcome of one request: receipts in the order of its batches, and what has to be written with its COMMIT."""

    delivery: Delivery
    receipts: list[Receipt] = field(default_factory=list)
    counted: Counted = field(default_factory=Counted)
    refused: dict[str, int] = field(default_factory=dict)  # items by code

    @property
    def conflicting(self) -> list[Receipt]:
        return [receipt for receipt in self.receipts if receipt.code == "conflict"]


@dataclass(frozen=True, slots=True)
class _Taken:
    """A batch on its way into the inbox: `row` as it is inserted, `items` of it all."""

    settled: Settled
    piece: Piece
    sifted: Sifted
    items: int
    row: tuple[object, ...]

    @property
    def header(self) -> Batch:
        return self.piece.header


class Inbox:
    """Stores arrivals, many in one go: a kind of job for `Writer.join`. Runs in the writer's thread."""

    def __init__(self, store: Store) -> None:
        self._sql = {text: _translated(text, store.dialect) for text in (
            _INSERT, _STORED, _QUARANTINE, _BOOT, _SAVE_BOOT, _SAVE_SKEW, ledger.UPSERT)}  # fmt: skip
        self._pipelined = store.dialect == "postgresql"
        self._senders = Senders()

    def ready(self, arrival: Arrival) -> None:
        """Read it. Raises Refusal."""
        arrival.read()

    def do(self, conn: Connection, arrivals: Sequence[Arrival]) -> list[Settled]:
        """Store what is new of them, inside the caller's transaction."""
        cursor, group = _cursor(conn), [Settled(arrival.delivery) for arrival in arrivals]
        self._senders.refresh(conn, [settled.delivery for settled in group])
        for settled in group:
            self._senders.note(conn, settled.delivery)
        taken = [self._sift(cursor, settled, piece) for settled in group for piece in settled.delivery.pieces]
        stored = self._insert(cursor, [one.row for one in taken])
        for one, new in zip(taken, stored, strict=True):
            one.settled.receipts.append(self._stored(cursor, one) if new else self._again(cursor, one))
            _finish_tasks(conn, one)
        for settled in group:
            _hold_conflict(conn, settled)
        self._add_up(cursor, group)
        return group

    def undone(self) -> None:
        """Nothing of it stayed, and so nothing is known."""
        self._senders.forget()

    def _sift(self, cursor: Cursor, settled: Settled, piece: Piece) -> _Taken:
        delivery, header = settled.delivery, piece.header
        offset = self._offset(cursor, delivery, piece)
        sifted = sift(piece, offset, delivery.received_ms)
        items = len(piece.observations) + len(piece.refused)
        rejected = _JSON.encode(sifted.rejected).decode() if sifted.rejected else "[]"
        return _Taken(settled, piece, sifted, items, (
            delivery.agent, header.epoch, header.batch, piece.sha256, header.boot_id, delivery.received_ms, offset,
            sifted.at_min_ms, sifted.at_max_ms, items, rejected, piece.body,
        ))  # fmt: skip

    def _insert(self, cursor: Cursor, rows: Sequence[Sequence[object]]) -> list[bool]:
        """Insert rows where their keys are free; which of them were."""
        if not self._pipelined or len(rows) == 1:
            return [_one(cursor, self._sql[_INSERT], row) is not None for row in rows]
        cursor.executemany(self._sql[_INSERT], rows, returning=True)
        found = [cursor.fetchone() is not None]
        while cursor.nextset():
            found.append(cursor.fetchone() is not None)
        return found

    def _add_up(self, cursor: Cursor, group: Sequence[Settled]) -> None:
        """Write once what the requests of the group add up to."""
        counts = [(settled.delivery.agent, settled.delivery.received_ms, settled.counted) for settled in group]
        cursor.executemany(self._sql[ledger.UPSERT], ledger.rows(counts))
        boots = {row[:2]: row for settled in group if (row := self._senders.boot_row(settled.delivery)) is not None}
        if boots:
            cursor.executemany(self._sql[_SAVE_BOOT], list(boots.values()))
        moved = self._senders.skews({settled.delivery.agent for settled in group})
        if moved:
            cursor.executemany(self._sql[_SAVE_SKEW], moved)

    def _offset(self, cursor: Cursor, delivery: Delivery, piece: Piece) -> int | None:
        known = None
        if piece.header.boot_id != delivery.envelope.sender_boot_id:
            row = _one(cursor, self._sql[_BOOT], (delivery.agent, piece.header.boot_id))
            known = None if row is None else int(row[0])
        return timing.offset_ms(delivery.envelope, piece.header, delivery.received_ms, known)

    def _stored(self, cursor: Cursor, one: _Taken) -> Receipt:
        counted, rejected = one.settled.counted, one.sifted.rejected
        counted.batches += 1
        if rejected:
            self._refuse(cursor, one)
        counted.accepted += one.items - len(rejected)
        return Receipt(one.header.epoch, one.header.batch, "stored", one.items - len(rejected), rejected)

    def _again(self, cursor: Cursor, one: _Taken) -> Receipt:
        """A batch whose number is taken: the same one has its receipt given again, another one is a conflict."""
        header, counted = one.header, one.settled.counted
        row = _one(cursor, self._sql[_STORED], (one.settled.delivery.agent, header.epoch, header.batch))
        if row is None or row[0] != one.piece.sha256:
            counted.conflicts += 1
            return Receipt(header.epoch, header.batch, "conflict", 0)
        counted.duplicates += 1
        rejected = _REJECTED.decode(row[2])
        return Receipt(header.epoch, header.batch, "duplicate", row[1] - len(rejected), rejected)

    def _refuse(self, cursor: Cursor, one: _Taken) -> None:
        settled, sifted, header = one.settled, one.sifted, one.header
        settled.counted.rejected += len(sifted.rejected) - len(sifted.quarantined)
        settled.counted.quarantined += len(sifted.quarantined)
        for item in sifted.rejected:
            settled.refused[item.code] = settled.refused.get(item.code, 0) + 1
        kept = sifted.quarantined[:MAX_QUARANTINED]
        if kept:
            delivery = settled.delivery
            cursor.executemany(self._sql[_QUARANTINE], [
                (delivery.agent, header.epoch, header.batch, item.i, item.code, item.hint, delivery.received_ms)
                for item in kept
            ])  # fmt: skip


def _finish_tasks(conn: Connection, one: _Taken) -> None:
    delivery, header = one.settled.delivery, one.header
    for o in one.piece.observations:
        if o.task_id is not None:
            key = f"{delivery.agent}/{header.epoch}/{header.batch}/{o.i}"
            tasks.finish(
                conn, delivery.agent, o.task_id, observation=key, outcome=o.outcome, now_ms=delivery.received_ms
            )  # fmt: skip


def _hold_conflict(conn: Connection, settled: Settled) -> None:
    if settled.counted.conflicts:
        delivery, first = settled.delivery, settled.conflicting[0]
        detail = f"batch {first.batch} of spool {first.epoch} came again with another body"
        conditions.hold(conn, delivery.agent, "batch_conflict", detail, delivery.received_ms)


def _translated(sql: str, dialect: str) -> str:
    return sql.replace("?", "%s") if dialect == "postgresql" else sql


def _one(cursor: Cursor, sql: str, parameters: Sequence[object]) -> tuple[Any, ...] | None:
    cursor.execute(sql, parameters)
    return cursor.fetchone()


def _cursor(conn: Connection) -> Cursor:
    return cast("Cursor", conn.connection.cursor())
