"""Names and their time. The key of a centre is for ever; what it was called stays in the versions of the inventory."""

from __future__ import annotations

from typing import Final

import msgspec
from sqlalchemy import Connection, insert, select, update

from collector.api import Actor, Done, FormerName, NotAllowed, Rename
from collector.inventory import cells, keeping
from collector.inventory.difference import Change, TableDifference
from collector.inventory.keeping import Run
from collector.inventory.problems import CellError
from collector.lifecycle.records import Doing
from collector.lifecycle.whom import live_centre, said
from collector.register import retired
from collector.store.inventory_tables import inventory
from collector.store.tables import centre


def rename(conn: Connection, actor: Actor, act: Rename, now_ms: int) -> Done:
    """Give a centre another name from now on. Raises NotFound, NotAllowed."""
    key = live_centre(conn, act.centre)
    vi, en = _name(act.name_vi), _name(act.name_en)
    old = conn.execute(select(centre.c.name_vi, centre.c.name_en, centre.c.created_ms).where(centre.c.key == key)).one()
    if (old.name_vi, old.name_en) == (vi, en):
        raise NotAllowed(f"centre {key} has this name already")
    doing = Doing(conn, actor, "rename", f"centre:{key}", said(act.reason), now_ms)
    held = keeping.held(conn, ["centres"])["centres"].get(key)
    if held is not None:
        change = Change(key, held, {**held, "name_vi": vi, "name_en": en})
        run = Run(f"rename of {key}", "", {"centres": TableDifference(changed=[change])}, keeping.newest(conn))
        keeping.write(conn, run, actor, now_ms, lambda *_: None)
    else:
        _keep(conn, key, {"key": key, "name_vi": old.name_vi, "name_en": old.name_en}, old.created_ms, now_ms)
        conn.execute(update(centre).where(centre.c.key == key).values(name_vi=vi, name_en=en))
    doing.tell("renamed", f"centre:{key}", vi)
    back = f'rename {key} --vi "{old.name_vi}" --en "{old.name_en}"'
    return doing.finish(centres={key: f"{old.name_vi} → {vi}"}, back=back)


def _name(text: str) -> str:
    try:
        return cells.name(text.strip()) if text.strip() else ""
    except CellError as error:
        raise NotAllowed(f"this cannot be a name: {error}") from error


def _keep(conn: Connection, key: str, body: dict[str, str], created_ms: int, now_ms: int) -> None:
    """The name that ends now of a centre no import knows: a version of its own, from when the one before it ended."""
    before = keeping.versions(conn, "centres", key)
    from_ms = max((version.to_ms or 0 for version in before), default=created_ms)
    conn.execute(insert(inventory).values(
        kind="centres", key=key, from_ms=min(from_ms, now_ms), to_ms=now_ms,
        body=msgspec.json.encode(body).decode(),
    ))  # fmt: skip


class _Named(msgspec.Struct):
    """What of a centre's row is a name."""

    name_vi: str = ""
    name_en: str = ""


_NAMED: Final = msgspec.json.Decoder(_Named)


def former_names(conn: Connection) -> dict[str, tuple[FormerName, ...]]:
    """Names centres had and have no more, with those of what went into them; the newest first."""
    now = dict(conn.execute(select(centre.c.key, centre.c.name_vi)).all())
    query = select(inventory.c.key, inventory.c.to_ms, inventory.c.body)
    ended = query.where(inventory.c.kind == "centres", inventory.c.to_ms.is_not(None))
    found: dict[str, list[FormerName]] = {}
    for key, to_ms, body in conn.execute(ended.order_by(inventory.c.id.desc())):
        named = _NAMED.decode(body)
        its = found.setdefault(key, [])
        if named.name_vi != now.get(key) and all(name.vi != named.name_vi for name in its):
            its.append(FormerName(named.name_vi, named.name_en or named.name_vi, to_ms))
    for held in retired.everything(conn).values():
        if held.how == "merged":
            gone, into = held.subject.removeprefix("centre:"), retired.led_to(conn, held.successor[7:])
            found.setdefault(into, []).extend([FormerName(now[gone], now[gone], held.from_ms), *found.get(gone, ())])
    return {key: tuple(names) for key, names in found.items() if names}
