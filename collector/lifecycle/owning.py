"""Who measures what after a change: what was freed is taken where somebody may, and plans follow."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import insert, select, update

from collector.api import NotFound
from collector.lifecycle.records import Doing
from collector.register import plans, retired
from collector.store.tables import agent, subject


def free(doing: Doing, name: str) -> None:
    """An agent gives back everything it measures but itself and its machine."""
    own = select(agent.c.device).where(agent.c.id == name).scalar_subquery()
    others = (subject.c.agent == name) & (subject.c.kind != "agent") & (subject.c.key != own)
    for key in sorted(doing.conn.scalars(update(subject).where(others).values(agent=None).returning(subject.c.key))):
        doing.tell("freed", key, f"agent:{name}")


def settle(doing: Doing, names: Sequence[str]) -> None:
    """These agents take what is free at their centres, and their plans follow what they own from now on."""
    for name in sorted(set(names)):
        query = select(agent.c.role, agent.c.centre, agent.c.device).where(
            agent.c.id == name, agent.c.revoked_ms.is_(None)
        )
        row = doing.conn.execute(query).first()
        if row is None:
            continue
        if row.role == "box":
            _take(doing, name, row.centre)
        _replan(doing, name, role=row.role, centre=row.centre, device=row.device)


def _take(doing: Doing, name: str, centre: str) -> None:
    conn = doing.conn
    for key in (f"lan:{centre}", f"line:{centre}/a"):
        if plans.is_measured(conn, key) or retired.holding(conn, key):
            continue
        mine = update(subject).where(subject.c.key == key).values(agent=name).returning(subject.c.key)
        if conn.execute(mine).first() is None:  # nobody has measured here yet
            conn.execute(insert(subject).values(
                key=key, kind=key.partition(":")[0], centre=centre, label="", agent=name, created_ms=doing.now_ms,
            ))  # fmt: skip
        doing.tell("taken", key, f"agent:{name}")


def _replan(doing: Doing, name: str, *, role: str, centre: str, device: str) -> None:
    """Keep the items of what it still owns, add those of what it owns now. The one place where an act makes plans."""
    conn = doing.conn
    owned = set(conn.scalars(select(subject.c.key).where(subject.c.agent == name)))
    try:
        held = plans.items_of(conn, name)
    except NotFound:
        held = []
    items = [item for item in held if item.subject in owned]
    lan, line = f"lan:{centre}", f"line:{centre}/a"
    first = plans.first_items(
        role,  # type: ignore[arg-type]  # the register holds roles only
        device=device, lan=lan if lan in owned else None, line=line if line in owned else None, now_ms=doing.now_ms,
    )  # fmt: skip
    there = {item.subject for item in items}
    items += [item for item in first if item.subject in owned - there]
    if items != held:
        plans.put(conn, name, items, doing.now_ms)
        doing.tell("replanned", f"agent:{name}")
