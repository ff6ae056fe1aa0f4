"""The outbox: what is to be told, put there in the transaction that decided it: neither is without the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from alerts.api import Incident
from alerts.deliver.message import Kind, Message, pack
from alerts.dispatch import Audience
from alerts.tables import outbox as t

Row = dict[str, str | int]
_PUT: Final = {
    "postgresql": postgresql.insert(t).on_conflict_do_nothing(), "sqlite": sqlite.insert(t).on_conflict_do_nothing(),
}  # fmt: skip


def put(
    conn: Connection,
    *,
    incident: Incident,
    kind: Kind,
    audience: Audience,
    message: Message,
    now_ms: int,
    due_ms: int,
    turn: str | None = None,
) -> None:
    """Have a message told, in the caller's transaction. Putting the same again changes nothing.

    The same is: same incident, kind, audience and turn. A turn is by itself the revision for a correction and how often
    the incident was reopened for everything else. By which channels an audience is reached is decided when it is due.
    """
    put_all(conn, [row_of(
        incident=incident, kind=kind, audience=audience, message=message, now_ms=now_ms, due_ms=due_ms, turn=turn,
    )])  # fmt: skip


def put_all(conn: Connection, rows: Sequence[Row]) -> None:
    """Put many at once: after a cut there is one for each of thousands of centres."""
    if rows:
        conn.execute(_PUT[conn.dialect.name], rows)


def row_of(
    *, incident: Incident, kind: Kind, audience: Audience, message: Message, now_ms: int, due_ms: int,
    turn: str | None = None,
) -> Row:  # fmt: skip
    """A message as `put_all` takes it; see `put`."""
    own = msgspec.structs.replace(message, person=audience.person, phone=audience.phone, email=audience.email)
    return {
        "key": key_of(incident, kind, audience.key, turn),
        "incident": incident.id, "kind": kind, "audience": audience.key, "channel": "", "address": "",
        "message": pack(own), "state": "waiting", "created_ms": now_ms, "due_ms": due_ms,
    }  # fmt: skip


def key_of(incident: Incident, kind: Kind, audience: str, turn: str | None = None) -> str:
    """The idempotency key of a message, the same for ever; receivers that know it tell a repetition by it."""
    if turn is None:
        turn = str(incident.revisions if kind == "correction" else incident.reopened)
    return f"{incident.id}/{kind}/{turn}/{audience}"
