"""Notices for a centre's people: on record in the store, and in memory for every answer that carries them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Final

import msgspec
from sqlalchemy import Connection, insert, select, update

from collector.api import Actor, NotAllowed, NotFound
from collector.hub import Hub
from collector.loops import Loop
from collector.register.actors import audit
from collector.store.notice_tables import notice as t
from collector.store.tables import centre
from wire.messages import Notice

TOPIC: Final = "notices"
REFRESH_S: Final = 30.0
MOST: Final = 20
MAX_ID: Final = 120
MAX_TEXT: Final = 1_000

Held = tuple[Notice, ...]


# --- on record ------------------------------------------------------------------------------------------------------


def put(conn: Connection, actor: Actor, where: str, notice: Notice, now_ms: int) -> None:
    """Have a notice shown, or changed where its id is known. Raises NotFound and NotAllowed."""
    _check(conn, where, notice)
    told = {"text_vi": notice.text_vi, "text_en": notice.text_en, "since_ms": notice.since, "until_ms": notice.until}
    own = (t.c.centre == where) & (t.c.id == notice.id)
    row = told | {"set_ms": now_ms, "set_by": actor.name, "ended_ms": None}
    if conn.execute(update(t).where(own).values(row).returning(t.c.id)).first() is None:
        conn.execute(insert(t).values(centre=where, id=notice.id, **row))
    detail = {"id": notice.id, "text_vi": notice.text_vi[:200]}
    audit(conn, actor, "notice", f"centre:{where}", detail=detail, now_ms=now_ms)


def end(conn: Connection, actor: Actor, where: str, key: str, now_ms: int) -> None:
    """Show a notice no longer; nothing happens where none of that id is in force."""
    own = (t.c.centre == where) & (t.c.id == key) & t.c.ended_ms.is_(None)
    if conn.execute(update(t).where(own).values(ended_ms=now_ms).returning(t.c.id)).first() is not None:
        audit(conn, actor, "notice_end", f"centre:{where}", detail={"id": key}, now_ms=now_ms)


def in_force(conn: Connection) -> dict[str, Held]:
    """Every notice that nobody ended by centre, the one that began last first."""
    found: dict[str, Held] = {}
    query = select(t.c.centre, t.c.id, t.c.text_vi, t.c.text_en, t.c.since_ms, t.c.set_ms, t.c.until_ms)
    for where, *told in conn.execute(query.where(t.c.ended_ms.is_(None)).order_by(t.c.since_ms.desc(), t.c.id)):
        found[where] = (*found.get(where, ()), Notice(*told))
    return found


def _check(conn: Connection, where: str, notice: Notice) -> None:
    if not 1 <= len(notice.id) <= MAX_ID or not notice.id.isprintable():
        raise NotAllowed(f"a notice has an id of 1 to {MAX_ID} characters that can be printed")
    if not all(1 <= len(text) <= MAX_TEXT for text in (notice.text_vi, notice.text_en)):
        raise NotAllowed(f"notice {notice.id} needs a text of 1 to {MAX_TEXT} characters in both languages")
    if conn.scalar(select(centre.c.key).where(centre.c.key == where)) is None:
        raise NotFound(f"there is no centre {where}")
    others = select(t.c.id).where(t.c.centre == where, t.c.id != notice.id, t.c.ended_ms.is_(None)).limit(MOST)
    if len(conn.execute(others).all()) >= MOST:
        raise NotAllowed(f"centre {where} shows {MOST} notices already: end one of them")


# --- in memory ------------------------------------------------------------------------------------------------------


class Notices:
    """What every centre is told now. Asking is a look into memory; a change is read at its wake-up."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._by_centre: Mapping[str, Held] = {}
        self._lock = threading.Lock()
        self._listeners: list[Callable[[], None]] = []

    def on_change(self, call: Callable[[], None]) -> None:
        """Have `call` called whenever something changed; in the thread of the loop."""
        self._listeners.append(call)

    def held(self, where: str) -> Held:
        """The notices of a centre that are in force, each as it was set."""
        found = self._by_centre.get(where, ())
        if not found:
            return found
        now_ms = self._hub.clock.wall_ms()
        return tuple(one for one in found if one.until is None or one.until > now_ms)

    def say(self, held: Held) -> list[Notice]:
        """As they go out: as of this moment, for they are in force while the collector says so."""
        now_ms = self._hub.clock.wall_ms()
        return [msgspec.structs.replace(one, as_of=now_ms) for one in held]

    def refresh(self) -> None:
        """Read them anew."""
        with self._lock, self._hub.store.reading() as conn:
            found = in_force(conn)
            changed, self._by_centre = found != self._by_centre, found
        for call in self._listeners if changed else ():
            call()

    def loop(self) -> Loop:
        """Keeps them fresh; runs in every process that has the door."""
        return Loop("notices", "ingest", self._step, wakes_on=TOPIC)

    def _step(self) -> float:
        self.refresh()
        return REFRESH_S
