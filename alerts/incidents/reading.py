"""`alerts.api.Reader` over the tables, each question one or a few indexed queries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Row, Select, func, or_, select

from alerts.api import Happened, Incident, Quality, Told
from alerts.desk import Desk
from alerts.dispatch.town import Town, steady, town_of
from alerts.incidents import life, quality
from alerts.incidents.rows import happened_of, incident_of
from alerts.incidents.telling import waited
from alerts.tables import alert_cursor, complaint, happened, incident, incident_place, outbox

MOST: Final = 5_000
DEAD: Final = "dead"
TOWN_MS: Final = 1_000
"""How old what is known of the province may be: a page asks for it with each of its centres."""


class TableReader:
    """Implements `alerts.api.Reader`. Plain synchronous calls; each sees one moment of the store."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._town_of: tuple[int, Town] | None = None

    def revision(self) -> str:
        with self._desk.store.reading() as conn:
            event = conn.scalar(select(func.max(happened.c.seq))) or 0
            moved = conn.scalar(select(func.max(alert_cursor.c.moved_ms))) or 0
            said = conn.scalar(select(func.max(complaint.c.id))) or 0
        return f"{event}.{moved}.{said}"

    def open(self, centre: str | None = None) -> list[Incident]:
        query = select(incident).where(incident.c.closed_ms.is_(None))
        found = self._counted(self._all(query if centre is None else _at(query, centre)))
        return sorted(found, key=lambda one: (-(one.waiting or 0.0), one.since_ms, one.number))

    def incident(self, key: str) -> Incident:
        with self._desk.store.reading() as conn:
            found = life.find(conn, key)
        return self._counted([found])[0]

    def incidents(self, from_ms: int, to_ms: int, limit: int = 500) -> list[Incident]:
        t = incident.c
        query = select(incident).where(t.since_ms < to_ms, or_(t.ended_ms.is_(None), t.ended_ms >= from_ms))
        return self._counted(self._all(query.order_by(t.since_ms.desc(), t.number.desc()).limit(_some(limit))))

    def story(self, incident: str) -> list[Happened]:
        with self._desk.store.reading() as conn:
            key = life.find(conn, incident).id
            query = select(happened).where(happened.c.incident == key).order_by(happened.c.seq)
            return [happened_of(row) for row in conn.execute(query)]

    def of_centre(self, centre: str, limit: int = 3) -> list[Incident]:
        query = _at(select(incident), centre).order_by(incident.c.since_ms.desc(), incident.c.number.desc())
        return self._counted(self._all(query.limit(_some(limit))))

    def told(self, incident: str | None = None, *, dead: bool = False, limit: int = 200) -> list[Told]:
        query = select(outbox).order_by(outbox.c.created_ms.desc(), outbox.c.key)
        with self._desk.store.reading() as conn:
            if incident is not None:
                query = query.where(outbox.c.incident == life.find(conn, incident).id)
            if dead:
                query = query.where(outbox.c.state == DEAD)
            return [_told(row) for row in conn.execute(query.limit(_some(limit)))]

    def revised(self, from_ms: int, to_ms: int) -> list[Happened]:
        t = happened.c
        query = select(happened).where(t.what == "revised", t.at_ms >= from_ms, t.at_ms < to_ms)
        with self._desk.store.reading() as conn:
            return [happened_of(row) for row in conn.execute(query.order_by(t.seq.desc()).limit(MOST))]

    def quality(self, from_ms: int, to_ms: int) -> Quality:
        found = self.incidents(from_ms, to_ms, MOST)
        with self._desk.store.reading() as conn:
            dead = conn.scalar(select(func.count()).where(outbox.c.state == DEAD, outbox.c.created_ms >= from_ms)) or 0
            spans = quality.explained(conn, found)
        missed = quality.missed(self._desk.reader, spans, from_ms, min(to_ms, self._desk.clock.wall_ms()))
        return Quality(from_ms, to_ms, tuple(quality.scores(found)), tuple(missed), dead)

    # --- parts ------------------------------------------------------------------------------------------------------

    def _all(self, query: Select[Any]) -> list[Incident]:
        with self._desk.store.reading() as conn:
            return [incident_of(row) for row in conn.execute(query)]

    def _counted(self, found: Iterable[Incident]) -> list[Incident]:
        """With the people who wait by now where the trouble holds; what is over was counted when it ended."""
        every = list(found)
        if all(one.ended_ms is not None for one in every):
            return every
        now_ms = self._desk.clock.wall_ms()
        town = self._town(now_ms)
        return [
            one if one.ended_ms is not None else replace(one, waiting=waited(one, town, now_ms)) for one in every
        ]  # fmt: skip

    def _town(self, now_ms: int) -> Town:
        held = self._town_of
        if held is None or not 0 <= now_ms - held[0] < TOWN_MS:
            held = self._town_of = (now_ms, steady(town_of(self._desk.reader, now_ms, {})))
        return held[1]


def _at(query: Select[Any], centre: str) -> Select[Any]:
    return query.where(incident.c.id.in_(select(incident_place.c.incident).where(incident_place.c.centre == centre)))


def _some(limit: int) -> int:
    return max(0, min(limit, MOST))


def _told(row: Row[Any]) -> Told:
    return Told(
        row.key, row.incident, row.kind, row.audience, row.channel, row.address, row.state, row.created_ms, row.due_ms,
        row.tries, row.sent_ms, row.error,
    )  # fmt: skip
