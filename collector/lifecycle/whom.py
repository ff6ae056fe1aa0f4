"""Whom an act is about: a subject by its key, as it is kept, and as people write it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, select

from collector.api import NotAllowed, NotFound
from collector.lifecycle.wide import is_wide, known
from collector.register import retired
from collector.store.tables import agent, centre, subject
from wire.identity import IdentityError, parse_centre, parse_subject

MAX_REASON: Final = 200
_SHORT: Final = (
    (re.compile(r"[0-9]{5}-[0-9]{1,3}"), "centre"),
    (re.compile(r"[0-9]{5}-[0-9]{1,3}/[a-z0-9]{1,8}"), "line"),
    (re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}"), "agent"),
)
KINDS: Final = frozenset({"centre", "line", "agent"})


@dataclass(frozen=True, slots=True)
class Whom:
    """A subject of the register and the centre it belongs to."""

    key: str
    kind: str
    centre: str

    @property
    def name(self) -> str:
        """The key without its kind."""
        return self.key.partition(":")[2]


def written(text: str) -> str:
    """A subject's key from what a person wrote: `07375-1`, `07375-1/a`, an agent's id, or the key itself."""
    return next((f"{kind}:{text}" for form, kind in _SHORT if form.fullmatch(text)), text)


def whom(conn: Connection, key: str, *, wide: bool = False) -> Whom:
    """The subject of a key; where `wide`, also a shared system, a carrier or an area, which belong to no centre.

    Raises NotAllowed for what no act is about, NotFound for what is not there.
    """
    if wide and is_wide(key):
        return Whom(known(conn, key), key.partition(":")[0], "")
    try:
        parsed = parse_subject(key)
    except IdentityError as error:
        raise NotAllowed(str(error)) from error
    if parsed.kind not in KINDS:
        more = ", a line, an agent, a shared system, a carrier or an area" if wide else ", a line or an agent"
        raise NotAllowed(f"{key} is a {parsed.kind}: name a centre{more}")
    row = conn.execute(select(subject.c.kind, subject.c.centre).where(subject.c.key == key)).first()
    if row is None:
        raise NotFound(f"there is no {parsed.kind} {parsed.key}")
    return Whom(key, row.kind, row.centre)


def live_centre(conn: Connection, key: str) -> str:
    """A centre in service: the one named, or the one it went into. Raises NotFound, NotAllowed."""
    try:
        key = retired.led_to(conn, parse_centre(key.removeprefix("centre:")))
    except IdentityError as error:
        raise NotAllowed(str(error)) from error
    if conn.scalar(select(centre.c.key).where(centre.c.key == key)) is None:
        raise NotFound(f"there is no centre {key}")
    if retired.holding(conn, f"centre:{key}"):
        raise NotAllowed(f"centre {key} is out of service: restore it first")
    return key


def live_agents(conn: Connection, at: str) -> list[str]:
    """Agents of a centre that may speak."""
    query = select(agent.c.id).where(agent.c.centre == at, agent.c.revoked_ms.is_(None)).order_by(agent.c.id)
    return list(conn.scalars(query))


def is_live(conn: Connection, name: str) -> bool:
    """Whether an agent may speak."""
    return conn.scalar(select(agent.c.id).where(agent.c.id == name, agent.c.revoked_ms.is_(None))) is not None


def said(reason: str, *, needed: bool = True) -> str:
    """A reason on one line. Raises NotAllowed where it is missing or too long."""
    text = " ".join(reason.split())
    if (needed and not text) or len(text) > MAX_REASON or not text.isprintable():
        raise NotAllowed(f"say why: a reason of 1 to {MAX_REASON} characters")
    return text
