"""Observations found again in the bodies still kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, select

from collector.api import NotFound, StoredObservation
from collector.register.places import agents_at
from collector.store.bodies import InboxRow, observations, read_batch, read_span
from collector.store.tables import subject

_PAGES: Final = (32, 256, 2_048)
"""Rows looked through, more each time; what is not in the last is not looked for."""


def find_observation(conn: Connection, key: str) -> StoredObservation:
    """One observation by its id, `<agent>/<epoch>/<batch>/<i>`. Raises NotFound."""
    parts = key.split("/")
    if len(parts) == 4 and parts[2].isdecimal() and len(parts[2]) < 17:
        row = read_batch(conn, parts[0], parts[1], int(parts[2]))
        for stored in observations(row) if row is not None else ():
            if stored.id == key:
                return stored
    raise NotFound(f"there is no observation {key[:200]}, or it is no longer kept")


def newest_observations(conn: Connection, ids: Sequence[str]) -> list[StoredObservation]:
    """Observations by their ids, in that order; those no longer kept are left out."""
    batches: dict[tuple[str, str, str], InboxRow | None] = {}
    for key in ids:
        name, epoch, number, _ = key.split("/")
        if (name, epoch, number) not in batches:
            batches[name, epoch, number] = read_batch(conn, name, epoch, int(number))
    found = {stored.id: stored for row in batches.values() if row is not None for stored in observations(row)}
    return [found[key] for key in ids if key in found]


def observations_before(conn: Connection, key: str, before_ms: int, limit: int) -> list[StoredObservation]:
    """Observations of a subject older than `before_ms`, newest first, at most `limit`."""
    where = conn.scalar(select(subject.c.centre).where(subject.c.key == key))
    names = [] if where is None else agents_at(conn, where)
    found = [stored for name in names for stored in _of_agent(conn, name, key, before_ms=before_ms, limit=limit)]
    return sorted(found, key=lambda stored: (stored.at_ms, stored.id), reverse=True)[:limit]


def _of_agent(conn: Connection, name: str, key: str, *, before_ms: int, limit: int) -> list[StoredObservation]:
    """Rows come by their newest observation: once enough are found, no later row can hold a newer one."""
    found: list[StoredObservation] = []
    for page in _PAGES:
        rows = read_span(conn, name, 0, before_ms, page)
        every = (stored for row in rows for stored in observations(row))
        found = [stored for stored in every if stored.observation.subject == key and stored.at_ms < before_ms]
        found.sort(key=lambda stored: stored.at_ms, reverse=True)
        found = found[:limit]
        if len(rows) < page or (len(found) == limit and (not limit or found[-1].at_ms >= rows[-1].at_max_ms)):
            break
    return found
