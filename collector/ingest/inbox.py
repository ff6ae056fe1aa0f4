"""The inbox: one writer job a request, receipts that leave only after its COMMIT.

Plain SQL on the connection of the driver: this is the hottest path of the collector. What several requests of one
COMMIT add up to (the ledger, offsets of boots) is written once a COMMIT by `Inbox.settle`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import msgspec
from sqlalchemy import Connection

from collector.ingest import timing
from collector.ingest.parcels import Delivery, Piece, Sifted, sift
from collector.ingest.senders import Sender, Senders
from collector.register import conditions, tasks
from collector.store.databases import Store
from wire.messages import Batch, Observation, Receipt, Rejected

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
_LEDGER: Final = """INSERT INTO ledger (agent, day, batches, duplicates, conflicts, accepted, rejected, quarantined)
 VALUES (?,?,?,?,?,?,?,?) ON CONFLICT (agent, day) DO UPDATE SET batches = ledger.batches + excluded.batches,
 duplicates = ledger.duplicates + excluded.duplicates, conflicts = ledger.conflicts + excluded.conflicts,
 accepted = ledger.accepted + excluded.accepted, rejected = ledger.rejected + excluded.rejected,
 quarantined = ledger.quarantined + excluded.quarantined"""


class Cursor(Protocol):
    """What sqlite3 and psycopg have in common."""

    def fetchone(self) -> tuple[Any, ...] | None: ...
    def execute(self, sql: str, parameters: Sequence[object], /) -> object: ...
    def executemany(self, sql: str, rows: Sequence[Sequence[object]], /) -> object: ...


@dataclass(slots=True)
class Counted:
    """What one request adds to the ledger."""

    batches: int = 0
    duplicates: int = 0
    conflicts: int = 0
    accepted: int = 0
    rejected: int = 0
    quarantined: int = 0


@dataclass(slots=True)
class Settled:
    """The outcome of one request: receipts in the order of its batches, and what has to be written with its COMMIT."""

    delivery: Delivery
    receipts: list[Receipt] = field(default_factory=list)
    counted: Counted = field(default_factory=Counted)
    refused: dict[str, int] = field(default_factory=dict)  # items by code
    sender: Sender | None = None

    @property
    def conflicting(self) -> list[Receipt]:
        return [receipt for receipt in self.receipts if receipt.code == "conflict"]


class Inbox:
    """Stores deliveries; `store` and `settle` run in the writer's thread."""

    def __init__(self, store: Store) -> None:
        self._sql = {text: _translated(text, store.dialect) for text in (
            _INSERT, _STORED, _QUARANTINE, _BOOT, _SAVE_BOOT, _SAVE_SKEW, _LEDGER)}  # fmt: skip
        self._senders = Senders()
        store.writer.before_commit(self.settle)

    def store(self, conn: Connection, delivery: Delivery) -> Settled:
        """Store what is new of a delivery, inside the caller's transaction."""
        cursor = _cursor(conn)
        settled = Settled(delivery)
        settled.sender = self._senders.note(conn, delivery)
        for piece in delivery.pieces:
            offset = self._offset(cursor, delivery, piece)
            settled.receipts.append(self._take(cursor, settled, piece, offset))
            for observation in piece.tasks:
                _finish(conn, delivery, piece.header, observation)
        if settled.counted.conflicts:
            first = settled.conflicting[0]
            detail = f"batch {first.batch} of spool {first.epoch} came again with another body"
            conditions.hold(conn, delivery.agent, "batch_conflict", detail, delivery.received_ms)
        return settled

    def settle(self, conn: Connection, results: Sequence[object]) -> None:
        """Write once a COMMIT what the requests of the group add up to."""
        group = [result for result in results if isinstance(result, Settled)]
        if not group:
            return
        cursor = _cursor(conn)
        cursor.executemany(self._sql[_LEDGER], _ledger_rows(group))
        boots = {row[:2]: row for settled in group if (row := self._senders.boot_row(settled.delivery)) is not None}
        if boots:
            cursor.executemany(self._sql[_SAVE_BOOT], list(boots.values()))
        self._keep(cursor, {s.delivery.agent: s.sender for s in group if s.sender is not None})

    def _keep(self, cursor: Cursor, senders: dict[str, Sender]) -> None:
        skews = [row for agent, sender in senders.items() if (row := self._senders.skew_row(agent, sender)) is not None]
        if skews:
            cursor.executemany(self._sql[_SAVE_SKEW], skews)
        for agent, sender in senders.items():
            self._senders.keep(agent, sender)

    def _offset(self, cursor: Cursor, delivery: Delivery, piece: Piece) -> int | None:
        known = None
        if piece.header.boot_id != delivery.envelope.sender_boot_id:
            cursor.execute(self._sql[_BOOT], (delivery.agent, piece.header.boot_id))
            row = cursor.fetchone()
            known = None if row is None else int(row[0])
        return timing.offset_ms(delivery.envelope, piece.header, delivery.received_ms, known)

    def _take(self, cursor: Cursor, settled: Settled, piece: Piece, offset: int | None) -> Receipt:
        delivery, header = settled.delivery, piece.header
        sifted = sift(piece, offset, delivery.received_ms)
        items = len(piece.stamps) + len(piece.refused)
        rejected = _JSON.encode(sifted.rejected).decode() if sifted.rejected else "[]"
        cursor.execute(self._sql[_INSERT], (
            delivery.agent, header.epoch, header.batch, piece.sha256, header.boot_id, delivery.received_ms, offset,
            sifted.at_min_ms, sifted.at_max_ms, items, rejected, piece.body,
        ))  # fmt: skip
        if cursor.fetchone() is None:
            return self._again(cursor, settled, piece)
        settled.counted.batches += 1
        if sifted.rejected:
            self._refuse(cursor, settled, piece, sifted)
        settled.counted.accepted += items - len(sifted.rejected)
        return Receipt(header.epoch, header.batch, "stored", items - len(sifted.rejected), sifted.rejected)

    def _again(self, cursor: Cursor, settled: Settled, piece: Piece) -> Receipt:
        """A batch whose number is taken: the same one has its receipt given again, another one is a conflict."""
        header = piece.header
        cursor.execute(self._sql[_STORED], (settled.delivery.agent, header.epoch, header.batch))
        row = cursor.fetchone()
        if row is None or row[0] != piece.sha256:
            settled.counted.conflicts += 1
            return Receipt(header.epoch, header.batch, "conflict", 0)
        settled.counted.duplicates += 1
        rejected = _REJECTED.decode(row[2])
        return Receipt(header.epoch, header.batch, "duplicate", row[1] - len(rejected), rejected)

    def _refuse(self, cursor: Cursor, settled: Settled, piece: Piece, sifted: Sifted) -> None:
        settled.counted.rejected += len(sifted.rejected) - len(sifted.quarantined)
        settled.counted.quarantined += len(sifted.quarantined)
        for item in sifted.rejected:
            settled.refused[item.code] = settled.refused.get(item.code, 0) + 1
        delivery, header = settled.delivery, piece.header
        kept = sifted.quarantined[:MAX_QUARANTINED]
        if kept:
            cursor.executemany(self._sql[_QUARANTINE], [
                (delivery.agent, header.epoch, header.batch, item.i, item.code, item.hint, delivery.received_ms)
                for item in kept
            ])  # fmt: skip


