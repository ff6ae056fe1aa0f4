"""History's loop: numbers of the inbox become points of series, the newest observation of everything is noted, and
what must be found again for long is kept whole.

Rows and cursor are written to `ts.db` in one transaction; a row written twice changes nothing. What an unsure clock
stamped is shown (`latest`) and kept in its body, but makes no point: a chart and an average must not hold what may
have been measured on another day. A point marks its hour to be rolled up; one that comes after the raw points of its
time are gone waits in `late` for `collector.history.late`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from typing import Final, TypeVar

import msgspec
from sqlalchemy import Connection, insert, select, text, update

from collector.api import CollectorError, StoredObservation
from collector.history.changes import Key as Measured
from collector.history.changes import Seen, key_of, worth_keeping
from collector.history.lines import LineRows, line_rows
from collector.history.marks import mark_hours
from collector.hub import Hub
from collector.loops import Loop
from collector.register.places import Places
from collector.store.bodies import InboxRow, observations, read_rows
from collector.store.plain import put_rows
from collector.store.tables import latest, serie, ts_cursor
from wire.metrics import METRICS

NAME: Final = "history"
ROWS: Final = 200
POINTS_A_JOB: Final = 2_000
KEPT_A_JOB: Final = 250
LARGEST: Final = 1e100
"""No measurement is larger; what is would make the sum of its day overflow."""

REST_S: Final = 1.0  # between looks at what comes all the time
IDLE_S: Final = 5.0

_MAX_SERIES: Final = 1_000_000
_JSON: Final = msgspec.json.Encoder()
_POINT: Final = "INSERT INTO raw (sid, at_ms, value) VALUES (?,?,?) ON CONFLICT DO NOTHING"
_LATE: Final = "INSERT INTO late (sid, at_ms, value, seq) VALUES (?,?,?,?) ON CONFLICT DO NOTHING"
_KEPT: Final = text(
    "INSERT INTO kept (id, subject, at_ms, body) VALUES (:id, :subject, :at_ms, :body) ON CONFLICT DO NOTHING"
)
_LATEST: Final = text(
    "INSERT INTO latest (subject, probe, target, at_ms, observation, outcome, reason)"
    " VALUES (:subject, :probe, :target, :at_ms, :observation, :outcome, :reason)"
    " ON CONFLICT (subject, probe, target) DO UPDATE SET at_ms = excluded.at_ms, observation = excluded.observation,"
    " outcome = excluded.outcome, reason = excluded.reason"
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
    latest: dict[Measured, StoredObservation]
    undeclared: int


class History:
    """`step()` takes a bounded number of rows."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._sids: dict[Key, int] = {}
        self._places = Places()
        hub.on("register", self._places.forget)

    def loop(self) -> Loop:
        return Loop(NAME, "history", self.step, wakes_on="inbox", single=True, rest_s=REST_S)

    def step(self) -> float:
        with self._hub.store.reading_ts() as conn:
            seq = conn.scalar(select(ts_cursor.c.seq).where(ts_cursor.c.name == NAME)) or 0
        with self._hub.store.reading() as conn:
            rows = read_rows(conn, seq, ROWS)
        if not rows:
            return IDLE_S
        stored = [o for row in rows for o in self._read(row)]
        found = harvest(stored)
        if found.undeclared:
            self._hub.counters.undeclared.labels("metric").inc(found.undeclared)
        self._write(found, self._whole(stored, found), line_rows(stored), old=seq, new=rows[-1].seq)
        self._hub.wake("history")
        return 0.0 if len(rows) == ROWS else IDLE_S

    def _read(self, row: InboxRow) -> list[StoredObservation]:
        self._hub.courtesy.after_you()
        return observations(row)

    def _whole(self, stored: Sequence[StoredObservation], found: _Harvest) -> list[StoredObservation]:
        """What of these is kept whole, by what was known before and by the plans."""
        with self._hub.store.reading_ts() as conn:
            seen = _seen(conn, sorted({subject for subject, _, _ in found.latest}))
        with self._hub.store.reading() as conn:
            self._places.refresh(conn)

            def period_ms(one: StoredObservation) -> int | None:
                where = self._places.centre_of(conn, one.agent)
                place = None if where is None else self._places.at(conn, where)
                return None if place is None else place.period_ms(one.agent, key_of(one), one.at_ms)

            return worth_keeping(stored, seen, period_ms)

    # --- writing ----------------------------------------------------------------------------------------------------

    def _write(
        self, found: _Harvest, whole: Sequence[StoredObservation], lines: LineRows, *, old: int, new: int
    ) -> None:
        """Points in jobs of a bounded size; the cursor moves with the last, so that none is ever left out."""
        self._learn({key for key, _, _ in found.points})
        for some in _parts(whole, KEPT_A_JOB):
            self._hub.store.ts_writer.do(partial(keep, whole=some))
        # By series: a job touches the marks and pages of a few, and of a backlog's hours each once.
        parts = list(_parts(sorted(found.points, key=itemgetter(0)), POINTS_A_JOB)) or [()]
        for part in parts[:-1]:
            self._commit(part, {}, old=old, new=old, until=new)
        self._commit(parts[-1], found.latest, old=old, new=new, until=new, lines=lines)

    def _commit(
        self,
        points: Sequence[tuple[Key, int, float]],
        newest: Mapping[Measured, StoredObservation],
        *,
        old: int,
        new: int,
        until: int,
        lines: LineRows | None = None,
    ) -> None:
        self._hub.courtesy.after_you()
        now_ms = self._hub.clock.wall_ms()
        rows = [(self._sids[key], at, value) for key, at, value in points]
        tops = [
            {
                "subject": s, "probe": p, "target": t, "at_ms": o.at_ms, "observation": o.id,
                "outcome": o.observation.outcome, "reason": o.observation.reason,
            }
            for (s, p, t), o in sorted(newest.items())
        ]  # fmt: skip

        def job(conn: Connection) -> None:
            _move(conn, old=old, new=new, now_ms=now_ms)
            if rows:
                _put(conn, rows, until=until, now_ms=now_ms)
            if tops:
                conn.execute(_LATEST, tops)
            if lines is not None:
                lines.put(conn)

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
    newest: dict[Measured, StoredObservation] = {}
    undeclared = 0
    for one in stored:
        o = one.observation
        top = newest.get(key_of(one))
        if top is None or (one.at_ms, one.id) > (top.at_ms, top.id):
            newest[key_of(one)] = one
        for value in o.values:
            if value.metric not in METRICS:
                undeclared += 1
            elif not one.clock_unsure and abs(value.value) <= LARGEST:
                points.append(((o.subject, value.metric, o.target, value.of or ""), one.at_ms, value.value))
    return _Harvest(points, newest, undeclared)


