"""The timetable of a local day as it stands, and as it will most likely be: nothing is written.

What agents have not asked for yet is put in by the same allocator, on a copy of the book, at the moment at which each
is expected to ask: a period after it did last, or now.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, Literal

import msgspec
from sqlalchemy import Connection, select

from collector.leases.allocating import Allocator, Question
from collector.leases.ground import Ground, read_ground
from collector.leases.keeping import day_start, read_slots
from collector.leases.slots import IN_THE_WAY, Book, Slot
from collector.leases.windows import DAY_MS
from collector.planning.speedtests import PROBE
from collector.store.tables import plan
from wire.messages import PlanItem

Standing = Literal["under_way", "reserved", "expected", "done", "expired", "gave_way", "missed"]
"""under_way: the lease was given and holds · expired: it was given and nobody returned it · missed: nobody came."""

_ITEMS: Final = msgspec.json.Decoder(list[PlanItem])


@dataclass(frozen=True, slots=True)
class Entry:
    """One slot of a day. `on_demand`: a person asked for it."""

    standing: Standing
    slot: Slot

    @property
    def on_demand(self) -> bool:
        return bool(self.slot.task)


def read_day(conn: Connection, day_ms: int, now_ms: int) -> list[Entry]:
    """The slots of the local day that begins at `day_ms`, by their beginning; days to come hold expected ones, too."""
    book, ground = Book(), read_ground(conn, now_ms)
    policy = ground.policies.at(now_ms).policy.bandwidth
    back_ms = round(1000 * max(policy.period_s, policy.spare_period_s)) + DAY_MS
    for slot in read_slots(conn, min(day_ms, now_ms - back_ms)):
        book.put(slot)
    expected = frozenset[str]()
    if day_ms + DAY_MS > now_ms and ground.servers:
        expected = _foresee(book, ground, _plans(conn), now_ms, day_ms + DAY_MS)
    slots = sorted((s for s in book.everything() if day_ms <= s.from_ms < day_ms + DAY_MS), key=lambda s: s.from_ms)
    return [Entry("expected" if s.id in expected else standing_of(s, now_ms), s) for s in slots]


def standing_of(slot: Slot, now_ms: int) -> Standing:
    """What has become of a slot."""
    over = slot.to_ms <= now_ms
    if slot.state == "held":
        return "expired" if over else "under_way"
    if slot.state == "reserved":
        return "missed" if over else "reserved"
    return "done" if slot.state == "returned" else "gave_way"


def spent_bytes(entries: Iterable[Entry]) -> dict[str, int]:
    """What the tests of each line have cost: of a lease that is under way or expired, all that it allows."""
    spent: dict[str, int] = {}
    for entry in entries:
        if entry.standing in {"under_way", "done", "expired"}:
            spent[entry.slot.line] = spent.get(entry.slot.line, 0) + entry.slot.cost_bytes
    return spent


def _foresee(
    book: Book, ground: Ground, items: Iterable[tuple[str, PlanItem]], now_ms: int, until_ms: int
) -> frozenset[str]:
    """Put in what is expected to be asked for until then; the ids of these slots."""
    asks = [(at, agent, item) for agent, item in items for at in _expected(book, agent, item, now_ms) if at < until_ms]
    asks.sort(key=lambda ask: (ask[0], ask[2].id))
    for n, (at, agent, item) in enumerate(asks):
        line = item.subject.removeprefix("line:")
        allocator = Allocator(book, ground.servers, ground.policies.at(now_ms).policy.bandwidth, day_start)
        question = Question(
            f"expected-{n:06}", agent, item.id, ground.way(line, at), round(item.period_s * 1000), at
        )  # fmt: skip
        for change in allocator.decide(question).changes:
            book.put(replace(change, seq=-1))
    return frozenset(slot.id for slot in book.everything() if slot.seq == -1)


def _expected(book: Book, agent: str, item: PlanItem, now_ms: int) -> list[int]:
    """When this test will be asked for next: not before the turn it waits for is over."""
    mine = [s for s in book.of_line(item.subject.removeprefix("line:")) if s.item == item.id and not s.task]
    asked = [s.asked_ms for s in mine if s.agent == agent]
    if not asked:
        return [now_ms]
    waits = [s.to_ms for s in mine if s.state in IN_THE_WAY and s.to_ms > now_ms]
    return [max(now_ms, max(asked) + round(item.period_s * 1000), *waits)]


def _plans(conn: Connection) -> list[tuple[str, PlanItem]]:
    """Every test of every plan in force, with the agent that makes it."""
    rows = conn.execute(select(plan.c.agent, plan.c["items"]).where(plan.c.to_ms.is_(None)).order_by(plan.c.agent))
    return [(agent, item) for agent, body in rows for item in _ITEMS.decode(bytes(body)) if item.probe == PROBE]
