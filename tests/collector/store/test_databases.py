"""The two databases: their form, their faults, and two collectors on one of them."""

from __future__ import annotations

import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData, insert, select, text

from alerts.tables import tables as alerts_tables
from collector.health import readiness
from collector.hub import Hub
from collector.settings import Settings
from collector.store import (
    inventory_tables,
    lease_tables,
    lifecycle_tables,
    line_tables,
    migrations,
    notice_tables,
    reflector_tables,
    rolled,
    tables,
)
from collector.store.bodies import read_rows
from collector.store.databases import Store, StoreError, migrate, open_store
from collector.store.faults import Unavailable, fault_of
from tests.support.handclock import HandClock
from tests.support.postgres import Cluster

ROW = {
    "agent": "a", "epoch": "e", "sha256": "", "boot_id": "", "received_ms": 0, "at_min_ms": 0, "at_max_ms": 0,
    "items": 0, "rejected": "[]",
}  # fmt: skip


def add(number: int, size: int = 0) -> Callable[[Connection], None]:
    def job(conn: Connection) -> None:
        conn.execute(insert(tables.inbox).values(batch=number, body=bytes(size), **ROW))

    return job


def batches(store: Store) -> list[int]:
    with store.reading() as conn:
        return [row.batch for row in read_rows(conn, 0, 1_000)]


def test_the_migrations_make_exactly_the_declared_tables(store: Store) -> None:
    # Tables of roll-ups, of the inventory and of what people changed are declared beside the others.
    assert rolled.day.metadata is tables.series
    assert inventory_tables.inventory.metadata is tables.core
    assert lifecycle_tables.lifecycle.metadata is tables.core
    assert lease_tables.lease.metadata is tables.core
    assert reflector_tables.reflector.metadata is tables.core
    assert notice_tables.notice.metadata is tables.core
    assert line_tables.finding.metadata is tables.core
    primary = MetaData()
    for table in (*tables.core.tables.values(), *alerts_tables.tables.values()):
        table.to_metadata(primary)
    for engine, declared in [(store.core, primary), (store.ts, tables.series)]:
        with engine.connect() as conn:
            found = compare_metadata(MigrationContext.configure(conn, opts={"compare_type": True}), declared)
        own = {"alembic_version", *primary.tables, *tables.series.tables} - set(declared.tables)
        assert [d for d in found if not (d[0] in {"remove_table", "remove_index"} and _table(d) in own)] == []


def _table(difference: tuple[object, ...]) -> str:
    thing = difference[1]
    return str(getattr(getattr(thing, "table", thing), "name", ""))


def test_migrating_again_changes_nothing(store: Store) -> None:
    store.writer.do(add(1))
    migrate(store)
    assert batches(store) == [1]


def test_points_of_before_roll_ups_are_marked_by_the_migration(tmp_path: Path, clock: HandClock) -> None:
    store = open_store(tmp_path, clock)
    with store.ts.connect() as conn, conn.begin():
        migrations.run(conn, "0001", "series")
        conn.execute(text("INSERT INTO raw VALUES (1, 3600000, 1), (1, 7199999, 1), (1, 7200000, 1)"))
    migrate(store)
    with store.reading_ts() as conn:
        rows = conn.execute(select(rolled.dirty).order_by(rolled.dirty.c.start_ms)).all()
    assert [tuple(row) for row in rows] == [(1, 3_600, 3_600_000, 0), (1, 3_600, 7_200_000, 0)]
    store.close()


def test_a_reader_sees_one_moment_and_holds_up_nobody(store: Store) -> None:
    store.writer.do(add(1))
    with store.reading() as conn:
        assert len(read_rows(conn, 0, 10)) == 1
        store.writer.do(add(2))
        assert len(read_rows(conn, 0, 10)) == 1
    assert batches(store) == [1, 2]


def test_a_position_is_never_used_twice(store: Store) -> None:
    store.writer.do(add(1))
    store.writer.do(lambda conn: conn.execute(tables.inbox.delete()).rowcount)
    store.writer.do(add(2))
    with store.reading() as conn:
        assert [row.seq for row in read_rows(conn, 0, 10)] == [2]


@pytest.fixture
def pair(cluster: Cluster, clock: HandClock) -> Iterator[tuple[Store, Store]]:
    url = cluster.database()
    first, second = open_store(url, clock), open_store(url, clock)
    yield first, second
    first.close()
    second.close()


@pytest.mark.postgres
def test_no_reader_skips_a_row_while_another_collectors_transaction_is_paused(pair: tuple[Store, Store]) -> None:
    first, second = pair
    drawn, go_on = threading.Event(), threading.Event()

    def pause(conn: Connection) -> None:
        add(1)(conn)
        drawn.set()
        go_on.wait(20)

    slow = first.writer.submit(pause)
    drawn.wait(20)
    fast = second.writer.submit(add(2))
    reader = Cursor(second)
    reader.read()
    assert not fast.done()  # its id would come before that of the paused one is visible
    go_on.set()
    slow.result(20)
    fast.result(20)
    reader.read()
    assert reader.seen == [1, 2]


