"""The inbox: what is stored, what is receipted, what becomes a condition."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from sqlalchemy import Connection, select

from collector.ingest.inbox import Inbox, Settled
from collector.ingest.parcels import Arrival
from collector.register import conditions, tasks
from collector.register.known import Known
from collector.register.presence import hear
from collector.store.bodies import observations, read_rows, spooled
from collector.store.databases import Store
from collector.store.tables import boot, heard, ledger, quarantine, spool
from collector.store.tables import task as task_table
from tests.support.collector import BOOT, EPOCH, Pen
from tests.support.handclock import NOON_MS
from wire.codec import pack, unpack
from wire.messages import Observation, Receipt

AGENT, SUBJECT = "01A", "device:01D"
OTHER_EPOCH, OTHER_BOOT = "00000000-0000-4000-8000-00000000000b", "22222222-2222-4222-8222-222222222222"
MONO = 1_000_000


@dataclass(slots=True)
class Sending:
    """One agent's sending to one inbox, at times that the test says."""

    store: Store
    inbox: Inbox
    pen: Pen = field(default_factory=lambda: Pen(AGENT, SUBJECT))

    def send(
        self,
        *batches: bytes,
        received_ms: int = NOON_MS,
        at_ms: int | None = None,
        mono_ms: int = MONO,
        boot: str = BOOT,
    ) -> Settled:
        sent = received_ms if at_ms is None else at_ms
        raw = self.pen.request(*batches, at_ms=sent, mono_ms=mono_ms, boot=boot)
        known = Known(AGENT, "07375-1", "box", frozenset({SUBJECT}), "")
        arrival = Arrival(known, pack(raw), unpack, packed=True, received_ms=received_ms)
        return asyncio.run(self.store.writer.join(self.inbox, arrival))

    def one(self, number: int, *, mono_ms: int = MONO, at_ms: int = NOON_MS, task_id: str | None = None) -> bytes:
        return self.pen.batch([self.pen.observation(at_ms=at_ms, mono_ms=mono_ms, task_id=task_id)], number)

    def holding(self) -> frozenset[str]:
        with self.store.reading() as conn:
            return conditions.holding(conn, AGENT)


@pytest.fixture
def sending(store: Store) -> Sending:
    return Sending(store, Inbox(store))


def codes(receipts: Sequence[Receipt]) -> list[str]:
    return [receipt.code for receipt in receipts]


def test_what_was_receipted_is_read_back_with_corrected_times(sending: Sending) -> None:
    pen = sending.pen
    batch = pen.batch([pen.observation(n, at_ms=7, mono_ms=MONO - 500 * n) for n in range(3)])
    settled = sending.send(batch, at_ms=99)
    assert settled.receipts == [Receipt(EPOCH, 1, "stored", 3)]
    with sending.store.reading() as conn:
        (row,) = read_rows(conn, 0, 10)
    assert spooled(row.body or b"") == batch
    assert (row.offset_ms, row.at_min_ms, row.at_max_ms) == (NOON_MS - MONO, NOON_MS - 1_000, NOON_MS)
    found = observations(row)
    assert [(o.id, o.at_ms, o.clock_unsure) for o in found] == [
        (f"{AGENT}/{EPOCH}/1/{n}", NOON_MS - 500 * n, False) for n in range(3)
    ]


def test_several_batches_of_one_request_are_stored_each_with_its_own_body(sending: Sending) -> None:
    batches = [sending.one(n) for n in (1, 2, 3)]
    assert codes(sending.send(*batches).receipts) == ["stored"] * 3
    with sending.store.reading() as conn:
        rows = read_rows(conn, 0, 10)
        assert [row.batch for row in read_rows(conn, rows[0].seq, 1)] == [2]
    assert [spooled(row.body or b"") for row in rows] == batches


