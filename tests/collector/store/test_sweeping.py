"""What may be forgotten goes, what may not stays."""

from __future__ import annotations

from sqlalchemy import insert, select

from collector.store import tables
from collector.store.databases import Store
from collector.store.sweeping import AT_ONCE, DAY_MS, sweep
from tests.support.handclock import NOON_MS


def test_old_rows_go_a_bounded_number_at_a_time(store: Store) -> None:
    old, young = NOON_MS - 61 * DAY_MS, NOON_MS - 59 * DAY_MS
    rows = [
        {"agent": f"a{n}", "boot_id": "b", "offset_ms": 0, "seen_ms": old if n < AT_ONCE + 3 else young}
        for n in range(AT_ONCE + 5)
    ]
    store.writer.do(lambda conn: conn.execute(insert(tables.boot), rows).rowcount)
    assert [store.writer.do(lambda conn: sweep(conn, NOON_MS)) for _ in range(3)] == [AT_ONCE, 3, 0]
    with store.reading() as conn:
        assert len(conn.execute(select(tables.boot)).all()) == 2


def test_every_table_can_be_swept_and_a_fresh_store_has_nothing_to_forget(store: Store) -> None:
    assert store.writer.do(lambda conn: sweep(conn, NOON_MS)) == 0