@pytest.mark.postgres
def test_without_the_order_a_reader_would_skip_a_row(pair: tuple[Store, Store]) -> None:
    first, second = pair
    drawn, go_on = threading.Event(), threading.Event()

    def pause(conn: Connection) -> None:
        add(1)(conn)
        drawn.set()
        go_on.wait(20)

    slow = first.ts_writer.submit(pause)  # the writer of history takes no order
    drawn.wait(20)
    second.ts_writer.do(add(2))
    reader = Cursor(second)
    reader.read()
    go_on.set()
    slow.result(20)
    reader.read()
    assert reader.seen == [2]


class Cursor:
    """A reader that goes on from the last position it saw."""

    def __init__(self, store: Store) -> None:
        self.store, self.after, self.seen = store, 0, list[int]()

    def read(self) -> None:
        with self.store.reading() as conn:
            for row in read_rows(conn, self.after, 100):
                self.after = row.seq
                self.seen.append(row.batch)


@pytest.mark.postgres
def test_a_loop_has_one_owner_until_its_connection_is_gone(pair: tuple[Store, Store], cluster: Cluster) -> None:
    first, second = pair
    assert [first.own("judge"), second.own("judge"), second.own("history"), first.own("judge")] == [
        True, False, True, True,
    ]  # fmt: skip
    cluster.execute(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_locks WHERE locktype = 'advisory' AND objid ="
        " (hashtext('judge')::bigint & 4294967295)::oid"
    )
    assert second.own("judge")
    assert not first.own("judge")


@pytest.mark.postgres
def test_a_server_that_went_away_is_found_again(pair: tuple[Store, Store], cluster: Cluster) -> None:
    first, _ = pair
    first.writer.do(add(1))
    cluster.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'motcua'")
    with pytest.raises(Unavailable) as caught:
        first.writer.do(add(2))
    assert caught.value.reason == "unreachable"
    first.writer.do(add(2))
    assert batches(first) == [1, 2]


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(StoreError, match="mysql"):
        open_store("mysql://x/y", HandClock())
    with pytest.raises(StoreError, match="cannot be made"):
        open_store(Path("/dev/null/x"), HandClock())


# --- faults of the disk, SQLite -------------------------------------------------------------------------------------


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system of its own. Needs root."""
    folder = tmp_path / "disk"
    folder.mkdir()
    _run("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder))
    yield folder
    _run("umount", "-l", str(folder))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, timeout=20, capture_output=True)


@pytest.fixture
def small(disk: Path, clock: HandClock) -> Iterator[Store]:
    store = open_store(disk, clock)
    migrate(store)
    yield store
    store.close()


def reason(store: Store, job: Callable[[Connection], None]) -> str:
    with pytest.raises(Unavailable) as caught:
        store.writer.do(job)
    return caught.value.reason


def ready(store: Store, home: Path) -> str | None:
    return readiness(Hub(store, store.clock, Settings(home=home))).reason


@pytest.mark.netns
def test_a_full_disk_is_said_and_survived(small: Store, disk: Path) -> None:
    small.writer.do(add(1))
    filler = disk / "filler"
    with pytest.raises(OSError, match="No space"):
        filler.write_bytes(bytes(8_000_000))
    assert reason(small, add(2, 100_000)) in {"disk_full", "disk_error"}
    assert ready(small, disk) in {"disk_full", "disk_error"}
    assert batches(small) == [1]
    filler.unlink()
    assert ready(small, disk) is None
    small.writer.do(add(3, 100_000))
    assert batches(small) == [1, 3]


@pytest.mark.netns
def test_a_read_only_file_system_is_said_and_survived(disk: Path, clock: HandClock) -> None:
    store = open_store(disk, clock)
    migrate(store)
    store.writer.do(add(1))
    store.close()
    _run("mount", "-o", "remount,ro", str(disk))
    store = open_store(disk, clock)
    assert reason(store, add(2)) in {"read_only", "unreachable"}
    assert ready(store, disk) in {"read_only", "unreachable"}
    _run("mount", "-o", "remount,rw", str(disk))
    assert ready(store, disk) is None
    store.writer.do(add(2))
    assert batches(store) == [1, 2]
    store.close()


def test_a_database_locked_by_another_process_is_said_and_survived(
    tmp_path: Path, sqlite_pattern: Path, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("collector.store.databases.BUSY_MS", 50)
    store = open_store(tmp_path, clock)
    migrate(store)
    other = sqlite3.connect(tmp_path / "core.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert reason(store, add(1)) == "locked"
    assert ready(store, tmp_path) == "locked"
    other.execute("ROLLBACK")
    other.close()
    store.writer.do(add(1))
    assert (batches(store), ready(store, tmp_path)) == ([1], None)
    store.close()


def test_a_damaged_database_is_said(tmp_path: Path, sqlite_pattern: Path, clock: HandClock) -> None:
    (tmp_path / "core.db").write_bytes(b"no database at all" * 100)
    store = open_store(tmp_path, clock)
    assert reason(store, add(1)) == "damaged"
    store.close()


def test_what_is_wrong_with_a_write_is_no_fault_of_the_store(store: Store) -> None:
    store.writer.do(add(1))
    with pytest.raises(Exception, match=r"(?i)unique") as caught:
        store.writer.do(add(1))
    assert fault_of(caught.value) is None
    with pytest.raises(Exception, match="nothing_here") as missing:
        store.writer.do(lambda conn: conn.execute(text("SELECT * FROM nothing_here")).all())
    assert fault_of(missing.value) is None
    with store.reading() as conn:
        assert conn.scalar(select(tables.inbox.c.batch)) == 1
