"""Which line carries the traffic of each centre now: from where its boxes speak, against what its lines declare."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Final

from sqlalchemy import Connection, func, select

from collector.api import Carrying
from collector.hub import Hub
from collector.judge.egress import Backups, Spoke, carried
from collector.register.contracts import read_lines
from collector.store.inventory_tables import import_run
from collector.store.line_tables import egress
from collector.store.tables import agent
from collector.store.whole import Whole

_SPOKE: Final = Whole(
    select(agent.c.centre, egress.c.from_ms, egress.c.address)
    .join_from(egress, agent, agent.c.id == egress.c.agent)
    .where(agent.c.role == "box", agent.c.revoked_ms.is_(None)),
    list[tuple[str, int, str]],
)


class Carriers:
    """Read again when an agent's address, the inventory or the register changed. Safe from any thread."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._lock = threading.Lock()
        self._mark: tuple[int, ...] = ()
        self._held: Mapping[str, Carrying] = {}

    def now(self) -> Mapping[str, Carrying]:
        """By centre; the same mapping again as long as nothing changed."""
        with self._lock, self._hub.store.reading() as conn:
            mark = _mark(conn)
            if mark != self._mark:
                self._held, self._mark = _read(conn), mark
            return self._held


def _mark(conn: Connection) -> tuple[int, ...]:
    newest = (select(func.max(column)) for column in (egress.c.id, import_run.c.id, agent.c.revoked_ms))
    standing = select(func.count()).select_from(agent)
    return tuple(int(conn.scalar(query) or 0) for query in (*newest, standing))


def _read(conn: Connection) -> dict[str, Carrying]:
    lines = read_lines(conn)
    spoke: dict[str, list[Spoke]] = {}
    for centre, from_ms, address in sorted(_SPOKE.read(conn)):
        spoke.setdefault(centre, []).append(Spoke(from_ms, address))
    leads: dict[str, str] = {}
    for key in sorted(lines.contracts):
        leads.setdefault(key.removeprefix("line:").partition("/")[0], key)
    found: dict[str, Carrying] = {}
    for centre, told in spoke.items():
        runs = carried(told, lines.declared.get(centre, ()))
        now = runs[-1]
        since = next((a.at for a, b in zip(runs[::-1], runs[-2::-1], strict=False) if b.line != now.line), runs[0].at)
        backup = Backups(runs).at(now.at, leads.get(centre, "")) is not None
        found[centre] = Carrying(now.line, now.address, since if now.line else now.at, backup)
    return found
