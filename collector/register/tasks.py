"""Tasks: one measurement asked for now. queued -> taken -> running -> done | expired; each step only forward."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, insert, select, update

from collector.api import TaskInfo
from collector.store.tables import task as t
from wire.identity import new_ulid
from wire.messages import Scalar, Task

LIFE_MS: Final = 120_000
"""How long a task waits to be taken and done; a button pressed an hour ago must not load a line now."""

LATE_MS: Final = 3_600_000
"""A result that took its time on the way still counts, this long after the task expired."""

MAX_TAKEN: Final = 16


def request(conn: Connection, agent: str, item: str, *, by: str, now_ms: int) -> TaskInfo:
    """Queue a task for an item of an agent's plan; one that waits or runs already is given again."""
    under_way = t.c.state.in_(("queued", "taken", "running")) & (t.c.expires_ms > now_ms)
    row = conn.execute(select(t).where(t.c.agent == agent, t.c.item == item, under_way)).first()
    if row is None:
        values = {
            "id": new_ulid(now_ms), "agent": agent, "kind": "probe", "item": item,
            "args": msgspec.json.encode({"item": item}).decode(), "state": "queued", "requested_by": by,
            "created_ms": now_ms, "expires_ms": now_ms + LIFE_MS, "changed_ms": now_ms,
        }  # fmt: skip
        row = conn.execute(insert(t).values(values).returning(t)).one()
    return info(row)


def take(conn: Connection, agent: str, now_ms: int) -> list[Task]:
    """Give an agent what is queued for it, oldest first; from now each is `taken`."""
    query = select(t.c.id).where(t.c.agent == agent, t.c.state == "queued", t.c.expires_ms > now_ms)
    ids = list(conn.scalars(query.order_by(t.c.created_ms).limit(MAX_TAKEN)))
    if not ids:
        return []
    taken = update(t).where(t.c.id.in_(ids), t.c.state == "queued").values(state="taken", changed_ms=now_ms)
    rows = conn.execute(taken.returning(t)).all()
    return [_message(row) for row in sorted(rows, key=lambda row: row.created_ms)]


def run(conn: Connection, agent: str, ids: Sequence[str], now_ms: int) -> None:
    """The agent says that these are running."""
    mine = update(t).where(t.c.id.in_(ids), t.c.agent == agent, t.c.state == "taken")
    conn.execute(mine.values(state="running", changed_ms=now_ms))


def finish(conn: Connection, agent: str, task: str, *, observation: str, outcome: str, now_ms: int) -> bool:
    """An observation of this task has arrived. False where the task is not this agent's, or was done before."""
    open_still = t.c.state.in_(("queued", "taken", "running")) | (
        (t.c.state == "expired") & (t.c.expires_ms > now_ms - LATE_MS)
    )
    done = update(t).where(t.c.id == task, t.c.agent == agent, open_still)
    values = {"state": "done", "changed_ms": now_ms, "observation": observation, "outcome": outcome}
    return conn.execute(done.values(values).returning(t.c.id)).first() is not None


def expire(conn: Connection, now_ms: int) -> int:
    """Give up what was not done in time. Returns how many."""
    late = update(t).where(t.c.state.in_(("queued", "taken", "running")), t.c.expires_ms <= now_ms)
    return len(conn.execute(late.values(state="expired", changed_ms=now_ms).returning(t.c.id)).all())


def waiting(conn: Connection, now_ms: int) -> frozenset[str]:
    """Agents for which something is queued."""
    query = select(t.c.agent).where(t.c.state == "queued", t.c.expires_ms > now_ms).distinct()
    return frozenset(conn.scalars(query))


def info(row: Row[*tuple[Any, ...]]) -> TaskInfo:
    """A row of the table as the door of the collector shows it."""
    return TaskInfo(
        id=row.id, agent=row.agent, item=row.item, state=row.state, requested_by=row.requested_by,
        created_ms=row.created_ms, expires_at_ms=row.expires_ms, observation=row.observation, outcome=row.outcome,
    )  # fmt: skip


def _message(row: Row[*tuple[Any, ...]]) -> Task:
    args = msgspec.json.decode(row.args, type=dict[str, Scalar])
    return Task(row.id, row.kind, args, row.expires_ms, row.requested_by)
