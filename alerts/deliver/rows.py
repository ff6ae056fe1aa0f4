"""Rows of the outbox and every way they may change; each function is one step of the caller's transaction.

waiting → sending (claimed, for as long as a lease) → sent (the other side's answer is on record) → answered (a person
took the incident on). Or back to waiting, or dead (nobody will get it), or dropped (nobody needs it any more). A dead
one waits for a person: tried again, or dismissed. What happens to a digest happens to all that it tells.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, func, insert, literal, or_, select, update
from sqlalchemy import Row as Found

from alerts.tables import outbox as t

LEASE_S: Final = 120.0
"""No channel takes longer: each request ends after 15 s. What a dead process had claimed is sent again after it."""

MAX_TEXT: Final = 300


@dataclass(frozen=True, slots=True)
class Row:
    """One message to one audience by one channel; `channel` is empty before it was routed."""

    key: str
    incident: str
    kind: str
    audience: str
    channel: str
    address: str
    message: str
    state: str
    created_ms: int
    due_ms: int
    tries: int
    sent_ms: int | None
    within: str


_COLUMNS: Final = tuple(t.c[name] for name in Row.__dataclass_fields__)


def unrouted(conn: Connection, limit: int) -> list[Row]:
    """What nobody has found a way for yet, in the order it was put."""
    query = select(*_COLUMNS).where(t.c.state == "waiting", t.c.channel == "")
    return _rows(conn.execute(query.order_by(t.c.created_ms, t.c.key).limit(limit)).all())


def due(conn: Connection, now_ms: int, limit: int, busy: Sequence[str] = ()) -> list[Row]:
    """What may go now, and what a process that is gone had claimed; not what a digest tells, nor by `busy` channels."""
    ripe = and_(t.c.state == "waiting", t.c.due_ms <= now_ms, t.c.channel != "")
    left = and_(t.c.state == "sending", t.c.lease_until_ms <= now_ms)
    query = select(*_COLUMNS).where(or_(ripe, left), t.c.within == "", t.c.channel.not_in(busy))
    return _rows(conn.execute(query.order_by(t.c.created_ms, t.c.key).limit(limit)).all())


def next_ms(conn: Connection) -> int | None:
    """When there is something to do again; None where nothing waits."""
    waits = select(func.min(t.c.due_ms)).where(t.c.state == "waiting", t.c.within == "")
    leased = select(func.min(t.c.lease_until_ms)).where(t.c.state == "sending")
    found = [at for at in (conn.scalar(waits), conn.scalar(leased)) if at is not None]
    return min(found, default=None)


def of_incidents(conn: Connection, incidents: Iterable[str]) -> dict[str, list[Row]]:
    """Every message about these incidents, by incident, in the order they were put."""
    found: dict[str, list[Row]] = {}
    query = select(*_COLUMNS).where(t.c.incident.in_(list(incidents))).order_by(t.c.created_ms, t.c.key)
    for row in _rows(conn.execute(query).all()):
        found.setdefault(row.incident, []).append(row)
    return found


def escalated(conn: Connection, incidents: Sequence[str]) -> list[tuple[str, str]]:
    """(incident, audience) where others than a team were called because nobody of it took these incidents on."""
    mine = and_(t.c.incident.in_(incidents), t.c.kind == "escalation", t.c.audience.not_like("team:%"))
    query = select(t.c.incident, t.c.audience).where(mine).distinct().order_by(t.c.incident, t.c.audience)
    return [(incident, audience) for incident, audience in conn.execute(query)]


def by_key(conn: Connection, keys: Iterable[str]) -> list[Row]:
    """These, in the order they were put."""
    query = select(*_COLUMNS).where(t.c.key.in_(list(keys))).order_by(t.c.created_ms, t.c.key)
    return _rows(conn.execute(query).all())


def letters_since(conn: Connection, since_ms: int) -> list[tuple[str, str, str, int]]:
    """(audience, channel, kind, when) of what went out since a moment; what a digest told counts with it."""
    gone = and_(t.c.sent_ms >= since_ms, t.c.within == "", t.c.state.in_(("sent", "answered")))
    query = select(t.c.audience, t.c.channel, t.c.kind, t.c.sent_ms).where(gone)
    return [(audience, channel, kind, at or 0) for audience, channel, kind, at in conn.execute(query)]


# --- one step each --------------------------------------------------------------------------------------------------


def take_way(conn: Connection, row: Row, ways: Sequence[tuple[str, str]]) -> None:
    """Send a row by these (channel, address): the first takes the row itself, every other a row of its own."""
    (channel, address), *others = ways
    mine = and_(t.c.key == row.key, t.c.state == "waiting", t.c.channel == "")
    taken = update(t).where(mine).values(channel=channel, address=address).returning(t.c.key)
    if conn.execute(taken).first() is None:
        return
    for name, where in others:
        conn.execute(insert(t).values(
            key=f"{row.key}/{name}", incident=row.incident, kind=row.kind, audience=row.audience, channel=name,
            address=where, message=row.message, state="waiting", created_ms=row.created_ms, due_ms=row.due_ms,
        ))  # fmt: skip


def claim(conn: Connection, key: str, now_ms: int) -> bool:
    """Take a message to be sent. False where it is not to be had any more."""
    free = or_(
        and_(t.c.state == "waiting", t.c.due_ms <= now_ms), and_(t.c.state == "sending", t.c.lease_until_ms <= now_ms)
    )
    lease = {"state": "sending", "lease_until_ms": now_ms + round(1000 * LEASE_S), "tries": t.c.tries + 1}
    if conn.execute(update(t).where(t.c.key == key, free).values(lease).returning(t.c.key)).first() is None:
        return False
    conn.execute(update(t).where(t.c.within == key).values(lease))
    return True


def sent(conn: Connection, key: str, answer: str, now_ms: int) -> list[Row]:
    """The other side took it; the messages that were told by it."""
    changes = {"state": "sent", "sent_ms": now_ms, "answer": _cut(answer), "error": "", "lease_until_ms": None}
    whole = update(t).where(_whole(key), t.c.state == "sending").values(changes).returning(*_COLUMNS)
    return [row for row in _rows(conn.execute(whole).all()) if row.incident]


def put_off(conn: Connection, keys: Iterable[str], until_ms: int, why: str) -> None:
    """Not now: not before `until_ms`."""
    changes = {"state": "waiting", "due_ms": until_ms, "error": _cut(why), "lease_until_ms": None}
    for key in keys:
        conn.execute(update(t).where(_whole(key), t.c.state.in_(("waiting", "sending"))).values(changes))


def bury(conn: Connection, key: str, why: str) -> None:
    """Nobody will get it: a dead letter, until somebody has it tried again."""
    _end(conn, key, "dead", why)


def drop(conn: Connection, key: str, why: str) -> None:
    """Nobody needs it any more."""
    _end(conn, key, "dropped", why)


def gather(conn: Connection, keys: Sequence[str], digest: str) -> list[Row]:
    """Have a digest tell these messages; those of them that it will."""
    free = and_(t.c.key.in_(keys), t.c.state == "waiting", t.c.within == "")
    return _rows(conn.execute(update(t).where(free).values(within=digest).returning(*_COLUMNS)).all())


def answered(conn: Connection, incidents: Sequence[str]) -> None:
    """A person took these incidents on: whoever was called about them need not be called again."""
    told = and_(t.c.incident.in_(incidents), t.c.state == "sent", t.c.kind.in_(("call", "escalation", "reminder")))
    conn.execute(update(t).where(told).values(state="answered"))


def revive(conn: Connection, keys: Iterable[str], now_ms: int) -> int:
    """Have dead letters tried again; how many. One that a digest told goes by itself."""
    fresh = {"state": "waiting", "due_ms": now_ms, "tries": 0, "error": "", "lease_until_ms": None, "address": ""}
    count = 0
    for key in keys:
        own = update(t).where(t.c.key == key, t.c.state == "dead")
        row = conn.execute(own.values(**fresh, within="").returning(t.c.kind)).first()
        count += row is not None
        if row is not None and row.kind == "digest":
            conn.execute(update(t).where(t.c.within == key).values(state="waiting"))
    return count


def dismiss(conn: Connection, keys: Iterable[str], by: str) -> int:
    """Somebody decides that dead letters are not needed any more; how many. What a digest told goes with it."""
    why = func.substr(literal(f"dismissed by {by}: ") + t.c.error, 1, MAX_TEXT)
    count = 0
    for key in keys:
        mine = update(t).where(_whole(key), t.c.state == "dead")
        count += len(conn.execute(mine.values(state="dropped", error=why).returning(t.c.key)).all())
    return count


def _end(conn: Connection, key: str, state: str, why: str) -> None:
    changes = {"state": state, "error": _cut(why), "lease_until_ms": None}
    conn.execute(update(t).where(_whole(key), t.c.state.in_(("waiting", "sending"))).values(changes))


def _whole(key: str) -> ColumnElement[bool]:
    return or_(t.c.key == key, t.c.within == key)


def _cut(text: str) -> str:
    return text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 1]}…"


def _rows(found: Sequence[Found[Any]]) -> list[Row]:
    return [Row(*tuple(row)) for row in found]