def test_the_same_batch_again_gets_the_receipt_of_the_first_time(sending: Sending) -> None:
    pen = sending.pen
    far = MONO + 10_000_000  # in the future: quarantined
    batch = pen.batch([pen.observation(0, at_ms=0, mono_ms=MONO), pen.observation(1, at_ms=0, mono_ms=far)], 1)
    first = sending.send(batch).receipts[0]
    # An hour later the stamp would be fine, and the receipt is still the first one.
    again = sending.send(batch, received_ms=NOON_MS + 100_000_000, mono_ms=MONO + 100_000_000).receipts[0]
    assert (first.code, again.code) == ("stored", "duplicate")
    assert (again.accepted, again.rejected) == (first.accepted, first.rejected)
    with sending.store.reading() as conn:
        (row,) = read_rows(conn, 0, 10)
        assert [o.observation.i for o in observations(row)] == [0]


def test_another_body_under_the_same_number_is_a_conflict_and_its_neighbours_are_stored(sending: Sending) -> None:
    sending.send(sending.one(2))
    settled = sending.send(sending.one(1), sending.one(2, mono_ms=MONO - 1), sending.one(3))
    assert codes(settled.receipts) == ["stored", "conflict", "stored"]
    assert sending.holding() == {"batch_conflict"}


def test_a_new_spool_is_a_replaced_file_but_an_old_one_that_speaks_again_is_a_clone(sending: Sending) -> None:
    sending.send(sending.one(1))
    sending.pen.epoch = OTHER_EPOCH
    sending.send(sending.one(1))
    assert sending.holding() == frozenset()
    sending.pen.epoch = EPOCH
    sending.send(sending.one(2))
    assert sending.holding() == {"cloned"}


def test_two_spools_in_one_request_are_seen_as_well(sending: Sending) -> None:
    first = sending.one(1)
    sending.pen.epoch = OTHER_EPOCH
    second = sending.one(1)
    sending.pen.epoch = EPOCH
    sending.send(first, second, sending.one(2))
    assert sending.holding() == {"cloned"}


def test_two_collectors_behind_one_balancer_see_the_clone_between_them(sending: Sending) -> None:
    other = Sending(sending.store, Inbox(sending.store), sending.pen)
    for turn in range(4):  # longer than either remembers
        sending.pen.epoch, where = (EPOCH, sending) if turn % 2 == 0 else (OTHER_EPOCH, other)
        where.send(where.one(turn + 1), received_ms=NOON_MS + 6_000 * turn)
    assert sending.holding() == {"cloned"}


def test_what_a_day_has_not_seen_again_fades(sending: Sending) -> None:
    sending.send(sending.one(1))
    sending.send(sending.one(1, mono_ms=1))
    store, later = sending.store, NOON_MS + conditions.FADE_MS
    assert store.writer.do(lambda conn: conditions.fade(conn, later)) == []
    assert store.writer.do(lambda conn: conditions.fade(conn, later + 1)) == [AGENT]
    assert sending.holding() == frozenset()


def test_a_wrong_clock_is_a_condition_until_it_is_right_again(sending: Sending) -> None:
    sending.send(sending.one(1), at_ms=NOON_MS + 120_000)
    assert sending.holding() == frozenset()
    sending.send(sending.one(2), at_ms=NOON_MS - 86_400_000)
    assert sending.holding() == {"clock_skew"}
    sending.send(sending.one(3), at_ms=NOON_MS + 86_400_000)
    assert sending.holding() == {"clock_skew"}
    sending.send(sending.one(4))
    assert sending.holding() == frozenset()


def test_backlog_of_an_earlier_boot_is_dated_by_what_was_known_of_it(sending: Sending) -> None:
    sending.send(sending.one(1))
    later = NOON_MS + 3_600_000
    sending.send(sending.one(2, mono_ms=MONO + 5_000, at_ms=1), received_ms=later, mono_ms=50, boot=OTHER_BOOT)
    with sending.store.reading() as conn:
        rows = read_rows(conn, 0, 10)
        boots = {row.boot_id: row.offset_ms for row in conn.execute(select(boot))}
    assert [o.at_ms for o in observations(rows[1])] == [NOON_MS + 5_000]
    assert boots == {BOOT: NOON_MS - MONO, OTHER_BOOT: later - 50}


