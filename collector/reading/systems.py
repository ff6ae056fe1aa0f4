"""Shared systems as all places see them: counted as flips come in, phases read from the newest points of history."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

from sqlalchemy import Connection, select

from collector.api import OWN_ROOMS, PHASES, PhaseTimes, Standing, State, SystemView
from collector.store.tables import raw, serie

_AT_ONCE: Final = 200
_PREFIX: Final = "motcua_service_"
_TOTAL: Final = f"{_PREFIX}total_seconds"
_METRICS: Final = (*(f"{_PREFIX}{phase}_seconds" for phase in PHASES), _TOTAL)

# One step down the primary key of `raw` for each series: however many points there are, only the newest is touched.
_NEWEST: Final = (
    select(raw.c.at_ms).where(raw.c.sid == serie.c.sid).order_by(raw.c.at_ms.desc()).limit(1).correlate(serie)
)
_POINTS: Final = select(
    serie.c.subject, serie.c.target, serie.c.of, serie.c.metric, raw.c.at_ms, raw.c.value
).join_from(serie, raw, (raw.c.sid == serie.c.sid) & (raw.c.at_ms == _NEWEST.scalar_subquery()))


def parted(key: str) -> tuple[str, str] | None:
    """(system, place) of a subject `service:<id>` or `service:<id>@<centre>`; None for every other subject."""
    kind, _, name = key.partition(":")
    if kind != "service":
        return None
    system, _, place = name.partition("@")
    return system, place


class Systems:
    """Who sees which shared system how. Not safe from several threads by itself; what it gives away never changes."""

    def __init__(self) -> None:
        self._shared: dict[str, Standing] = {}
        self._places: dict[str, dict[str, Standing]] = {}
        self._counts: dict[str, Counter[State]] = {}
        self._rooms: dict[str, dict[str, Standing]] = {}

    def clear(self) -> None:
        self._shared, self._places, self._counts, self._rooms = {}, {}, {}, {}

    def note(self, key: str, now: Standing) -> bool:
        """Take in how one subject stands now; False where it is no shared system's."""
        found = parted(key)
        if found is None:
            return False
        system, place = found
        places = self._places.setdefault(system, {})
        counts = self._counts.setdefault(system, Counter())
        if not place:
            self._shared[system] = now
            return True
        before = places.get(place)
        places[place] = now
        if place.startswith(OWN_ROOMS):
            self._rooms.setdefault(system, {})[place] = now
        else:
            if before is not None:
                counts[before.state] -= 1
            counts[now.state] += 1
        return True

    def views(self) -> dict[str, SystemView]:
        """Every system that anybody measures, by id."""
        return {
            system: SystemView(
                id=system,
                shared=self._shared.get(system),
                counts={state: n for state, n in self._counts[system].items() if n},
                rooms=dict(self._rooms.get(system, {})),
            )
            for system in sorted(self._places)
        }

    def seen(self, system: str) -> dict[str, Standing]:
        """How each place sees one system."""
        return dict(self._places.get(system, {}))


def read_phases(conn: Connection, subjects: Sequence[str]) -> dict[str, PhaseTimes]:
    """The newest answer to each subject: of the version of IP and the target that were measured last."""
    runs: dict[str, dict[tuple[str, str], dict[str, tuple[int, float]]]] = {}
    for some in _chunks(subjects):
        query = _POINTS.where(serie.c.subject.in_(some), serie.c.metric.in_(_METRICS))
        for subject, target, of, metric, at_ms, value in conn.execute(query):
            runs.setdefault(subject, {}).setdefault((target, of), {})[metric] = (at_ms, value)
    return {subject: _newest(subject, of_subject) for subject, of_subject in runs.items()}


def _newest(subject: str, runs: dict[tuple[str, str], dict[str, tuple[int, float]]]) -> PhaseTimes:
    """Of two runs at one moment the one that passed: what people's programs would use."""
    found = []
    for points in runs.values():
        at_ms = max(at for at, _ in points.values())
        now = {metric: value for metric, (at, value) in points.items() if at == at_ms}
        found.append((at_ms, _TOTAL in now, now))
    at_ms, _, now = max(found, key=lambda run: run[:2])
    seconds = {phase: now[name] for phase in PHASES if (name := f"{_PREFIX}{phase}_seconds") in now}
    return PhaseTimes(subject, at_ms, seconds, now.get(_TOTAL))


def _chunks(keys: Iterable[str]) -> Iterator[list[str]]:
    every = iter(keys)
    while chunk := list(islice(every, _AT_ONCE)):
        yield chunk
