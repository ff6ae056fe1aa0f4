"""Which line carries the traffic of each centre now: from where its boxes speak, against what its lines declare."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from sqlalchemy import Connection, func, select

from collector.api import Carrying
from collector.hub import Hub
from collector.judge.egress import Backups, Carried
from collector.judging.spoken import Spoken
from collector.register.contracts import Lines, read_lines
from collector.store.inventory_tables import import_run
from collector.store.tables import agent

_MARK: Final = select(
    select(func.max(import_run.c.id)).scalar_subquery(),
    select(func.count(agent.c.id)).scalar_subquery(),
    select(func.max(agent.c.revoked_ms)).scalar_subquery(),
)


class Carriers:
    """Kept in memory: what is noted of a box makes its centre be looked at anew. Safe from any thread."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._lock = threading.Lock()
        self._imported = -1
        self._lines = Lines({}, {}, {})
        self._leads: dict[str, str] = {}
        self._standing: tuple[int, int] = (-1, -1)
        self._boxes: dict[str, list[str]] = {}  # by centre
        self._spoken = Spoken()
        self._held: Mapping[str, Carrying] = {}

    def now(self) -> Mapping[str, Carrying]:
        """By centre; the same mapping again as long as nothing changed."""
        with self._lock, self._hub.store.reading() as conn:
            anew = self._register(conn)
            spoke = self._spoken.refresh(conn)
            centres = [c for c, names in self._boxes.items() if anew or not spoke.isdisjoint(names)]
            if anew:
                self._held = self._look(centres)
            elif centres:
                self._held = {**self._held, **self._look(centres)}
            return self._held

    def _register(self, conn: Connection) -> bool:
        """Take in another inventory and other agents. Whether there were any."""
        imported, enrolled, revoked_ms = (mark or 0 for mark in conn.execute(_MARK).one())
        standing = (enrolled, revoked_ms)
        if (imported, standing) == (self._imported, self._standing):
            return False
        if imported != self._imported:
            self._lines, self._imported = read_lines(conn), imported
            self._leads = {_centre(key): key for key in sorted(self._lines.contracts, reverse=True)}
        self._standing, self._boxes = standing, {}
        boxes = select(agent.c.centre, agent.c.id).where(agent.c.role == "box", agent.c.revoked_ms.is_(None))
        for centre, name in conn.execute(boxes):
            self._boxes.setdefault(centre, []).append(name)
        return True

    def _look(self, centres: Iterable[str]) -> dict[str, Carrying]:
        runs = {key: self._spoken.runs(self._boxes[key], self._lines.declared.get(key, ())) for key in centres}
        return {key: _carrying(mine, self._leads.get(key, "")) for key, mine in runs.items() if mine}


def _carrying(runs: Sequence[Carried], lead: str) -> Carrying:
    now, since = runs[-1], runs[-1].at
    for run in reversed(runs):  # another address of the same line is no change of it
        if now.line is None or run.line != now.line:
            break
        since = run.at
    return Carrying(now.line, now.address, since, Backups(runs).at(now.at, lead) is not None)


def _centre(line: str) -> str:
    return line.removeprefix("line:").partition("/")[0]
