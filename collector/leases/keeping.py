"""Leases kept: every decision is a job of the one writer, on a book in memory that follows the table.

The table is the truth, and the writer's order lock lets one process decide at a time: before it decides, a process
reads what the others have written since. What a transaction takes back, the book forgets (`undone`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from operator import attrgetter
from typing import Any, Final

from msgspec.structs import replace as replace_fields
from sqlalchemy import Connection, Row, bindparam, func, insert, select, update

from collector.history.buckets import DAY_MS, start_of
from collector.hub import Hub
from collector.judging.policy import newest_number
from collector.leases.allocating import Allocator, Decision, Question
from collector.leases.ground import Ground, read_ground
from collector.leases.servers import put_in_use, redraw
from collector.leases.slots import Book, Slot
from collector.loops import Loop
from collector.measure import ticket
from collector.planning.speedtests import PROBE
from collector.register import plans
from collector.store.lease_tables import lease as t
from collector.store.tables import plan
from wire.identity import new_ulid
from wire.messages import Lease, LeaseAnswer, LeaseAsk, PlanItem

CONFIGURE_S: Final = 30.0
FORGET: Final = 50
"""Slots that are over and forgotten at each decision: more than one makes, and no pause at midnight."""

_FIELDS: Final = [field.name for field in fields(Slot)]
_COLUMNS: Final = [t.c["uplink" if name == "group" else name] for name in _FIELDS]
_VALUES: Final = attrgetter(*_FIELDS)
_AGAIN: Final = update(t).where(t.c.id == bindparam("its_id"))
_SINCE: Final = select(*_COLUMNS).where(t.c.seq > bindparam("seq")).order_by(t.c.seq)
_VERSION: Final = select(plan.c.version).where(plan.c.agent == bindparam("agent"), plan.c.to_ms.is_(None))
_CHANGING: Final = ("seq", "to_ms", "state", "used_bytes")


@dataclass(frozen=True, slots=True)
class Asked:
    """An agent's question as it arrived."""

    agent: str
    ask: LeaseAsk
    kind: ticket.Kind = "agent"
    """For a browser a turn is longer, because a person has to come first; and it is now or never."""


