"""Whether anything at all changed since a page was made: asked for every page, so in one question a database."""

from __future__ import annotations

from typing import Final

from sqlalchemy import func, select

from collector.store.databases import Store
from collector.store.inventory_tables import import_run
from collector.store.tables import audit, flip, policy, subject, task, ts_cursor

_MARKS: Final = select(
    *(
        select(mark).scalar_subquery()
        for mark in (
            func.max(flip.c.seq),
            func.max(task.c.changed_ms),
            func.count(subject.c.key),
            func.max(policy.c.version),
            func.max(import_run.c.id),  # it may rename without adding
            func.max(audit.c.id),
        )
    )
)
_TAKEN: Final = select(func.max(ts_cursor.c.seq))


def read_revision(store: Store) -> str:
    """What any change moves, as one text."""
    with store.reading() as conn:
        marks = [mark or 0 for mark in conn.execute(_MARKS).one()]
    with store.reading_ts() as conn:
        taken = conn.scalar(_TAKEN) or 0
    return ".".join(map(str, (taken, *marks)))