def test_backlog_of_a_boot_never_heard_keeps_its_own_stamps_and_is_unsure(sending: Sending) -> None:
    sending.send(sending.one(1, at_ms=NOON_MS - 9_000), boot=OTHER_BOOT)
    with sending.store.reading() as conn:
        (row,) = read_rows(conn, 0, 10)
    assert [(o.at_ms, o.clock_unsure) for o in observations(row)] == [(NOON_MS - 9_000, True)]


def test_what_is_refused_names_its_position_and_its_neighbours_stay(sending: Sending) -> None:
    pen = sending.pen
    good = pen.observation(0, at_ms=0, mono_ms=MONO)
    foreign = Observation(1, "pc", "device:somebody", "self", 0, MONO, 0, "ok")
    future = pen.observation(3, at_ms=0, mono_ms=MONO + 2_001)
    lines = pen.batch([good, foreign]) + b'{"i":2,"nonsense":NaN}\n' + pen.batch([future]).split(b"\n")[1] + b"\n"
    receipt = sending.send(lines).receipts[0]
    assert [(item.i, item.code) for item in receipt.rejected] == [
        (1, "foreign_subject"), (2, "malformed"), (3, "quarantined"),
    ]  # fmt: skip
    assert receipt.accepted == 1
    with sending.store.reading() as conn:
        (row,) = read_rows(conn, 0, 10)
        assert [o.observation.i for o in observations(row)] == [0]
        assert [(q.i, q.code) for q in conn.execute(select(quarantine))] == [(3, "quarantined")]


def test_the_ledger_counts_a_day_of_an_agent(sending: Sending) -> None:
    pen = sending.pen
    mixed = pen.batch([pen.observation(0, at_ms=0, mono_ms=MONO), pen.observation(1, at_ms=0, mono_ms=2 * MONO)], 1)
    sending.send(mixed)
    sending.send(mixed)
    sending.send(sending.one(1), sending.one(2))
    with sending.store.reading() as conn:
        (row,) = conn.execute(select(ledger)).all()
    assert tuple(row) == (AGENT, "2025-11-21", 2, 1, 1, 2, 0, 1)


def test_an_observation_of_a_task_makes_it_done(sending: Sending) -> None:
    store = sending.store
    made = store.writer.do(lambda conn: tasks.request(conn, AGENT, "i1", by="me", now_ms=NOON_MS))
    sending.send(sending.one(1, task_id=made.id))
    with store.reading() as conn:
        row = conn.execute(select(task_table)).one()
    assert (row.state, row.observation, row.outcome) == ("done", f"{AGENT}/{EPOCH}/1/0", "ok")


def test_how_far_a_clock_is_off_is_kept_with_who_is_heard(sending: Sending) -> None:
    sending.store.writer.do(lambda conn: hear(conn, {AGENT: NOON_MS}))
    for number, skew in enumerate((700, 900, -5_000), start=1):
        sending.send(sending.one(number), at_ms=NOON_MS + skew)
        with sending.store.reading() as conn:
            assert conn.scalar(select(heard.c.skew_ms)) == {900: 700}.get(skew, skew)


class Undoing(Inbox):
    """An inbox whose first work does not stay."""

    failed = False

    def do(self, conn: Connection, arrivals: Sequence[Arrival]) -> list[Settled]:
        settled = super().do(conn, arrivals)
        if not self.failed:
            self.failed = True
            raise ValueError("all of it is taken back")
        return settled


def test_what_did_not_stay_is_written_again_when_it_comes_again(store: Store) -> None:
    sending = Sending(store, Undoing(store))
    with pytest.raises(ValueError, match="taken back"):
        sending.send(sending.one(1))
    assert sending.send(sending.one(1)).receipts == [Receipt(EPOCH, 1, "stored", 1)]
    with store.reading() as conn:
        assert conn.scalar(select(boot.c.boot_id)) == BOOT
        assert conn.scalar(select(spool.c.epoch)) == EPOCH
