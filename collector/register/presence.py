"""Who is heard: heartbeats of the wait channel become spans of presence; silence is one indexed query.

The judge asks `overdue`, judges the silence in, and says `noticed` in the same transaction. A heartbeat after a silence
opens a new span; heartbeats are written in groups, about a second after they came.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import BindParameter, Connection, bindparam, func, insert, select, update

from collector.hub import Hub
from collector.loops import Loop
from collector.register import conditions, tasks
from collector.store.sweeping import sweep
from collector.store.tables import heard, presence

SILENT_AFTER_MS: Final = 50_000
FLUSH_S: Final = 1.0
KEEP_S: Final = 15.0
SWEEP_MS: Final = 3_600_000

Spot = dict[str, str | int]


@dataclass(frozen=True, slots=True)
class Overdue:
    """An agent that should have been heard by now. It is silent since `last_ms` (its last sign of life)."""

    agent: str
    last_ms: int


def overdue(conn: Connection, now_ms: int) -> list[Overdue]:
    """Agents whose silence nobody has noticed yet, longest first."""
    query = select(heard.c.agent, heard.c.last_ms).where(heard.c.alert_after_ms <= now_ms)
    return [Overdue(*row) for row in conn.execute(query.order_by(heard.c.alert_after_ms))]


def noticed(conn: Connection, agents: list[str], now_ms: int) -> None:
    """Their silence is judged in: they are no longer overdue, unless they were heard in the meantime."""
    late = update(heard).where(heard.c.agent.in_(agents), heard.c.alert_after_ms <= now_ms)
    conn.execute(late.values(alert_after_ms=None))


def hear(conn: Connection, beats: Mapping[str, int]) -> list[str]:
    """Write heartbeats: the last moment each agent was heard. Returns the agents that come back from a silence."""
    rows = {row.agent: row for row in conn.execute(select(heard).where(heard.c.agent.in_(beats)))}
    fresh: list[Spot] = []
    known: list[Spot] = []
    back: list[str] = []
    for agent, at_ms in beats.items():
        row = rows.get(agent)
        if row is not None and row.last_ms >= at_ms:
            continue
        continues = row is not None and at_ms - row.last_ms <= SILENT_AFTER_MS
        from_ms = row.from_ms if row is not None and continues else at_ms
        spot: Spot = {"a": agent, "f": from_ms, "l": at_ms, "s": at_ms + SILENT_AFTER_MS}
        (fresh if row is None else known).append(spot)
        if not continues:
            back.append(agent)
    _save(conn, fresh, known, back)
    return back


def recall(conn: Connection, spans: Mapping[str, Sequence[tuple[int, int]]]) -> None:
    """Have it on record that agents were heard at these times, oldest first: a history made before anybody listened.

    What begins where an agent has a presence on record already is left as it is.
    """
    known = {(row.agent, row.from_ms) for row in conn.execute(select(presence.c.agent, presence.c.from_ms))}
    rows = [
        {"agent": agent, "from_ms": first, "to_ms": last}
        for agent, held in spans.items()
        for first, last in held
        if (agent, first) not in known
    ]
    if rows:
        conn.execute(insert(presence), rows)
    there = set(conn.scalars(select(heard.c.agent)))
    newest = [
        {
            "agent": agent,
            "from_ms": held[-1][0],
            "last_ms": held[-1][1],
            "alert_after_ms": held[-1][1] + SILENT_AFTER_MS,
        }
        for agent, held in spans.items()
        if held and agent not in there
    ]
    if newest:
        conn.execute(insert(heard), newest)


def resume(conn: Connection, now_ms: int) -> None:
    """After a start: nobody counts as silent for the time in which nobody listened."""
    patient = update(heard).where(heard.c.alert_after_ms < now_ms + SILENT_AFTER_MS)
    conn.execute(patient.values(alert_after_ms=now_ms + SILENT_AFTER_MS))


def silent(conn: Connection) -> int:
    """How many agents are silent, by what was noticed."""
    return conn.scalar(select(func.count()).where(heard.c.alert_after_ms.is_(None))) or 0


class Heartbeats:
    """Collects heartbeats in memory and writes them in groups."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._beats: dict[str, int] = {}
        self._lock = threading.Lock()
        self._resumed = False
        self._sweep_at_ms = 0

    def beat(self, agent: str, at_ms: int) -> None:
        """An agent was heard. Never blocks."""
        with self._lock:
            self._beats[agent] = at_ms

    def loops(self) -> list[Loop]:
        return [
            Loop("presence", "ingest", self._flush),
            Loop("upkeep", "ingest", self._upkeep, single=True),
        ]

    def _flush(self) -> float:
        """Write what was heard; kept for the next turn where that fails."""
        store, now_ms = self._hub.store, self._hub.clock.wall_ms()
        if not self._resumed:
            store.writer.do(lambda conn: resume(conn, now_ms))
            self._resumed = True
        with self._lock:
            beats, self._beats = self._beats, {}
        if not beats:
            return FLUSH_S
        try:
            back = store.writer.do(lambda conn: hear(conn, beats))
        except Exception:
            with self._lock:
                self._beats = beats | self._beats
            raise
        if back:
            self._hub.wake("inbox")  # the judge looks at presence, too
        return FLUSH_S

    def _upkeep(self) -> float:
        """Now and then: give up old tasks, let conditions fade, count the silent, forget what is old."""
        now_ms, mono_ms = self._hub.clock.wall_ms(), self._hub.clock.mono_ms()

        def keep(conn: Connection) -> int:
            tasks.expire(conn, now_ms)
            conditions.fade(conn, now_ms)
            return silent(conn)

        writer = self._hub.store.writer
        self._hub.counters.silent.set(writer.do(keep))
        if mono_ms >= self._sweep_at_ms:
            swept = writer.do(lambda conn: sweep(conn, now_ms))
            self._sweep_at_ms = mono_ms + (0 if swept else SWEEP_MS)
        return KEEP_S


def _save(conn: Connection, fresh: list[Spot], known: list[Spot], back: list[str]) -> None:
    values: dict[str, BindParameter[int]] = {
        "from_ms": bindparam("f"),
        "last_ms": bindparam("l"),
        "alert_after_ms": bindparam("s"),
    }
    if fresh:
        conn.execute(insert(heard).values(agent=bindparam("a"), **values), fresh)
    if known:
        conn.execute(update(heard).where(heard.c.agent == bindparam("a")).values(values), known)
    spans = [*fresh, *known]
    opened = [spot for spot in spans if spot["a"] in set(back)]
    longer = [spot for spot in spans if spot["a"] not in set(back)]
    if opened:
        span = insert(presence).values(agent=bindparam("a"), from_ms=bindparam("f"), to_ms=bindparam("l"))
        conn.execute(span, opened)
    if longer:
        same = (presence.c.agent == bindparam("a")) & (presence.c.from_ms == bindparam("f"))
        conn.execute(update(presence).where(same).values(to_ms=bindparam("l")), longer)
