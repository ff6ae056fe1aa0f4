"""The whole province kept in memory: at 3,321 centres asking all of it of the database anew takes half a second.

Flips are only ever appended, so those behind the last one seen name every subject whose state may have changed, and
only these are read again. The register is read again when it says that it changed, when somebody's act was audited or
the number of subjects is another (another process may have changed it), and every ten minutes for what none of these
told, because some page waits for that. Nothing told here is older than the question but the register, by `REGISTER_MS`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from operator import itemgetter
from typing import Final

from sqlalchemy import Connection, bindparam, func, select

from collector.api import OWN_ROOMS, Centre, Flip, Overview, Standing, SubjectInfo, Window
from collector.hub import Hub
from collector.judging import flips
from collector.lifecycle import windows
from collector.lifecycle.wide import Town, is_wide
from collector.reading.chronicle import Roll
from collector.reading.systems import Systems
from collector.store.tables import audit, flip, heard, latest, subject
from collector.store.whole import Whole

REGISTER_MS: Final = 600_000
_AT_ONCE: Final = 400  # subjects asked for in one query, well below what either database allows

_Row = tuple[str, str, str, str, str | None, int]

_SUBJECTS: Final = Whole(
    select(subject.c.key, subject.c.kind, subject.c.centre, subject.c.label, subject.c.agent, subject.c.created_ms),
    list[_Row],
)
_HEARD: Final = Whole(select(heard.c.agent, heard.c.last_ms), list[tuple[str, int]])
_AS_OF: Final = Whole(
    select(latest.c.subject, func.max(latest.c.at_ms)).group_by(latest.c.subject), list[tuple[str, int]]
)
_NEWEST: Final = select(func.max(latest.c.at_ms))
_CHANGED: Final = select(flip.c.subject).where(flip.c.seq > bindparam("seq")).distinct()
_TOP: Final = select(func.max(flip.c.seq))
_STAMP: Final = select(
    select(func.count()).select_from(subject).scalar_subquery(), select(func.max(audit.c.id)).scalar_subquery()
)


class Province:
    """All centres, subjects and what holds of them. Safe from any thread; what it gives away never changes."""

    def __init__(self, hub: Hub, town: Callable[[], Town] = Town) -> None:
        self._hub, self._town = hub, town
        self._lock = threading.Lock()
        self._read_ms: int | None = None
        self._stamp: tuple[int, int | None] = (0, None)
        self._turn = 0  # of the register
        self._rows: Sequence[_Row] = ()
        self._roll = Roll()
        self._centres: dict[str, Centre] = {}
        self._live: dict[str, Centre] = {}
        self._gone: frozenset[str] = frozenset()  # subjects out of service
        self._infos: dict[str, SubjectInfo] = {}
        self._created: dict[str, int] = {}
        self._seq = 0
        self._held: dict[str, Flip] = {}
        self._whole: dict[str, Standing] = {}  # of centres, by their keys
        self._troubles: dict[str, tuple[SubjectInfo, Standing]] = {}
        self._systems = Systems()
        self._seen: Overview | None = None
        hub.on("register", self._distrust)

    def centres(self) -> list[Centre]:
        """Every centre, by key."""
        with self._lock, self._hub.store.reading() as conn:
            self._read_register(conn)
            return list(self._centres.values())

    def subjects(self) -> list[SubjectInfo]:
        """Every subject, by centre and key."""
        with self._lock, self._hub.store.reading() as conn:
            self._read_register(conn)
            return list(self._infos.values())

    def overview(self) -> Overview:
        """See `collector.api.Reader.overview`."""
        with self._hub.store.reading_ts() as conn:
            as_of_ms = conn.scalar(_NEWEST)
        with self._lock:
            with self._hub.store.reading() as conn:
                self._read_register(conn)
                self._read_flips(conn)
                stops = windows.running(conn, self._hub.clock.wall_ms())
            version = f"{self._turn}.{self._seq}{''.join(f'.{stop.id}' for stop in stops)}"
            if self._seen is None or self._seen.version != version:
                self._seen = self._see(version, stops)
            seen = self._seen
        return replace(seen, as_of_ms=as_of_ms)

    def _see(self, version: str, stops: Sequence[Window]) -> Overview:
        troubles, whole = tuple(self._troubles.values()), dict(self._whole)
        explain = windows.in_force(stops, self._hub.clock.wall_ms())
        town = self._town() if explain else Town()
        planned = windows.planned_centres(explain, whole, troubles, town)
        return Overview(
            version, self._live, whole, troubles, None,
            {key: window for key, window in planned.items() if key in self._live},
            windows.explained(explain, troubles, town) | {key: w for key, w in explain.items() if is_wide(key)},
            self._systems.views(),
        )  # fmt: skip

    def seen(self, system: str) -> dict[str, Standing]:
        """How each place sees one shared system, without when it was last measured."""
        with self._lock, self._hub.store.reading() as conn:
            self._read_register(conn)
            self._read_flips(conn)
            return self._systems.seen(system)

    def standings(self) -> dict[str, Standing]:
        """What is true now of every subject, each with its newest measurement."""
        with self._hub.store.reading_ts() as conn:
            as_of = dict(_AS_OF.read(conn))
        with self._lock:
            with self._hub.store.reading() as conn:
                self._read_register(conn)
                self._read_flips(conn)
                ever = {f"agent:{name}": last_ms for name, last_ms in _HEARD.read(conn)}
            as_of = whole(as_of, ((row[0], row[2]) for row in self._rows), ever)
            return {row[0]: standing(row[0], self._held.get(row[0]), row[5], as_of.get(row[0])) for row in self._rows}

    def _distrust(self, _topic: str) -> None:
        self._read_ms = None

    def _read_register(self, conn: Connection) -> None:
        now_ms = self._hub.clock.mono_ms()
        fresh = self._read_ms is not None and now_ms - self._read_ms < REGISTER_MS
        count, act = conn.execute(_STAMP).one()
        if fresh and self._stamp == (count, act):
            return
        self._read_ms, self._stamp = now_ms, (count, act)
        centres = self._roll.centres(conn)
        rows: Sequence[_Row] = sorted(_SUBJECTS.read(conn), key=itemgetter(2, 0))
        if rows != self._rows or centres != self._centres:
            self._rows, self._centres = rows, centres
            self._gone = self._roll.gone(row[:3] for row in rows)
            self._infos = {row[0]: SubjectInfo(*row[:5]) for row in rows}
            self._live = {key: one for key, one in centres.items() if one.retired is None and self._serves(key)}
            self._created = {row[0]: row[5] for row in rows}
            self._turn += 1
            self._judge_anew()

    def _serves(self, centre: str) -> bool:
        """Whether people are served there: not in a room of the province's own where only vantages stand."""
        return not centre.startswith(OWN_ROOMS) or f"lan:{centre}" in self._infos

    def _read_flips(self, conn: Connection) -> None:
        top = conn.scalar(_TOP) or 0
        if top == self._seq:
            return
        if self._seq == 0 or top < self._seq:
            self._held = flips.newest(conn, None)
            self._judge_anew()
        else:
            changed = conn.scalars(_CHANGED, {"seq": self._seq})
            for keys in _chunks(changed):
                found = flips.newest_of(conn, keys)
                self._held |= found
                for gone in set(keys) - found.keys():
                    self._held.pop(gone, None)
                for key in keys:
                    self._note(key)
        self._seq = top

    def _judge_anew(self) -> None:
        self._whole, self._troubles = {}, {}
        self._systems.clear()
        for key in self._infos:
            self._note(key)

    def _note(self, key: str) -> None:
        """Put one subject where it belongs now."""
        info, held = self._infos.get(key), self._held.get(key)
        if info is None or key in self._gone:  # enrolled a moment ago: it comes with the register
            return
        now = standing(key, held, self._created[key], None)
        if info.kind == "service" and self._systems.note(key, now):
            return  # a hundred centres see one fault of one system: it is told once
        if info.kind == "centre":
            self._whole[info.centre] = now
        elif now.state == "ok":
            self._troubles.pop(key, None)
        else:
            self._troubles[key] = (info, now)


def standing(key: str, held: Flip | None, created_ms: int, as_of_ms: int | None) -> Standing:
    """What a flip makes true of its subject; without one nothing was measured yet."""
    if held is None or held.to is None:
        return Standing(key, "unknown", "never_measured", created_ms, as_of_ms, {}, ())
    return Standing(key, held.to, held.reason, held.at_ms, as_of_ms, held.detail, held.evidence)


def whole(as_of: Mapping[str, int], places: Iterable[tuple[str, str]], ever: Mapping[str, int]) -> dict[str, int]:
    """Subject → its newest measurement. A centre is as new as the newest of what it consists of; an agent as it was
    heard, which says nothing about its centre."""
    found = {**as_of, **ever}
    for key, of_centre in places:
        at = found.get(key)
        if at is not None and key not in ever:
            name = f"centre:{of_centre}"
            found[name] = max(at, found.get(name, 0))
    return found


def _chunks(keys: Iterable[str]) -> Iterator[list[str]]:
    every = iter(list(keys))
    while chunk := list(islice(every, _AT_ONCE)):
        yield chunk
