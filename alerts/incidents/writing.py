"""What a look decided, written: incidents, their places and history, what is to be told, and the cursor, in jobs that
are each whole by themselves. A job that was cut is done again by the next look, which finds what is still to do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from alerts.api import AlertsError, Incident
from alerts.incidents.drafts import Act
from alerts.incidents.rows import event_row, row_of
from alerts.incidents.telling import Teller
from alerts.tables import alert_cursor, happened, incident, incident_place

ACTS_A_JOB: Final = 40
"""What a job of the writer does in 20 ms on a small machine, with a message for each."""

PIECES_AN_ACT: Final = 12
"""So many centres and pieces of evidence of a large incident weigh as much as another act."""


def jobs(acts: Sequence[Act]) -> Iterator[list[Act]]:
    """The acts in order, in parts of a bounded weight; at least one part."""
    part: list[Act] = []
    weight = 0
    for act in acts:
        verdict = act.now.verdict
        own = 1 + (len(verdict.evidence) + len(verdict.subjects) + len(places(act.now))) // PIECES_AN_ACT
        if part and weight + own > ACTS_A_JOB:
            yield part
            part, weight = [], 0
        part.append(act)
        weight += own
    yield part


class Moved(AlertsError):
    """Somebody changed an incident, or moved the cursor, in the meantime; nothing was written: look again."""


def write_acts(conn: Connection, acts: Sequence[Act], teller: Teller, now_ms: int) -> None:
    """Write some acts, all or none. Raises Moved."""
    numbered = _numbered(conn, acts)
    _update(conn, [(act.was, act.now) for act in numbered if act.was is not None])
    if made := [row_of(act.now) for act in numbered if act.was is None]:
        conn.execute(insert(incident), made)
    _place(conn, numbered)
    if events := [event_row(act.now.id, now_ms, event) for act in numbered for event in act.events]:
        conn.execute(insert(happened), events)
    teller.put(conn, numbered)


def _numbered(conn: Connection, acts: Sequence[Act]) -> list[Act]:
    """Give numbers to new incidents: known before they are written, because messages name them."""
    last: int = conn.scalar(select(func.max(incident.c.number))) or 0
    found = []
    for act in acts:
        if act.was is None:
            last += 1
            found.append(Act(None, replace(act.now, number=last), act.events, act.tells))
        else:
            found.append(act)
    return found


def _update(conn: Connection, pairs: Sequence[tuple[Incident, Incident]]) -> None:
    """Write what differs, of all that differ in the same columns at once."""
    changes: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for was, now in pairs:
        old, new = row_of(was), row_of(now)
        changed = {name: value for name, value in new.items() if value != old[name]}
        if changed:
            own = {f"new_{name}": value for name, value in changed.items()}
            changes.setdefault(tuple(changed), []).append(own | {"own_id": was.id})
    wanted = {row["own_id"] for rows in changes.values() for row in rows}
    _unmoved(conn, [was for was, _ in pairs if was.id in wanted])
    for names, rows in changes.items():
        mine = update(incident).where(incident.c.id == bindparam("own_id"))
        conn.execute(mine.values({name: bindparam(f"new_{name}") for name in names}), rows)


def _unmoved(conn: Connection, read: Sequence[Incident]) -> None:
    """Raise Moved where an incident is not as it was read; else it stays so until the end of the transaction."""
    columns = (incident.c.id, incident.c.stage, incident.c.revisions, incident.c.reopened)
    query = select(*columns).where(incident.c.id.in_([was.id for was in read])).with_for_update()
    found = {tuple(row) for row in conn.execute(query)} if read else set()
    for was in read:
        if (was.id, was.stage, was.revisions, was.reopened) not in found:
            raise Moved(f"incident {was.number} was changed in the meantime")


def _place(conn: Connection, acts: Sequence[Act]) -> None:
    moved = [act for act in acts if act.was is None or places(act.was) != places(act.now)]
    if gone := [act.now.id for act in moved if act.was is not None]:
        conn.execute(delete(incident_place).where(incident_place.c.incident.in_(gone)))
    rows = [
        {"incident": act.now.id, "centre": key, "affected": only}
        for act in moved
        for key, only in places(act.now).items()
    ]
    if rows:
        conn.execute(insert(incident_place), rows)


def places(one: Incident) -> Mapping[str, bool]:
    """Centre → whether it only sees it."""
    return dict.fromkeys(one.verdict.affected, True) | dict.fromkeys(one.verdict.centres, False)


def move_cursor(conn: Connection, name: str, old: int | None, seq: int, now_ms: int) -> None:
    """Move a cursor from where it was read, or make it. Raises Moved."""
    t = alert_cursor
    if old is None:
        conn.execute(insert(t).values(name=name, seq=seq, moved_ms=now_ms))
        return
    moved = update(t).where(t.c.name == name, t.c.seq == old).values(seq=seq, moved_ms=now_ms).returning(t.c.seq)
    if conn.scalar(moved) is None:
        raise Moved(f"the cursor {name} is no longer at {old}")