def _parts(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for n in range(0, len(items), size):
        yield items[n : n + size]


def _put(conn: Connection, rows: Sequence[tuple[int, int, float]], *, until: int, now_ms: int) -> None:
    """Write points where raw is whole and mark their hours; the others wait until the cursor is at `until`."""
    query = select(serie.c.sid, serie.c.whole_ms).where(serie.c.sid.in_({sid for sid, _, _ in rows}))
    whole = {row.sid: row.whole_ms for row in conn.execute(query)}
    points = [row for row in rows if row[1] >= whole[row[0]]]
    put_rows(conn, _POINT, points)
    mark_hours(conn, ((sid, at) for sid, at, _ in points), now_ms)
    put_rows(conn, _LATE, [(*row, until) for row in rows if row[1] < whole[row[0]]])


def keep(conn: Connection, whole: Sequence[StoredObservation]) -> None:
    """Keep observations whole; those that are already stay as they are."""
    rows = [
        {"id": o.id, "subject": o.observation.subject, "at_ms": o.at_ms, "body": _JSON.encode(o).decode()}
        for o in whole
    ]
    conn.execute(_KEPT, rows)


def _seen(conn: Connection, subjects: Sequence[str]) -> dict[Measured, Seen]:
    query = select(latest).where(latest.c.subject.in_(subjects))
    return {
        (row.subject, row.probe, row.target): Seen(row.at_ms, row.outcome, row.reason) for row in conn.execute(query)
    }


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
