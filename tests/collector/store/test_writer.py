"""Many jobs a COMMIT, each failing alone, nobody answered before it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence

import pytest
from sqlalchemy import Connection, insert, select

from collector.api import CollectorError
from collector.store import tables
from collector.store.databases import Store
from collector.store.faults import Busy, Unavailable
from collector.store.writer import Writer


def adding(name: str) -> Callable[[Connection], str]:
    return lambda conn: add(conn, name)


def add(conn: Connection, name: str) -> str:
    conn.execute(insert(tables.cursor).values(name=name, seq=0, moved_ms=0))
    return name


def names(store: Store) -> set[str]:
    with store.reading() as conn:
        return set(conn.scalars(select(tables.cursor.c.name)))


def test_a_result_is_given_only_after_its_row_can_be_read(store: Store) -> None:
    assert store.writer.do(adding("a")) == "a"
    assert names(store) == {"a"}


def test_a_failing_job_raises_to_its_own_caller_and_its_neighbours_stay(store: Store) -> None:
    started, gate = threading.Event(), threading.Event()

    def hold(conn: Connection) -> None:
        started.set()
        gate.wait(10)

    def fail(conn: Connection) -> None:
        add(conn, "lost")
        raise ValueError("mine alone")

    first = store.writer.submit(hold)
    started.wait(10)  # what follows is one group
    good = store.writer.submit(adding("good"))
    bad = store.writer.submit(fail)
    twice = store.writer.submit(adding("good"))
    late = store.writer.submit(adding("late"))
    gate.set()
    first.result(10)
    assert (good.result(10), late.result(10)) == ("good", "late")
    with pytest.raises(ValueError, match="mine alone"):
        bad.result(10)
    with pytest.raises(Exception, match=r"(?i)unique"):
        twice.result(10)
    assert names(store) == {"good", "late"}


def test_a_full_queue_says_busy_and_close_finishes_what_is_queued(store: Store) -> None:
    writer = Writer(store.core, limit=2)
    started, gate = threading.Event(), threading.Event()

    def hold(conn: Connection) -> None:
        started.set()
        gate.wait(10)

    writer.submit(hold)
    started.wait(10)
    waiting = [writer.submit(adding(f"w{n}")) for n in range(2)]
    with pytest.raises(Busy, match="waiting already"):
        writer.submit(adding("refused"))
    assert writer.depth == 2
    gate.set()
    writer.close()
    assert [w.result(0) for w in waiting] == ["w0", "w1"]
    with pytest.raises(Unavailable):
        writer.submit(adding("after"))
    assert names(store) == {"w0", "w1"}


class Adding:
    """Names added together: the shape of the inbox's jobs."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.taken_back = 0

    def ready(self, one: str) -> None:
        if one == "unready":
            raise ValueError("not to be read")

    def do(self, conn: Connection, those: Sequence[str]) -> list[str]:
        self.calls.append(list(those))
        for one in those:
            add(conn, one)
            if one == "bad":
                raise ValueError("mine alone")
        return [one.upper() for one in those]

    def undone(self) -> None:
        self.taken_back += 1


def joined(store: Store, kind: Adding, *names: str) -> list[object]:
    """What becomes of names that are waiting together while another job is being done."""
    started, gate = threading.Event(), threading.Event()

    def hold(_: Connection) -> None:
        started.set()
        gate.wait(10)

    async def all_of_them() -> list[object]:
        first = store.writer.submit(hold)
        started.wait(10)
        waiting = [asyncio.ensure_future(store.writer.join(kind, name)) for name in names]
        await asyncio.sleep(0)  # each has queued its job
        gate.set()
        first.result(10)
        return list(await asyncio.gather(*waiting, return_exceptions=True))

    return asyncio.run(all_of_them())


def test_neighbours_of_one_kind_are_done_in_one_call(store: Store) -> None:
    kind = Adding()
    assert joined(store, kind, "a", "b", "c") == ["A", "B", "C"]
    assert (kind.calls, kind.taken_back) == ([["a", "b", "c"]], 0)
    assert names(store) == {"a", "b", "c"}


def test_one_that_fails_among_its_kind_fails_alone(store: Store) -> None:
    kind = Adding()
    first, bad, last = joined(store, kind, "a", "bad", "b")
    assert (first, last) == ("A", "B")
    assert isinstance(bad, ValueError)
    assert kind.calls == [["a", "bad", "b"], ["a"], ["bad"], ["b"]]
    assert kind.taken_back == 2  # of all together, and of the bad one
    assert names(store) == {"a", "b"}


def test_what_cannot_be_made_ready_never_reaches_the_transaction(store: Store) -> None:
    kind = Adding()
    first, unready, last = joined(store, kind, "a", "unready", "b")
    assert (first, last, str(unready)) == ("A", "B", "not to be read")
    assert kind.calls == [["a", "b"]]


def test_a_job_may_not_wait_for_another_job(store: Store) -> None:
    with pytest.raises(CollectorError, match="may not wait"):
        store.writer.do(lambda _: store.writer.do(adding("deadlock")))


def test_jobs_run_from_an_event_loop(store: Store) -> None:
    async def many() -> list[str]:
        return await asyncio.gather(*(store.writer.run(adding(f"n{n}")) for n in range(50)))

    assert len(asyncio.run(many())) == 50
    assert len(names(store)) == 50
