"""Inbox rows and what is in them: the one place where a stored body becomes observations again.

A body is gzip of the batch as spooled. Where a request held one batch it is the request as it came, envelope line
included: nothing is packed twice on the hot path.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from sqlalchemy import Connection, select

from collector.api import StoredObservation
from collector.store import tables
from wire.codec import decode_kept, decode_parcel, unpack
from wire.messages import MAX_BODY_BYTES, Observation, Rejected

_REJECTED: Final = msgspec.json.Decoder(list[Rejected])
_ENVELOPE_MARK: Final = b'{"version":'
_COLUMNS: Final = (
    tables.inbox.c.seq, tables.inbox.c.agent, tables.inbox.c.epoch, tables.inbox.c.batch, tables.inbox.c.boot_id,
    tables.inbox.c.received_ms, tables.inbox.c.offset_ms, tables.inbox.c.at_min_ms, tables.inbox.c.at_max_ms,
    tables.inbox.c.rejected, tables.inbox.c.body,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class InboxRow:
    """A batch as it lies in the inbox. `offset_ms` None: the agent's own stamps hold, unsure. `body` None: pruned."""

    seq: int
    agent: str
    epoch: str
    batch: int
    boot_id: str
    received_ms: int
    offset_ms: int | None
    at_min_ms: int
    at_max_ms: int
    rejected: str
    body: bytes | None


def read_rows(conn: Connection, after_seq: int, limit: int) -> list[InboxRow]:
    """The next rows behind a cursor, in the order of `seq`, at most `limit`."""
    query = select(*_COLUMNS).where(tables.inbox.c.seq > after_seq).order_by(tables.inbox.c.seq).limit(limit)
    return [InboxRow(*row) for row in conn.execute(query)]


def read_batch(conn: Connection, agent: str, epoch: str, batch: int) -> InboxRow | None:
    """One batch by its key; None where it never came or its row is gone."""
    c = tables.inbox.c
    row = conn.execute(select(*_COLUMNS).where(c.agent == agent, c.epoch == epoch, c.batch == batch)).first()
    return None if row is None else InboxRow(*row)


def read_span(conn: Connection, agent: str, from_ms: int, to_ms: int, limit: int) -> list[InboxRow]:
    """Rows of an agent whose bodies may hold observations of [from_ms, to_ms), newest first, at most `limit`."""
    c = tables.inbox.c
    query = (
        select(*_COLUMNS)
        .where(c.agent == agent, c.at_max_ms >= from_ms, c.at_min_ms < to_ms, c.body.is_not(None))
        .order_by(c.at_max_ms.desc())
        .limit(limit)
    )
    return [InboxRow(*row) for row in conn.execute(query)]


def read_seqs(conn: Connection, seqs: Sequence[int]) -> list[InboxRow]:
    """Rows by their `seq`, in that order; those that are gone are left out."""
    query = select(*_COLUMNS).where(tables.inbox.c.seq.in_(seqs)).order_by(tables.inbox.c.seq)
    return [InboxRow(*row) for row in conn.execute(query)]


def observations(row: InboxRow) -> list[StoredObservation]:
    """What was accepted of a row, in the order of the batch, each with its corrected time; [] where it was pruned."""
    prefix = f"{row.agent}/{row.epoch}/{row.batch}/"
    unsure = row.offset_ms is None
    return [
        StoredObservation(prefix + str(o.i), row.agent, corrected_ms(o, row.offset_ms), row.received_ms, unsure, o)
        for o in accepted(row)
    ]


def accepted(row: InboxRow) -> list[Observation]:
    """What was accepted of a row, as it was sent, in the order of the batch; [] where it was pruned."""
    if row.body is None:
        return []
    if row.rejected == "[]":
        return decode_kept(spooled(row.body))
    refused = {item.i for item in _REJECTED.decode(row.rejected)}
    return [o for o in decode_parcel(spooled(row.body)).observations if o.i not in refused]


def spooled(body: bytes) -> bytes:
    """The bytes of the batch as spooled, those its hash is over."""
    raw = unpack(bytes(body), MAX_BODY_BYTES)
    return raw[raw.index(b"\n") + 1 :] if raw.startswith(_ENVELOPE_MARK) else raw


def corrected_ms(observation: Observation, offset_ms: int | None) -> int:
    """When it was measured: by the offset of its boot where one is known, else by the agent's own stamp."""
    return observation.at_ms if offset_ms is None else offset_ms + observation.mono_ms
