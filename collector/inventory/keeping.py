"""The inventory in the store: what holds now or held then, and one import written as new versions beside the old."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import msgspec
from sqlalchemy import Connection, and_, func, insert, or_, select, update

from collector.api import Actor, NotFound
from collector.inventory import subjects
from collector.inventory.bulk import insert_rows, parts
from collector.inventory.cells import Value
from collector.inventory.difference import Change, Difference, TableDifference
from collector.inventory.schema import TABLES, Body
from collector.register.actors import audit
from collector.store.inventory_tables import import_run
from collector.store.inventory_tables import inventory as t
from collector.store.tables import centre
from wire.messages import Scalar

_BODY: Final = msgspec.json.Decoder(dict[str, Value])

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Run:
    """An import about to be written. `base` is the newest one that its difference was made against."""

    source: str
    sha256: str
    difference: Difference
    base: int
    undoes: int | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: the import's number, and what left the inventory but was measured and so stays a subject."""

    number: int
    staying: tuple[str, ...]


# --- asking ---------------------------------------------------------------------------------------------------------


def held(conn: Connection, kinds: Iterable[str] = TABLES, at_ms: int | None = None) -> dict[str, dict[str, Body]]:
    """The rows of these tables by key, as they hold now or held at a time."""
    found: dict[str, dict[str, Body]] = {kind: {} for kind in kinds}
    still = t.c.to_ms.is_(None)
    holds = still if at_ms is None else and_(t.c.from_ms <= at_ms, or_(still, t.c.to_ms > at_ms))
    query = select(t.c.kind, t.c.key, t.c.body).where(t.c.kind.in_(list(found)), holds)
    for kind, key, body in conn.execute(query.order_by(t.c.kind, t.c.key, t.c.id)):
        found[kind][key] = _BODY.decode(body)
    return found


@dataclass(frozen=True, slots=True)
class Version:
    """A row as it was from `from_ms` to `to_ms` (None: still)."""

    from_ms: int
    to_ms: int | None
    body: Body


def versions(conn: Connection, kind: str, key: str) -> list[Version]:
    """Every version of a row, oldest first: names with the time they held."""
    query = select(t.c.from_ms, t.c.to_ms, t.c.body).where(t.c.kind == kind, t.c.key == key)
    return [Version(a, b, _BODY.decode(body)) for a, b, body in conn.execute(query.order_by(t.c.from_ms, t.c.id))]


def adopted(conn: Connection) -> dict[str, Body]:
    """Centres that no import knows: made with their first join code, known by name only."""
    query = select(centre.c.key, centre.c.name_vi, centre.c.name_en)
    return {key: {"name_vi": vi, "name_en": en} for key, vi, en in conn.execute(query)}


def newest(conn: Connection) -> int:
    """The number of the newest import; 0 before the first."""
    found: int | None = conn.scalar(select(func.max(import_run.c.id)))
    return found or 0


def last_import(conn: Connection) -> int:
    """The newest import that is still in effect. Raises NotFound."""
    live = import_run.c.undoes.is_(None) & import_run.c.undone_by.is_(None)
    number: int | None = conn.scalar(select(func.max(import_run.c.id)).where(live))
    if number is None:
        raise NotFound("there is no import that could be undone")
    return number


def before_import(conn: Connection, number: int) -> dict[str, TableDifference]:
    """The difference that takes an import back: its before-images against what holds now."""
    touched = conn.execute(
        select(t.c.kind, t.c.key, t.c.body, t.c.ended_by).where(or_(t.c.made_by == number, t.c.ended_by == number))
    ).all()
    now = held(conn)
    images = {(row.kind, row.key): _BODY.decode(row.body) for row in touched if row.ended_by == number}
    found = {kind: TableDifference() for kind in dict.fromkeys(row.kind for row in touched)}
    for kind, key in dict.fromkeys((row.kind, row.key) for row in touched):
        current, image = now[kind].get(key), images.get((kind, key))
        change = Change(key, current, image)
        if image is None and current is not None:
            found[kind].removed.append(change)
        elif current is None and image is not None:
            found[kind].added.append(change)
        elif current != image:
            found[kind].changed.append(change)
    return found


# --- writing --------------------------------------------------------------------------------------------------------


def write(conn: Connection, run: Run, actor: Actor, now_ms: int, progress: Progress) -> Written:
    """Write one import, in the caller's transaction, with its audit row."""
    # Versions stay in the order of time even where the clock was set back between two imports.
    at_ms = max(now_ms, (conn.scalar(select(func.max(import_run.c.at_ms))) or 0) + 1)
    counts = {table: found.counts() for table, found in run.difference.items()}
    number: int = conn.execute(insert(import_run).values(
        at_ms=at_ms, actor=actor.name, source=run.source, sha256=run.sha256, undoes=run.undoes,
        counts=msgspec.json.encode(counts).decode(),
    ).returning(import_run.c.id)).scalar_one()  # fmt: skip
    if run.undoes is not None:
        conn.execute(update(import_run).where(import_run.c.id == run.undoes).values(undone_by=number))
    _write_versions(conn, run.difference, number, at_ms, progress)
    staying = subjects.follow(conn, run.difference.get("centres"), run.difference.get("lines"), now_ms)
    detail: dict[str, Scalar] = {"source": run.source, "sha256": run.sha256, "staying": len(staying)}
    detail |= {f"{table}_{what}": n for table, its in counts.items() for what, n in its.items() if n}
    action = "import" if run.undoes is None else "import_undo"
    audit(conn, actor, action, f"import:{number if run.undoes is None else run.undoes}", detail=detail, now_ms=now_ms)
    return Written(number, tuple(staying))


def _write_versions(conn: Connection, difference: Difference, number: int, at_ms: int, progress: Progress) -> None:
    ids = {
        (kind, key): n for n, kind, key in conn.execute(select(t.c.id, t.c.kind, t.c.key).where(t.c.to_ms.is_(None)))
    }
    born = {row.key: row.created_ms for row in conn.execute(select(centre.c.key, centre.c.created_ms))}
    ended: list[int] = []
    made: list[dict[str, object]] = []
    for kind, table in difference.items():
        for change in table.changes:
            row = {
                "kind": kind,
                "key": change.key,
                "made_by": number,
                "ended_by": None,
                "to_ms": None,
                "from_ms": at_ms,
            }
            if change.before is not None and (kind, change.key) in ids:
                ended.append(ids[kind, change.key])
            elif change.before is not None:
                old = {"from_ms": min(born.get(change.key, at_ms), at_ms), "to_ms": at_ms}
                made.append(row | old | {"made_by": None, "ended_by": number, "body": _text(change.before)})
            if change.after is not None:
                made.append(row | {"body": _text(change.after)})
    total, done = len(ended) + len(made), 0
    for part in parts(ended):
        conn.execute(update(t).where(t.c.id.in_(part)).values(to_ms=at_ms, ended_by=number))
        done += len(part)
        progress("write", done, total)
    for written in insert_rows(conn, t, made):
        done += written
        progress("write", done, total)


def _text(body: Body) -> str:
    return msgspec.json.encode(body).decode()
