"""From which addresses agents spoke, in memory: a box changes its address a few times a month, if ever."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from collector.judge.egress import Carried, Declared, Spoke, carried
from collector.register.places import Place
from collector.store.line_tables import egress as t


@dataclass(slots=True)
class Spoken:
    """By agent, in order of time; `refresh` takes in what was recorded since."""

    _seq: int = 0
    _by_agent: dict[str, list[Spoke]] = field(default_factory=dict)

    def refresh(self, conn: Connection) -> set[str]:
        """Take in what was noted since; the agents that it is about."""
        agents: set[str] = set()
        query = select(t.c.id, t.c.agent, t.c.from_ms, t.c.address).where(t.c.id > self._seq)
        for row in conn.execute(query.order_by(t.c.id)):
            self._seq = row.id
            insort(self._by_agent.setdefault(row.agent, []), Spoke(row.from_ms, row.address), key=lambda one: one.at)
            agents.add(row.agent)
        return agents

    def carried(self, place: Place) -> Sequence[Carried]:
        """By which line a centre's boxes spoke, from when on; the last to change counts where there are several."""
        return self.runs(place.boxes, place.declared)

    def runs(self, boxes: Iterable[str], declared: Sequence[Declared]) -> Sequence[Carried]:
        """The same of these agents and what is declared."""
        spoke = [one for name in boxes for one in self._by_agent.get(name, ())]
        return carried(sorted(spoke, key=lambda one: (one.at, one.address)), declared) if spoke else ()


def recorded_since(conn: Connection, at_ms: int) -> list[tuple[str, int]]:
    """Agents that were noted to speak from another address since a moment, each with when they began to."""
    query = select(t.c.agent, t.c.from_ms).where(t.c.recorded_ms >= at_ms)
    return [(name, from_ms) for name, from_ms in conn.execute(query.order_by(t.c.id))]
