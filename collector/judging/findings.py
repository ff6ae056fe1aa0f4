"""Findings in the store: append-only rows, of which the newest of a subject, a reason and a beginning holds.

`Findings` keeps those that hold in memory: a province has a few hundred, and the judge asks for them with every case.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, insert, select

from collector.judge.findings import Finding, Look, found
from collector.judge.timeline import ALWAYS, Span
from collector.store.line_tables import finding as t

_DETAIL: Final = msgspec.json.Decoder(dict[str, str | float | int])
_IDS: Final = msgspec.json.Decoder(list[str])
_JSON: Final = msgspec.json.Encoder()

Rows = list[dict[str, object]]


@dataclass(slots=True)
class Findings:
    """What holds, by subject; `refresh` takes in what was recorded since."""

    _seq: int = 0
    _held: dict[str, dict[tuple[str, int], Finding]] = field(default_factory=dict)

    def refresh(self, conn: Connection) -> None:
        """Take in what others recorded."""
        for row in conn.execute(select(t).where(t.c.id > self._seq).order_by(t.c.id)):
            self._seq = row.id
            _hold(self._held.setdefault(row.subject, {}), row)

    def of(self, subjects: Iterable[str]) -> dict[str, list[Finding]]:
        """What was found of these subjects, in order; those without a finding are left out."""
        mine = ((key, self._held[key]) for key in subjects if key in self._held)
        return {key: sorted(held.values(), key=lambda one: one.span.start) for key, held in mine if held}


def recorded_since(conn: Connection, at_ms: int) -> list[tuple[str, Span]]:
    """The subjects of which something was recorded since a moment, and where they are told otherwise by it."""
    query = select(t.c.subject, t.c.changed_from_ms, t.c.changed_to_ms).where(t.c.recorded_ms >= at_ms)
    return [(key, Span(a, ALWAYS if b is None else b)) for key, a, b in conn.execute(query.order_by(t.c.id))]


def held_of(conn: Connection, subject: str, reason: str) -> list[Finding]:
    """What holds of one subject for one reason, in order."""
    held: dict[tuple[str, int], Finding] = {}
    for row in conn.execute(select(t).where(t.c.subject == subject, t.c.reason == reason).order_by(t.c.id)):
        _hold(held, row)
    return sorted(held.values(), key=lambda one: one.span.start)


def changes(conn: Connection, subject: str, reason: str, looks: Sequence[Look], now_ms: int) -> Rows:
    """The rows that put on record what `looks` lead to, in order and up to now; none where nothing differs.

    From the first of them on nothing else holds.
    """
    if not looks:
        return []
    since, held = looks[0].at, held_of(conn, subject, reason)
    before = next((one for one in held if one.span.start < since <= one.span.end), None)
    old = {one.span.start: one for one in held if one is before or one.span.start >= since}
    new = {one.span.start: one for one in found(reason, looks, before)}
    return [_row(subject, change, now_ms) for change in _changes(old, new)]


def record(conn: Connection, rows: Rows) -> None:
    """Put `changes` on record."""
    conn.execute(insert(t), rows)


def _changes(old: dict[int, Finding], new: dict[int, Finding]) -> Iterator[tuple[Finding, Span]]:
    """What to append, each with the time in which it tells something else."""
    for at in sorted({*old, *new}):
        was, now = old.get(at), new.get(at)
        if now is None and was is not None:
            yield Finding(was.reason, Span(at, at), was.detail, was.evidence), was.span
        elif now is not None and now != was:
            ends = sorted((now.span.end, at if was is None else was.span.end))
            same = was is not None and (was.detail, was.evidence) == (now.detail, now.evidence)
            yield now, Span(ends[0] if same else at, ends[1])


def _row(subject: str, change: tuple[Finding, Span], now_ms: int) -> dict[str, object]:
    one, changed = change
    return {
        "subject": subject, "reason": one.reason, "from_ms": one.span.start, "to_ms": _end(one.span),
        "detail": _text(one.detail), "evidence": _text(one.evidence), "ended": _text(one.ended),
        "changed_from_ms": changed.start, "changed_to_ms": _end(changed), "recorded_ms": now_ms,
    }  # fmt: skip


def _hold(held: dict[tuple[str, int], Finding], row: Row[Any]) -> None:
    key = (row.reason, row.from_ms)
    if row.to_ms == row.from_ms:
        held.pop(key, None)
        return
    span = Span(row.from_ms, ALWAYS if row.to_ms is None else row.to_ms)
    evidence, ended = tuple(_IDS.decode(row.evidence)), tuple(_IDS.decode(row.ended))
    held[key] = Finding(row.reason, span, _DETAIL.decode(row.detail), evidence, ended)


def _end(span: Span) -> int | None:
    return None if span.end >= ALWAYS else span.end


def _text(value: object) -> str:
    return _JSON.encode(value).decode()
