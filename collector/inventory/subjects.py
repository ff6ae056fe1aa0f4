"""What the inventory says becomes subjects: a centre, its lan, its lines. A key is for ever once it was measured."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, bindparam, delete, select, update

from collector.inventory.bulk import insert_rows, parts
from collector.inventory.difference import Change, TableDifference
from collector.inventory.schema import Body
from collector.store.lifecycle_tables import retirement
from collector.store.tables import agent, centre, flip, join_code, subject

_KINDS: Final = {"internet": "Internet", "tslcd": "TSLCD", "mobile": "4G/5G"}


def follow(conn: Connection, centres: TableDifference | None, lines: TableDifference | None, now_ms: int) -> list[str]:
    """Make, rename and remove subjects as the inventory changed.

    Returns the subjects that left the inventory and stay nevertheless, because they were measured or have an agent.
    """
    centres, lines = centres or TableDifference(), lines or TableDifference()
    _name_centres(conn, [*centres.added, *centres.changed], now_ms)
    wanted = {f"{kind}:{change.key}": "" for change in centres.added for kind in ("centre", "lan")}
    wanted |= {f"{kind}:{change.key}": "" for change in centres.changed for kind in ("centre", "lan")}
    labels = {f"line:{c.key}": line_label(c.key, c.after) for c in (*lines.added, *lines.changed) if c.after}
    _make(conn, wanted | labels, labels, now_ms)
    staying = _remove_lines(conn, [f"line:{change.key}" for change in lines.removed])
    return staying + _remove_centres(conn, [change.key for change in centres.removed])


def line_label(key: str, body: Body) -> str:
    """What people call a line: A · TSLCD VNPT."""
    letter = key.rpartition("/")[2].upper()
    return f"{letter} · {_KINDS.get(str(body.get('kind')), '')} {str(body.get('carrier', '')).upper()}".rstrip(" ·")


def _name_centres(conn: Connection, changes: Sequence[Change], now_ms: int) -> None:
    there = set(conn.scalars(select(centre.c.key))) if changes else set[str]()
    rows = [
        {"its_key": c.key, "vi": str(c.after["name_vi"]), "en": str(c.after.get("name_en", c.after["name_vi"]))}
        for c in changes
        if c.after is not None
    ]
    renamed = [row for row in rows if row["its_key"] in there]
    new: list[dict[str, object]] = [
        {"key": row["its_key"], "name_vi": row["vi"], "name_en": row["en"], "created_ms": now_ms}
        for row in rows
        if row["its_key"] not in there
    ]
    if renamed:
        statement = update(centre).where(centre.c.key == bindparam("its_key"))
        conn.execute(statement.values(name_vi=bindparam("vi"), name_en=bindparam("en")), renamed)
    deque(insert_rows(conn, centre, new), maxlen=0)


def _make(conn: Connection, wanted: dict[str, str], labels: dict[str, str], now_ms: int) -> None:
    if not wanted:
        return
    there = set(conn.scalars(select(subject.c.key).where(subject.c.kind.in_(("centre", "lan", "line")))))
    new: list[dict[str, object]] = [
        {
            "key": key, "kind": key.partition(":")[0], "centre": _centre_of(key), "label": label, "agent": None,
            "created_ms": now_ms,
        }
        for key, label in wanted.items()
        if key not in there
    ]  # fmt: skip
    deque(insert_rows(conn, subject, new), maxlen=0)
    relabelled = [{"its_key": key, "name": label} for key, label in labels.items() if key in there]
    if relabelled:
        statement = update(subject).where(subject.c.key == bindparam("its_key"))
        conn.execute(statement.values(label=bindparam("name")), relabelled)


def _remove_lines(conn: Connection, keys: Sequence[str]) -> list[str]:
    staying: list[str] = []
    for part in parts(keys):
        kept = _measured(conn, part)
        staying += sorted(kept)
        conn.execute(delete(subject).where(subject.c.key.in_([key for key in part if key not in kept])))
    return staying


def _remove_centres(conn: Connection, keys: Sequence[str]) -> list[str]:
    staying: list[str] = []
    for part in parts(keys):
        own = [f"{kind}:{key}" for key in part for kind in ("centre", "lan")]
        kept = {_centre_of(key) for key in _measured(conn, own)}
        for column in (agent.c.centre, join_code.c.centre):
            kept |= set(conn.scalars(select(column).where(column.in_(part))))
        more = subject.c.centre.in_(part) & subject.c.key.not_in(own)
        kept |= set(conn.scalars(select(subject.c.centre).where(more)))
        gone = [key for key in part if key not in kept]
        conn.execute(delete(subject).where(subject.c.centre.in_(gone)))
        conn.execute(delete(centre).where(centre.c.key.in_(gone)))
        staying += sorted(f"centre:{key}" for key in kept)
    return staying


def _measured(conn: Connection, keys: Sequence[str]) -> set[str]:
    """Those that an agent owns, that were judged once, or that people took out of service: their pages stay."""
    owned = select(subject.c.key).where(subject.c.key.in_(keys), subject.c.agent.is_not(None))
    judged = select(flip.c.subject).where(flip.c.subject.in_(keys)).distinct()
    gone = select(retirement.c.subject).where(retirement.c.subject.in_(keys))
    return {*conn.scalars(owned), *conn.scalars(judged), *conn.scalars(gone)}


def _centre_of(key: str) -> str:
    return key.partition(":")[2].partition("/")[0]
