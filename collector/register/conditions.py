"""Conditions of an agent: something about it that holds for a while, such as `clock_skew` or `cloned`."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, insert, select, update

from collector.store.tables import condition as t

FADING: Final = ("batch_conflict", "cloned")
"""What nothing says the end of: it fades when it was not seen for `FADE_MS`."""

FADE_MS: Final = 24 * 3_600_000


def hold(conn: Connection, agent: str, name: str, detail: str, now_ms: int) -> bool:
    """A condition holds, from now if it did not yet. True where it is new."""
    seen = update(t).where(t.c.agent == agent, t.c.name == name, t.c.to_ms.is_(None)).values(seen_ms=now_ms)
    if conn.execute(seen.returning(t.c.id)).first() is not None:
        return False
    conn.execute(insert(t).values(agent=agent, name=name, detail=detail, from_ms=now_ms, seen_ms=now_ms))
    return True


def clear(conn: Connection, agent: str, name: str, now_ms: int) -> bool:
    """A condition does not hold any more. True where it did."""
    over = update(t).where(t.c.agent == agent, t.c.name == name, t.c.to_ms.is_(None)).values(to_ms=now_ms)
    return conn.execute(over.returning(t.c.id)).first() is not None


def holding(conn: Connection, agent: str) -> frozenset[str]:
    """Names of what holds now."""
    return frozenset(conn.scalars(select(t.c.name).where(t.c.agent == agent, t.c.to_ms.is_(None))))


def fade(conn: Connection, now_ms: int) -> list[str]:
    """End what was not seen again for a day. Returns the agents concerned."""
    old = update(t).where(t.c.to_ms.is_(None), t.c.name.in_(FADING), t.c.seen_ms < now_ms - FADE_MS)
    return list(conn.scalars(old.values(to_ms=now_ms).returning(t.c.agent)))