class Leases:
    """A kind of job (`collector.store.jobs.Together`): questions of many agents in one COMMIT."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._key: bytes | None = None
        self._book: Book | None = None
        self._seq = 0
        self._version: int | None = None
        self._ground: Ground | None = None
        self._items: dict[str, tuple[int, dict[str, PlanItem]]] = {}

    def loop(self) -> Loop:
        """Puts the measurement servers of the settings in use, and has plans follow what the policy says of tests."""
        return Loop("measure", "ingest", self._configure)

    def _configure(self) -> float:
        hub, now_ms, before = self._hub, self._hub.clock.wall_ms(), self._version
        with hub.store.reading() as conn:
            self._version = newest_number(conn)
        if before is None:
            changed = hub.store.writer.do(lambda conn: put_in_use(conn, hub.settings.measure, now_ms))
        else:
            changed = before != self._version and hub.store.writer.do(lambda conn: redraw(conn, now_ms))
        if changed:
            hub.wake("register")
        return CONFIGURE_S

    # --- in the writer's thread ---------------------------------------------------------------------------------------

    def ready(self, _one: Asked) -> None:
        """Raises KeyFileError."""
        if self._key is None:
            self._key = ticket.load_key(self._hub.settings.home / ticket.KEY_FILE, make=True)

    def do(self, conn: Connection, those: Sequence[Asked]) -> list[LeaseAnswer]:
        """An answer to each, in order."""
        now_ms = self._hub.clock.wall_ms()
        book = self._follow(conn, now_ms)
        self._ground = ground = read_ground(conn, now_ms, self._ground)
        policy = ground.policies.at(now_ms).policy.bandwidth
        by_kind = {
            "agent": Allocator(book, ground.servers, policy, day_start),
            "browser": Allocator(book, ground.servers, replace_fields(policy, slot_s=policy.phone_s), day_start),
        }
        answers = list[LeaseAnswer]()
        for one in those:
            decision, line = self._decide(conn, by_kind[one.kind], ground, one, now_ms)
            if decision.given is not None or one.kind == "agent":
                self._keep(conn, book, decision.changes)  # a browser will not come back for what was reserved
            answers.append(self._answer(decision, line, policy.test_s, now_ms, kind=one.kind))
        return answers

    def undone(self) -> None:
        """What was done last did not stay: the book is read anew."""
        self._book = None

    # --- deciding -----------------------------------------------------------------------------------------------------

    def _decide(
        self, conn: Connection, allocator: Allocator, ground: Ground, one: Asked, now_ms: int
    ) -> tuple[Decision, str]:
        ask = one.ask
        if ask.returns is not None:
            return allocator.give_back(ask.returns, one.agent, ask.used_bytes, now_ms), ""
        item = self._item(conn, one.agent, ask.item)
        if item is None:
            return Decision(why="unknown_item"), ""
        line = item.subject.removeprefix("line:")
        question = Question(
            id=new_ulid(now_ms), agent=one.agent, item=item.id, way=ground.way(line, now_ms),
            period_ms=round(item.period_s * 1000), now_ms=now_ms, task=ask.task_id or "",
        )  # fmt: skip
        return allocator.decide(question), line

    def _item(self, conn: Connection, agent: str, key: str) -> PlanItem | None:
        """A test of the plan in force."""
        version = conn.scalar(_VERSION, {"agent": agent})
        if version is None:
            return None
        known, items = self._items.get(agent, (0, {}))
        if known != version:
            items = {item.id: item for item in plans.items_of(conn, agent) if item.probe == PROBE}
            self._items[agent] = version, items
        return items.get(key)

    def _answer(self, decision: Decision, line: str, max_s: float, now_ms: int, *, kind: ticket.Kind) -> LeaseAnswer:
        slot = decision.given
        if slot is None:
            again_s = None if decision.again_ms is None else decision.again_ms / 1000
            return LeaseAnswer(why=decision.why, again_s=again_s)
        assert self._key is not None  # noqa: S101  # `ready` comes before `do`
        signed = ticket.issue(
            self._key, lease=slot.id, line=line, max_bytes=slot.max_bytes, expires_ms=slot.to_ms, kind=kind
        )
        return LeaseAnswer(Lease(
            id=slot.id, url=slot.server, ticket=signed, starts_in_s=max(0, slot.from_ms - now_ms) / 1000,
            ends_in_s=(slot.to_ms - now_ms) / 1000, max_bytes=slot.max_bytes, max_s=max_s,
        ))  # fmt: skip

    # --- the book and the table ---------------------------------------------------------------------------------------

    def _follow(self, conn: Connection, now_ms: int) -> Book:
        """The book, with what any process has written since; from yesterday on, so that it stays small."""
        since = day_start(now_ms) - DAY_MS
        if self._book is None:
            self._book = Book()
            for slot in read_slots(conn, since):
                self._book.put(slot)
            self._seq = conn.scalar(select(func.max(t.c.seq))) or 0
            return self._book
        for row in conn.execute(_SINCE, {"seq": self._seq}):
            slot = slot_of(row)
            self._book.put(slot)
            self._seq = slot.seq
        self._book.forget(since, FORGET)
        return self._book

    def _keep(self, conn: Connection, book: Book, changes: Iterable[Slot]) -> None:
        for change in changes:
            self._seq += 1
            slot = replace(change, seq=self._seq)
            if book.find(slot.id) is None:
                conn.execute(insert(t), _row(slot))
            else:
                changed = {name: getattr(slot, name) for name in _CHANGING}
                conn.execute(_AGAIN, {"its_id": slot.id, **changed})
            book.put(slot)


def read_slots(conn: Connection, ending_from_ms: int) -> list[Slot]:
    """Every slot that ends at that time or later, in the order of their last changes."""
    query = select(*_COLUMNS).where(t.c.to_ms >= ending_from_ms).order_by(t.c.seq)
    return [slot_of(row) for row in conn.execute(query)]


def slot_of(row: Row[*tuple[Any, ...]]) -> Slot:
    """A row whose columns are in the order of a slot's fields."""
    return Slot(*row)


def _row(slot: Slot) -> dict[str, object]:
    return dict(zip((column.name for column in _COLUMNS), _VALUES(slot), strict=True))


def day_start(at_ms: int) -> int:
    """Where the local day of an instant begins."""
    return start_of(at_ms, DAY_MS)
