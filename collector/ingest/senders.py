"""What is known of each sender between requests, so that the hot path asks the database seldom: spool, skew, boot.

Only a memory: it is trusted for `TRUST_MS`, then read again, because another collector may have heard the same agent.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, insert, select, update

from collector.ingest import timing
from collector.ingest.parcels import Delivery
from collector.register import conditions
from collector.store.tables import spool as t

TRUST_MS: Final = 5_000
MAX_SENDERS: Final = 20_000
BOOT_STEP_MS: Final = 100
SKEW_STEP_MS: Final = 500
BOOT_AGE_MS: Final = 60_000

# An agent sends once a minute, so that this is asked for nearly every batch: plain SQL, both answers at once.
_KNOWN: Final = """SELECT coalesce((SELECT epoch FROM spool WHERE agent = ? ORDER BY turn DESC LIMIT 1), ''),
 EXISTS (SELECT 1 FROM condition WHERE agent = ? AND name = 'clock_skew' AND to_ms IS NULL)"""


@dataclass(frozen=True, slots=True)
class Sender:
    """The spool an agent sends from, how far its clock is off, and whether that is a condition already."""

    epoch: str
    skewed: bool
    read_ms: int
    skew_ms: int = 0


class Senders:
    """Used in the writer's thread only."""

    def __init__(self) -> None:
        self._senders: OrderedDict[str, Sender] = OrderedDict()
        self._boots: OrderedDict[str, tuple[str, int, int]] = OrderedDict()  # agent: boot, offset, when saved

    def note(self, conn: Connection, delivery: Delivery) -> Sender:
        """Notice a change of spool or of the clock's rightness, and keep the agent's conditions by it."""
        now_ms = delivery.received_ms
        sender = self._senders.get(delivery.agent)
        if sender is None or not 0 <= now_ms - sender.read_ms < TRUST_MS:
            sender = _read(conn, delivery.agent, now_ms)
        epoch = sender.epoch
        for piece in delivery.pieces:
            if piece.header.epoch != epoch:
                epoch = piece.header.epoch
                _turn(conn, delivery.agent, epoch, now_ms)
        skewed = _note_skew(conn, delivery, sender.skewed)
        return Sender(epoch, skewed, sender.read_ms, timing.skew_ms(delivery.envelope, now_ms))

    def keep(self, agent: str, sender: Sender) -> None:
        """Remember what the transaction that is about to commit has established."""
        self._senders[agent] = sender
        self._senders.move_to_end(agent)
        while len(self._senders) > MAX_SENDERS:
            self._senders.popitem(last=False)

    def skew_row(self, agent: str, sender: Sender) -> tuple[int, str] | None:
        """How far the clock is off, where that is worth saving: not remembered, or moved."""
        last = self._senders.get(agent)
        if last is not None and last.read_ms == sender.read_ms and abs(last.skew_ms - sender.skew_ms) < SKEW_STEP_MS:
            return None
        return sender.skew_ms, agent

    def boot_row(self, delivery: Delivery) -> tuple[str, str, int, int] | None:
        """The offset of the sender's present boot, where it is worth saving: new, moved, or not saved for a minute."""
        envelope, now_ms = delivery.envelope, delivery.received_ms
        offset = now_ms - envelope.sent_mono_ms
        boot, saved, at_ms = self._boots.get(delivery.agent, ("", 0, 0))
        fresh = 0 <= now_ms - at_ms < BOOT_AGE_MS
        if boot == envelope.sender_boot_id and abs(offset - saved) < BOOT_STEP_MS and fresh:
            return None
        self._boots[delivery.agent] = (envelope.sender_boot_id, offset, now_ms)
        self._boots.move_to_end(delivery.agent)
        while len(self._boots) > MAX_SENDERS:
            self._boots.popitem(last=False)
        return delivery.agent, envelope.sender_boot_id, offset, now_ms


def _read(conn: Connection, agent: str, now_ms: int) -> Sender:
    sql = _KNOWN.replace("?", "%s") if conn.dialect.name == "postgresql" else _KNOWN
    cursor = conn.connection.cursor()
    cursor.execute(sql, (agent, agent))
    row = cursor.fetchone()
    assert row is not None  # noqa: S101  # a SELECT of constants always has its row
    return Sender(str(row[0]), bool(row[1]), now_ms)


def _turn(conn: Connection, agent: str, epoch: str, now_ms: int) -> None:
    """An agent sends from another spool. One never seen is a replaced file; one seen before means two machines."""
    turns = list(conn.execute(select(t.c.epoch, t.c.turn).where(t.c.agent == agent)))
    turn = 1 + max((row.turn for row in turns), default=0)
    if all(row.epoch != epoch for row in turns):
        conn.execute(insert(t).values(agent=agent, epoch=epoch, turn=turn, first_ms=now_ms))
        return
    conn.execute(update(t).where(t.c.agent == agent, t.c.epoch == epoch).values(turn=turn))
    conditions.hold(conn, agent, "cloned", f"spool {epoch} speaks again after another one", now_ms)


def _note_skew(conn: Connection, delivery: Delivery, skewed: bool) -> bool:
    skew_ms = timing.skew_ms(delivery.envelope, delivery.received_ms)
    wrong = abs(skew_ms) > timing.SKEW_LIMIT_MS
    if wrong and not skewed:
        detail = f"the clock is {skew_ms / 1000:+.0f} s off"
        conditions.hold(conn, delivery.agent, "clock_skew", detail, delivery.received_ms)
    elif skewed and not wrong:
        conditions.clear(conn, delivery.agent, "clock_skew", delivery.received_ms)
    return wrong
