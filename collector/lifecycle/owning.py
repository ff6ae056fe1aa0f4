"""Who measures what after a change: what was freed is taken where somebody may, and plans follow."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import select, update

from collector.lifecycle.records import Doing
from collector.planning.replanning import replan, replan_around
from collector.store.tables import agent, subject


def free(doing: Doing, name: str) -> None:
    """An agent gives back everything it measures but itself and its machine."""
    own = select(agent.c.device).where(agent.c.id == name).scalar_subquery()
    others = (subject.c.agent == name) & (subject.c.kind != "agent") & (subject.c.key != own)
    for key in sorted(doing.conn.scalars(update(subject).where(others).values(agent=None).returning(subject.c.key))):
        doing.tell("freed", key, f"agent:{name}")


def settle(doing: Doing, names: Sequence[str]) -> None:
    """What is free at the centres of these agents is taken, and plans follow: here alone an act makes plans.

    Vantages look at the lines of every centre, so theirs follow every act.
    """
    live = select(agent.c.centre).where(agent.c.id.in_(names), agent.c.revoked_ms.is_(None))
    centres = sorted(set(doing.conn.scalars(live)))
    before = _owners(doing, centres)
    replanned = {name for centre in centres for name in replan_around(doing.conn, centre, doing.now_ms)}
    afar = select(agent.c.id).where(agent.c.role == "vantage", agent.c.revoked_ms.is_(None))
    replanned |= set(replan(doing.conn, list(doing.conn.scalars(afar)), doing.now_ms))
    for key, owner in sorted(_owners(doing, centres).items()):
        if owner is not None and owner != before.get(key):
            doing.tell("taken", key, f"agent:{owner}")
    for name in sorted(replanned):
        doing.tell("replanned", f"agent:{name}")


def _owners(doing: Doing, centres: Collection[str]) -> dict[str, str | None]:
    common = subject.c.kind.in_(("lan", "line", "service"))
    query = select(subject.c.key, subject.c.agent).where(subject.c.centre.in_(centres), common)
    return {row.key: row.agent for row in doing.conn.execute(query)}
