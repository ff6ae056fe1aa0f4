"""People at the collector: one-time login links, sessions, and the audit of everything anybody does."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from typing import Final

import msgspec
from sqlalchemy import Connection, insert, select, update

from collector.api import Actor, NotAllowed
from collector.store.tables import audit as audit_table
from collector.store.tables import login, session
from wire.messages import Scalar

LINK_MS: Final = 15 * 60_000
SESSION_MS: Final = 12 * 3_600_000

SYSTEM: Final = Actor("motcua", "system")


def audit(
    conn: Connection, actor: Actor, action: str, thing: str, *, detail: Mapping[str, Scalar] | None = None, now_ms: int
) -> None:
    """Leave the row that says who did what to which thing; in the transaction that does it."""
    text = msgspec.json.encode(detail or {}).decode()
    row = {"at_ms": now_ms, "actor": actor.name, "via": actor.via, "action": action, "object": thing, "detail": text}
    conn.execute(insert(audit_table).values(row))


def make_link(conn: Connection, actor: Actor, name: str, *, ttl_ms: int = LINK_MS, now_ms: int) -> str:
    """The secret of a one-time login link for the person `name`; only its hash is kept."""
    secret = secrets.token_urlsafe(24)
    row = {"sha256": _hash(secret), "name": name, "created_ms": now_ms, "expires_ms": now_ms + ttl_ms}
    conn.execute(insert(login).values(row))
    audit(conn, actor, "login_link", name, detail={"expires_ms": now_ms + ttl_ms}, now_ms=now_ms)
    return secret


def open_session(conn: Connection, link: str, now_ms: int) -> str:
    """Spend a link; the new session's cookie value. Raises NotAllowed for a spent, late or foreign one."""
    good = (login.c.sha256 == _hash(link)) & login.c.used_ms.is_(None) & (login.c.expires_ms > now_ms)
    name = conn.scalar(update(login).where(good).values(used_ms=now_ms).returning(login.c.name))
    if name is None:
        raise NotAllowed("this login link was used already, is too old, or was never made: ask for a new one")
    cookie = secrets.token_urlsafe(32)
    row = {
        "sha256": _hash(cookie), "name": name, "csrf": secrets.token_urlsafe(24), "created_ms": now_ms,
        "expires_ms": now_ms + SESSION_MS,
    }  # fmt: skip
    conn.execute(insert(session).values(row))
    audit(conn, Actor(name, "session"), "session_open", name, now_ms=now_ms)
    return cookie


def close_session(conn: Connection, cookie: str, now_ms: int) -> None:
    """End a session; nothing happens where it is over already."""
    mine = (session.c.sha256 == _hash(cookie)) & session.c.closed_ms.is_(None)
    name = conn.scalar(update(session).where(mine).values(closed_ms=now_ms).returning(session.c.name))
    if name is not None:
        audit(conn, Actor(name, "session"), "session_close", name, now_ms=now_ms)


def actor_of(conn: Connection, cookie: str, now_ms: int) -> Actor | None:
    """Who a session speaks for; None where it is unknown or over."""
    live = (session.c.sha256 == _hash(cookie)) & session.c.closed_ms.is_(None) & (session.c.expires_ms > now_ms)
    row = conn.execute(select(session.c.name, session.c.csrf).where(live)).first()
    return None if row is None else Actor(row.name, "session", row.csrf)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
