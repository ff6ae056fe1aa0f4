"""What is known of each sender between requests, so that the hot path asks the database seldom: spool, skew, boot.

Only a memory: it is trusted for `TRUST_MS`, then read again, because another collector may have heard the same agent.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

import msgspec
from sqlalchemy import Connection
from sqlalchemy.engine.interfaces import DBAPICursor

from collector.ingest import timing
from collector.ingest.parcels import Delivery
from collector.register import conditions

T = TypeVar("T")

TRUST_MS: Final = 5_000
MAX_SENDERS: Final = 20_000
BOOT_STEP_MS: Final = 100
SKEW_STEP_MS: Final = 500
BOOT_AGE_MS: Final = 3_600_000

# An agent sends once a minute, so that this is asked of nearly every one: plain SQL, all answers at once.
_KNOWN: Final = """SELECT id,
 coalesce((SELECT epoch FROM spool WHERE spool.agent = agent.id ORDER BY turn DESC LIMIT 1), ''),
 EXISTS (SELECT 1 FROM condition WHERE condition.agent = agent.id AND name = 'clock_skew' AND to_ms IS NULL),
 (SELECT skew_ms FROM heard WHERE heard.agent = agent.id)
 FROM agent WHERE id """
_AMONG: Final = {"sqlite": "IN (SELECT value FROM json_each(?))", "postgresql": "= ANY(?)"}
_TURNS: Final = "SELECT epoch, turn FROM spool WHERE agent = ?"
_NEW_SPOOL: Final = "INSERT INTO spool (agent, epoch, turn, first_ms) VALUES (?,?,?,?)"
_OLD_SPOOL: Final = "UPDATE spool SET turn = ? WHERE agent = ? AND epoch = ?"


@dataclass(frozen=True, slots=True)
class Sender:
    """The spool an agent sends from, whether its clock being off is a condition already, and how far it is off.

    `saved_ms` is what the store has of the latter; None: nothing.
    """

    epoch: str
    skewed: bool
    read_ms: int
    saved_ms: int | None
    skew_ms: int

    @property
    def moved(self) -> bool:
        """Whether the clock is elsewhere than the store has it."""
        return self.saved_ms is None or abs(self.skew_ms - self.saved_ms) >= SKEW_STEP_MS


class Senders:
    """Used in the writer's thread only. What is noted stays only if the COMMIT does: else `forget`."""

    def __init__(self) -> None:
        self._senders: OrderedDict[str, Sender] = OrderedDict()
        self._boots: OrderedDict[str, tuple[str, int, int]] = OrderedDict()  # agent: boot, offset, when saved

    def forget(self) -> None:
        """Nothing is known any more, and everything is read again."""
        self._senders.clear()
        self._boots.clear()

    def refresh(self, conn: Connection, deliveries: Sequence[Delivery]) -> None:
        """Read anew what is not known of the senders of these, or was read too long ago."""
        stale = {d.agent: d.received_ms for d in deliveries if not self._trusted(d)}
        if not stale:
            return
        for agent, now_ms in stale.items():
            self._keep(agent, Sender("", False, now_ms, None, 0))
        dialect, names = conn.dialect.name, list(stale)
        among = msgspec.json.encode(names).decode() if dialect == "sqlite" else names
        for agent, epoch, skewed, saved_ms in _ask(conn, _KNOWN + _AMONG[dialect], (among,)).fetchall():
            self._keep(agent, Sender(epoch, bool(skewed), stale[agent], saved_ms, saved_ms or 0))

    def note(self, conn: Connection, delivery: Delivery) -> Sender:
        """Notice a change of spool or of the clock's rightness, and keep the agent's conditions by it.

        The sender was refreshed.
        """
        sender, now_ms = self._senders[delivery.agent], delivery.received_ms
        epoch = sender.epoch
        for piece in delivery.pieces:
            if piece.header.epoch != epoch:
                epoch = piece.header.epoch
                _turn(conn, delivery.agent, epoch, now_ms)
        skewed = _note_skew(conn, delivery, sender.skewed)
        noted = Sender(epoch, skewed, sender.read_ms, sender.saved_ms, timing.skew_ms(delivery.envelope, now_ms))
        self._keep(delivery.agent, noted)
        return noted

    def skews(self, agents: Iterable[str]) -> list[tuple[int, str]]:
        """How far the clocks of these agents are off, where that is to be saved now; it counts as saved."""
        moved = {agent: sender for agent in agents if (sender := self._senders[agent]).moved}
        for agent, sender in moved.items():
            self._keep(agent, replace(sender, saved_ms=sender.skew_ms))
        return [(sender.skew_ms, agent) for agent, sender in moved.items()]

    def boot_row(self, delivery: Delivery) -> tuple[str, str, int, int] | None:
        """The offset of the sender's present boot, where it is to be saved now: new, moved, or not saved for an hour.

        It counts as saved.
        """
        envelope, now_ms = delivery.envelope, delivery.received_ms
        offset = now_ms - envelope.sent_mono_ms
        boot, saved, at_ms = self._boots.get(delivery.agent, ("", 0, 0))
        fresh = 0 <= now_ms - at_ms < BOOT_AGE_MS
        if boot == envelope.sender_boot_id and abs(offset - saved) < BOOT_STEP_MS and fresh:
            return None
        self._boots[delivery.agent] = (envelope.sender_boot_id, offset, now_ms)
        _bound(self._boots, delivery.agent)
        return delivery.agent, envelope.sender_boot_id, offset, now_ms

    def _trusted(self, delivery: Delivery) -> bool:
        sender = self._senders.get(delivery.agent)
        return sender is not None and 0 <= delivery.received_ms - sender.read_ms < TRUST_MS

    def _keep(self, agent: str, sender: Sender) -> None:
        self._senders[agent] = sender
        _bound(self._senders, agent)


def _bound(kept: OrderedDict[str, T], newest: str) -> None:
    kept.move_to_end(newest)
    while len(kept) > MAX_SENDERS:
        kept.popitem(last=False)


def _turn(conn: Connection, agent: str, epoch: str, now_ms: int) -> None:
    """An agent sends from another spool. One never seen is a replaced file; one seen before means two machines."""
    turns = dict(_ask(conn, _TURNS, (agent,)).fetchall())
    turn = 1 + max(turns.values(), default=0)
    if epoch not in turns:
        _ask(conn, _NEW_SPOOL, (agent, epoch, turn, now_ms))
        return
    _ask(conn, _OLD_SPOOL, (turn, agent, epoch))
    conditions.hold(conn, agent, "cloned", f"spool {epoch} speaks again after another one", now_ms)


def _ask(conn: Connection, sql: str, parameters: tuple[object, ...]) -> DBAPICursor:
    cursor = conn.connection.cursor()
    cursor.execute(sql.replace("?", "%s") if conn.dialect.name == "postgresql" else sql, parameters)
    return cursor


def _note_skew(conn: Connection, delivery: Delivery, skewed: bool) -> bool:
    skew_ms = timing.skew_ms(delivery.envelope, delivery.received_ms)
    wrong = abs(skew_ms) > timing.SKEW_LIMIT_MS
    if wrong and not skewed:
        detail = f"the clock is {skew_ms / 1000:+.0f} s off"
        conditions.hold(conn, delivery.agent, "clock_skew", detail, delivery.received_ms)
    elif skewed and not wrong:
        conditions.clear(conn, delivery.agent, "clock_skew", delivery.received_ms)
    return wrong
