"""queued -> taken -> running -> done | expired, only forward."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection, select

from collector.api import TaskInfo
from collector.register import tasks
from collector.store.databases import Store
from collector.store.tables import task

T = TypeVar("T")
NOW = 1_000_000


def ask(store: Store, item: str = "i1", now_ms: int = NOW) -> TaskInfo:
    return store.writer.do(lambda conn: tasks.request(conn, "a", item, by="me", now_ms=now_ms))


def state(store: Store, key: str) -> str:
    with store.reading() as conn:
        return str(conn.scalar(select(task.c.state).where(task.c.id == key)))


def do(store: Store, job: Callable[[Connection], T]) -> T:
    return store.writer.do(job)


def test_a_task_goes_its_way_to_done(store: Store) -> None:
    made = ask(store)
    assert made.state == "queued"
    (taken,) = do(store, lambda conn: tasks.take(conn, "a", NOW + 1))
    assert (taken.id, taken.kind, taken.args) == (made.id, "probe", {"item": "i1"})
    assert state(store, made.id) == "taken"
    do(store, lambda conn: tasks.run(conn, "a", [made.id], NOW + 2))
    assert state(store, made.id) == "running"
    finish = {"observation": "a/e/1/0", "outcome": "ok"}
    assert do(store, lambda conn: tasks.finish(conn, "a", made.id, now_ms=NOW + 3, **finish))
    assert state(store, made.id) == "done"
    assert not do(store, lambda conn: tasks.finish(conn, "a", made.id, now_ms=NOW + 4, **finish))


def test_a_task_that_waits_is_given_again(store: Store) -> None:
    first = ask(store)
    assert ask(store, now_ms=NOW + 5).id == first.id
    assert ask(store, "other").id != first.id
    assert ask(store, now_ms=NOW + tasks.LIFE_MS).id != first.id


def test_a_task_is_taken_once_and_by_its_agent_only(store: Store) -> None:
    ask(store)
    assert do(store, lambda conn: tasks.waiting(conn, NOW)) == {"a"}
    assert do(store, lambda conn: tasks.take(conn, "b", NOW)) == []
    assert len(do(store, lambda conn: tasks.take(conn, "a", NOW))) == 1
    assert do(store, lambda conn: tasks.take(conn, "a", NOW)) == []
    assert do(store, lambda conn: tasks.waiting(conn, NOW)) == frozenset()


def test_another_agent_cannot_finish_a_task(store: Store) -> None:
    made = ask(store)
    finish = {"observation": "b/e/1/0", "outcome": "ok"}
    assert not do(store, lambda conn: tasks.finish(conn, "b", made.id, now_ms=NOW, **finish))


def test_what_was_not_done_in_time_expires_and_a_late_result_still_counts(store: Store) -> None:
    made, late = ask(store), NOW + tasks.LIFE_MS
    assert do(store, lambda conn: tasks.take(conn, "a", late)) == []
    assert do(store, lambda conn: tasks.expire(conn, late)) == 1
    assert state(store, made.id) == "expired"
    finish = {"observation": "a/e/1/0", "outcome": "ok"}
    assert do(store, lambda conn: tasks.finish(conn, "a", made.id, now_ms=late + 5, **finish))
    assert state(store, made.id) == "done"
