"""History's loop: numbers of the inbox become points of series, and the newest observation of everything is noted.

Rows and cursor are written to `ts.db` in one transaction; a row written twice changes nothing. What an unsure clock
stamped is shown (`latest`) and kept in its body, but makes no point: a chart and an average must not hold what may
have been measured on another day.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

from sqlalchemy import Connection, insert, select, text, update

from collector.api import CollectorError, StoredObservation
from collector.history.retention import Sweep
from collector.hub import Hub
from collector.loops import Loop
from collector.store.bodies import observations, read_rows
from collector.store.tables import serie, ts_cursor
from wire.metrics import METRICS

NAME: Final = "history"
ROWS: Final = 200
POINTS_A_JOB: Final = 2_000
IDLE_S: Final = 5.0

_MAX_SERIES: Final = 1_000_000
_POINT: Final = text("INSERT INTO raw (sid, at_ms, value) VALUES (:sid, :at_ms, :value) ON CONFLICT DO NOTHING")
_LATEST: Final = text(
    "INSERT INTO latest (subject, probe, target, at_ms, observation)"
    " VALUES (:subject, :probe, :target, :at_ms, :observation)"
    " ON CONFLICT (subject, probe, target) DO UPDATE SET at_ms = excluded.at_ms, observation = excluded.observation"
    " WHERE (excluded.at_ms, excluded.observation) > (latest.at_ms, latest.observation)"
)

T = TypeVar("T")
Key = tuple[str, str, str, str]
"""Subject, metric, target, of."""


class HistoryMoved(CollectorError):
    """Another process has moved the cursor; nothing was written."""


@dataclass(frozen=True, slots=True)
class _Harvest:
    """What rows hold for history."""

    points: list[tuple[Key, int, float]]
    latest: dict[tuple[str, str, str], StoredObservation]
    undeclared: int


class History:
    """`step()` takes a bounded number of rows, or deletes a bite of what is too old."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._sids: dict[Key, int] = {}
        self._sweep = Sweep(hub)

    def loop(self) -> Loop:
        return Loop(NAME, "judge", self.step, wakes_on="inbox", single=True)

    def step(self) -> float:
        with self._hub.store.reading_ts() as conn:
            seq = conn.scalar(select(ts_cursor.c.seq).where(ts_cursor.c.name == NAME)) or 0
        with self._hub.store.reading() as conn:
            rows = read_rows(conn, seq, ROWS)
        more = self._sweep.bite()
        if not rows:
            return 0.0 if more else IDLE_S
        found = harvest(o for row in rows for o in observations(row))
        if found.undeclared:
            self._hub.counters.undeclared.labels("metric").inc(found.undeclared)
        self._write(found, seq, rows[-1].seq)
        self._hub.wake("history")
        return 0.0 if more or len(rows) == ROWS else IDLE_S

    # --- writing ----------------------------------------------------------------------------------------------------

    def _write(self, found: _Harvest, old: int, new: int) -> None:
        """Points in jobs of a bounded size; the cursor moves with the last, so that none is ever left out."""
        self._learn({key for key, _, _ in found.points})
        parts = list(_parts(found.points, POINTS_A_JOB)) or [()]
        for part in parts[:-1]:
            self._commit(part, {}, old=old, new=old)
        self._commit(parts[-1], found.latest, old=old, new=new)

    def _commit(
        self,
        points: Sequence[tuple[Key, int, float]],
        newest: Mapping[tuple[str, str, str], StoredObservation],
        *,
        old: int,
        new: int,
    ) -> None:
        now_ms = self._hub.clock.wall_ms()
        rows = [{"sid": self._sids[key], "at_ms": at, "value": value} for key, at, value in points]
        tops = [
            {"subject": s, "probe": p, "target": t, "at_ms": o.at_ms, "observation": o.id}
            for (s, p, t), o in sorted(newest.items())
        ]

        def job(conn: Connection) -> None:
            _move(conn, old=old, new=new, now_ms=now_ms)
            if rows:
                conn.execute(_POINT, rows)
            if tops:
                conn.execute(_LATEST, tops)

        self._hub.store.ts_writer.do(job)

    def _learn(self, keys: set[Key]) -> None:
        """Have a number for every series. Numbers are never given again, so remembering them is safe."""
        fresh = sorted(keys - self._sids.keys())
        if not fresh:
            return
        if len(self._sids) > _MAX_SERIES:
            self._sids = {}
            fresh = sorted(keys)
        for part in _parts(fresh, 500):
            self._sids |= self._hub.store.ts_writer.do(partial(_numbers, keys=part))


def harvest(stored: Iterable[StoredObservation]) -> _Harvest:
    """Points of declared metrics by a sure clock, and the newest observation of each (subject, probe, target)."""
    points: list[tuple[Key, int, float]] = []
    latest: dict[tuple[str, str, str], StoredObservation] = {}
    undeclared = 0
    for one in stored:
        o = one.observation
        top = latest.get((o.subject, o.probe, o.target))
        if top is None or (one.at_ms, one.id) > (top.at_ms, top.id):
            latest[o.subject, o.probe, o.target] = one
        for value in o.values:
            if value.metric not in METRICS:
                undeclared += 1
            elif not one.clock_unsure:
                points.append(((o.subject, value.metric, o.target, value.of or ""), one.at_ms, value.value))
    return _Harvest(points, latest, undeclared)


def _parts(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for n in range(0, len(items), size):
        yield items[n : n + size]


def _numbers(conn: Connection, keys: Sequence[Key]) -> dict[Key, int]:
    """The number of each series, given now where there is none."""
    known = _known(conn, keys)
    fresh = [dict(zip(("subject", "metric", "target", "of"), key, strict=True)) for key in keys if key not in known]
    if not fresh:
        return known
    conn.execute(insert(serie), fresh)
    return _known(conn, keys)


def _known(conn: Connection, keys: Sequence[Key]) -> dict[Key, int]:
    wanted = set(keys)
    query = select(serie).where(serie.c.subject.in_({key[0] for key in keys}))
    found = {(row.subject, row.metric, row.target, row.of): row.sid for row in conn.execute(query)}
    return {key: sid for key, sid in found.items() if key in wanted}


def _move(conn: Connection, *, old: int, new: int, now_ms: int) -> None:
    """Move the cursor from where it was read. Raises HistoryMoved where it is elsewhere by now."""
    mine = update(ts_cursor).where(ts_cursor.c.name == NAME, ts_cursor.c.seq == old).values(seq=new, moved_ms=now_ms)
    if conn.execute(mine.returning(ts_cursor.c.seq)).first() is not None:
        return
    if old or conn.scalar(select(ts_cursor.c.seq).where(ts_cursor.c.name == NAME)) is not None:
        raise HistoryMoved(f"history's cursor is no longer at {old}")
    conn.execute(insert(ts_cursor).values(name=NAME, seq=new, moved_ms=now_ms))
