"""Which messages may be forgotten: those delivered and those that nobody needed any more, a bounded number at a time.

What goes on being asked stays however old it is: all of an incident that is open or was closed lately (who heard of it
is told how it ended; a key that is gone could be put again), and dead letters until a person decides about them.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, delete, exists, or_, select

from alerts.tables import incident
from alerts.tables import outbox as t

AT_ONCE: Final = 500
OVER: Final = ("sent", "answered", "dropped")
"""States in which nothing comes of a message any more."""


def sweep(conn: Connection, before_ms: int) -> int:
    """Forget at most `AT_ONCE` messages that were due before a moment; how many went."""
    told = t.alias("told")
    needed = exists().where(incident.c.id == t.c.incident).where(
        or_(incident.c.closed_ms.is_(None), incident.c.closed_ms >= before_ms)
    )  # fmt: skip
    tells = exists().where(told.c.within == t.c.key)  # a digest goes after what it told
    old = select(t.c.key).where(t.c.state.in_(OVER), t.c.due_ms < before_ms, ~needed, ~tells).limit(AT_ONCE)
    return len(conn.execute(delete(t).where(t.c.key.in_(old)).returning(t.c.key)).all())
