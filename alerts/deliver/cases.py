"""Incidents as delivery must know them: whether they are over, taken on, muted; and what delivery adds to them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, insert, select, update

from alerts.api import Incident, Said, Verdict
from alerts.tables import happened, incident, incident_place

_VERDICT: Final = msgspec.json.Decoder(Verdict)
_ENCODER: Final = msgspec.json.Encoder()

UNANSWERED: Final = ("open", "notified")
"""Stages in which nobody has taken it on."""


def read_cases(conn: Connection, keys: Iterable[str]) -> dict[str, Incident]:
    """Incidents by id; what nobody knows is left out."""
    query = select(incident).where(incident.c.id.in_(list(keys)))
    return {row.id: _incident(row) for row in conn.execute(query)}


def unanswered(conn: Connection) -> list[Incident]:
    """Incidents whose trouble goes on and that nobody has taken on."""
    waits = incident.c.stage.in_(UNANSWERED) & incident.c.closed_ms.is_(None) & incident.c.ended_ms.is_(None)
    return [_incident(row) for row in conn.execute(select(incident).where(waits))]


def taken_on(conn: Connection) -> list[str]:
    """Ids of open incidents that somebody has taken on."""
    query = select(incident.c.id).where(
        incident.c.stage.not_in((*UNANSWERED, "closed")), incident.c.closed_ms.is_(None)
    )
    return list(conn.scalars(query))


def past(conn: Connection, centre: str, limit: int = 4) -> list[Incident]:
    """The last incidents of a centre, newest first."""
    at = select(incident_place.c.incident).where(
        incident_place.c.centre == centre, incident_place.c.affected.is_(False)
    )
    query = select(incident).where(incident.c.id.in_(at)).order_by(incident.c.since_ms.desc()).limit(limit)
    return [_incident(row) for row in conn.execute(query)]


def tell(conn: Connection, key: str, said: Said, now_ms: int) -> None:
    """Put it into the history that somebody was told; the first time makes an open incident a notified one."""
    conn.execute(insert(happened).values(
        incident=key, at_ms=now_ms, what="told", by="", text="", said=_ENCODER.encode(said).decode(),
    ))  # fmt: skip
    conn.execute(update(incident).where(incident.c.id == key, incident.c.stage == "open").values(stage="notified"))


def _incident(row: Row[Any]) -> Incident:
    return Incident(
        id=row.id, number=row.number, verdict=_VERDICT.decode(row.verdict), stage=row.stage, since_ms=row.since_ms,
        ended_ms=row.ended_ms, opened_ms=row.opened_ms, closed_ms=row.closed_ms, parent=row.parent, team=row.team,
        waiting=row.waiting, target_ms=row.target_ms, reopened=row.reopened, revisions=row.revisions, wrong=row.wrong,
        muted_until_ms=row.muted_until_ms,
    )  # fmt: skip