def _finish(conn: Connection, delivery: Delivery, header: Batch, o: Observation) -> None:
    key = f"{delivery.agent}/{header.epoch}/{header.batch}/{o.i}"
    tasks.finish(
        conn, delivery.agent, o.task_id or "", observation=key, outcome=o.outcome, now_ms=delivery.received_ms
    )  # fmt: skip


def _ledger_rows(group: Sequence[Settled]) -> list[tuple[object, ...]]:
    sums: dict[tuple[str, str], list[int]] = {}
    for settled in group:
        c = settled.counted
        new = (c.batches, c.duplicates, c.conflicts, c.accepted, c.rejected, c.quarantined)
        key = settled.delivery.agent, utc_day(settled.delivery.received_ms)
        old = sums.get(key)
        sums[key] = list(new) if old is None else [a + b for a, b in zip(old, new, strict=True)]
    return [(*key, *counts) for key, counts in sums.items()]


_days: dict[int, str] = {}


def utc_day(at_ms: int) -> str:
    """The UTC day of an instant, as the ledger writes it."""
    number = at_ms // 86_400_000
    if number not in _days:
        _days.clear()
        _days[number] = datetime.fromtimestamp(number * 86_400, UTC).date().isoformat()
    return _days[number]


def _translated(sql: str, dialect: str) -> str:
    return sql.replace("?", "%s") if dialect == "postgresql" else sql


def _cursor(conn: Connection) -> Cursor:
    cursor: Cursor = conn.connection.cursor()
    return cursor
