"""Flips in the store: append-only rows, of which those hold that nothing supersedes and that retract nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import BindParameter, ColumnElement, Connection, Row, bindparam, exists, select

from collector.api import CollectorError, Flip
from collector.judge.edits import Edit
from collector.store.plain import put_rows
from collector.store.tables import flip as t
from collector.store.tables import subject

_DETAIL: Final = msgspec.json.Decoder(dict[str, str | float | int])
_EVIDENCE: Final = msgspec.json.Decoder(list[str])
_ENCODER: Final = msgspec.json.Encoder()
_later: Final = t.alias("later")


class CursorMoved(CollectorError):
    """Somebody else judged in the meantime; nothing was written, and the next step begins from where they came to."""


EFFECTIVE: Final[ColumnElement[bool]] = t.c.to_state.is_not(None) & ~exists().where(_later.c.supersedes == t.c.seq)
"""Whether a row of the table holds."""


def flip_of(row: Row[Any]) -> Flip:
    """A row of the table, all columns in their order."""
    return Flip(
        row.seq, row.subject, row.at_ms, row.from_state, row.to_state, row.reason, _DETAIL.decode(row.detail),
        row.policy_version, tuple(_EVIDENCE.decode(row.evidence)), row.recorded_ms, row.supersedes,
    )  # fmt: skip


def after(conn: Connection, seq: int, limit: int) -> list[Flip]:
    """Rows behind a cursor, as they were written."""
    return [flip_of(row) for row in conn.execute(select(t).where(t.c.seq > seq).order_by(t.c.seq).limit(limit))]


def effective(conn: Connection, subjects: Iterable[str], from_ms: int, to_ms: int) -> dict[str, list[Flip]]:
    """For each subject the flips that hold, in order of time: the last before `from_ms`, and all up to `to_ms`."""
    found: dict[str, list[Flip]] = {key: [] for key in subjects}
    for flip in (*_last_before(conn, list(found), from_ms), *_within(conn, list(found), from_ms, to_ms)):
        found[flip.subject].append(flip)
    return found


def history_of(conn: Connection, key: str, limit: int) -> list[Flip]:
    """Every row of one subject, revised and retracted ones too, the last recorded first."""
    rows = conn.execute(select(t).where(t.c.subject == key).order_by(t.c.seq.desc()).limit(limit))
    return [flip_of(row) for row in rows]


def since(conn: Connection, from_ms: int) -> dict[str, list[Flip]]:
    """For every subject that has some: the flips that hold from a moment on, after the last one before it."""
    found: dict[str, list[Flip]] = {}
    for query in (_EVERY_LAST_BEFORE, _EVERY_FROM):
        for row in conn.execute(query, {"first": from_ms}):
            found.setdefault(row.subject, []).append(flip_of(row))
    return found


def newest(conn: Connection, centre: str | None) -> dict[str, Flip]:
    """The flip that holds now of every subject, of one centre or of all; those without one are left out."""
    rows = conn.execute(_HELD) if centre is None else conn.execute(_HELD_AT, {"centre": centre})
    return {row.subject: flip_of(row) for row in rows}


def newest_of(conn: Connection, subjects: Sequence[str]) -> dict[str, Flip]:
    """The flip that holds now of each of these subjects; those without one are left out."""
    return {row.subject: flip_of(row) for row in conn.execute(_NEWEST_OF, {"subjects": subjects})}


# Built once: the judge asks these for every centre, and building costs more than asking.
_SUBJECTS: Final[BindParameter[str]] = bindparam("subjects", expanding=True)
_WITHIN: Final = (
    select(t)
    .where(t.c.subject.in_(_SUBJECTS), t.c.at_ms >= bindparam("first"), t.c.at_ms <= bindparam("last"), EFFECTIVE)
    .order_by(t.c.at_ms, t.c.seq)
)
_NEWEST: Final = (
    select(t.c.seq)
    .where(t.c.subject == subject.c.key, t.c.at_ms < bindparam("first"), EFFECTIVE)
    .order_by(t.c.at_ms.desc(), t.c.seq.desc())
    .limit(1)
    .correlate(subject)
    .scalar_subquery()
)
LATEST: Final = (
    select(t.c.seq)
    .where(t.c.subject == subject.c.key, EFFECTIVE)
    .order_by(t.c.at_ms.desc(), t.c.seq.desc())
    .limit(1)
    .correlate(subject)
    .scalar_subquery()
)
"""The sequence of the flip that holds now, of a row of `subject` around it."""
_HELD: Final = select(t).where(t.c.seq.in_(select(LATEST).select_from(subject)))
_HELD_AT: Final = select(t).where(
    t.c.seq.in_(select(LATEST).select_from(subject).where(subject.c.centre == bindparam("centre")))
)
_NEWEST_OF: Final = select(t).where(t.c.seq.in_(select(LATEST).where(subject.c.key.in_(_SUBJECTS))))
_LAST_BEFORE: Final = select(t).where(t.c.seq.in_(select(_NEWEST).where(subject.c.key.in_(_SUBJECTS))))
_EVERY_LAST_BEFORE: Final = select(t).where(t.c.seq.in_(select(_NEWEST).select_from(subject)))
_EVERY_FROM: Final = select(t).where(t.c.at_ms >= bindparam("first"), EFFECTIVE).order_by(t.c.at_ms, t.c.seq)
_SAID_BEFORE: Final = _LAST_BEFORE.with_only_columns(t.c.subject, t.c.reason)
_SAID_WITHIN: Final = _WITHIN.with_only_columns(t.c.subject, t.c.reason).order_by(None)
_AT_ONCE: Final = 400


def doubtful(conn: Connection, subjects: Sequence[str], from_ms: int, to_ms: int, reasons: Collection[str]) -> set[str]:
    """Those of these subjects that have no flip yet, or one of these reasons at some time from `from_ms` to `to_ms`."""
    found = set[str]()
    for n in range(0, len(subjects), _AT_ONCE):
        part = subjects[n : n + _AT_ONCE]
        given = {"subjects": part, "first": from_ms, "last": to_ms}
        held = dict(conn.execute(_SAID_BEFORE, given).all())
        found |= set(part) - held.keys()
        said = (*held.items(), *conn.execute(_SAID_WITHIN, given).all())
        found |= {key for key, reason in said if reason in reasons}
    return found


def _within(conn: Connection, subjects: Sequence[str], from_ms: int, to_ms: int) -> list[Flip]:
    given = {"subjects": subjects, "first": from_ms, "last": to_ms}
    return [flip_of(row) for row in conn.execute(_WITHIN, given)]


def _last_before(conn: Connection, subjects: Sequence[str], at_ms: int) -> list[Flip]:
    return [flip_of(row) for row in conn.execute(_LAST_BEFORE, {"subjects": subjects, "first": at_ms})]


_PUT: Final = (
    "INSERT INTO flip (subject, at_ms, from_state, to_state, reason, detail, policy_version, evidence, recorded_ms,"
    " supersedes) VALUES (?,?,?,?,?,?,?,?,?,?)"
)


def write(conn: Connection, edits: Sequence[Edit], now_ms: int) -> None:
    """Append edits as they were judged at `now_ms`."""
    put_rows(conn, _PUT, [_row(edit, now_ms) for edit in edits])


def _row(edit: Edit, now_ms: int) -> tuple[object, ...]:
    return (
        edit.subject, edit.at, edit.from_state, edit.to, edit.reason, _ENCODER.encode(edit.detail).decode(),
        edit.policy, _ENCODER.encode(edit.evidence).decode(), now_ms, edit.supersedes,
    )  # fmt: skip
