"""Who is out of service, since when, and what took its place. A centre takes everything at it along."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection, Row, insert, select, update

from collector.api import Retired
from collector.api.changes import How
from collector.store.lifecycle_tables import retirement as t

_HOPS: Final = 20
_COLUMNS: Final = (t.c.subject, t.c.how, t.c.successor, t.c.from_ms, t.c.to_ms, t.c.reason)
_held: Final = t.c.to_ms.is_(None)


def put(
    conn: Connection, subject: str, centre: str, *, how: How, successor: str = "", agents: Sequence[str] = (),
    reason: str, now_ms: int,
) -> None:  # fmt: skip
    """A subject leaves service now. `agents` lose their right to speak with it, and get it back with it."""
    conn.execute(insert(t).values(
        subject=subject, centre=centre, how=how, successor=successor, from_ms=now_ms, reason=reason,
        agents=msgspec.json.encode(list(agents)).decode(),
    ))  # fmt: skip


def succeed(conn: Connection, subject: str, successor: str) -> None:
    """Say what took the place of a subject that left."""
    conn.execute(update(t).where(t.c.subject == subject, _held).values(successor=successor))


def end(conn: Connection, subject: str, now_ms: int) -> tuple[Retired, list[str]] | None:
    """A subject is in service again; what held until now, with its agents. None where it never left."""
    row = conn.execute(update(t).where(t.c.subject == subject, _held).values(to_ms=now_ms).returning(t)).first()
    if row is None:
        return None
    held = Retired(row.subject, row.how, row.successor, row.from_ms, row.to_ms, row.reason)
    return held, msgspec.json.decode(row.agents, type=list[str])


def holding(conn: Connection, subject: str) -> Retired | None:
    """Why a subject is out of service; None where it is not. Its centre is a question of its own."""
    row = conn.execute(select(*_COLUMNS).where(t.c.subject == subject, _held)).first()
    return None if row is None else _retired(row)


def everything(conn: Connection) -> dict[str, Retired]:
    """All that is out of service by itself, by subject."""
    return {row.subject: _retired(row) for row in conn.execute(select(*_COLUMNS).where(_held))}


def moved_to(conn: Connection, successor: str, centre: str) -> str | None:
    """The key at a centre that a subject was carried away from and that led to `successor`; None where none did."""
    came = (t.c.centre == centre) & (t.c.how == "moved") & (t.c.successor == successor) & _held
    return conn.scalar(select(t.c.subject).where(came))


def of_centre(conn: Connection, centre: str) -> list[Retired]:
    """All that ever left service at a centre, the newest first."""
    rows = conn.execute(select(*_COLUMNS).where(t.c.centre == centre).order_by(t.c.id.desc()))
    return [_retired(row) for row in rows]


def led_to(conn: Connection, centre: str) -> str:
    """The centre that a key stands for now: itself, or what it went into, however often."""
    for _ in range(_HOPS):
        held = holding(conn, f"centre:{centre}")
        if held is None or not held.successor:
            break
        centre = held.successor.removeprefix("centre:")
    return centre


def _retired(row: Row[str, str, str, int, int | None, str]) -> Retired:
    subject, how, successor, from_ms, to_ms, reason = row
    return Retired(subject, how, successor, from_ms, to_ms, reason)  # type: ignore[arg-type]  # only `put` writes it
