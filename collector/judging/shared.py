"""Shared systems, judged after the centres: whenever a centre's view of one changed, the system is judged again.

Reads the flips of `service:<id>@<centre>` behind the cursor `shared`; while it runs it is told of them as they are
written, and remembers what every place sees, so that 3,321 of them need not be asked for each time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from sqlalchemy import Connection, func, insert, select, update

from collector.api import Flip
from collector.judge.edits import Edit, edits, timeline_of
from collector.judge.shared import Views, settle_shared, touched_by
from collector.judge.timeline import ALWAYS, Span, Timeline
from collector.judging import flips
from collector.judging.flips import CursorMoved
from collector.judging.policy import Policies
from collector.register.places import service_of
from collector.store.databases import Store
from collector.store.tables import cursor, flip, subject

NAME: Final = "shared"
ROOMS: Final = "00000-"
"""Keys of the province's own rooms begin so: what is measured there is seen from the province."""

_EDITS_A_JOB: Final = 400
_AT_ONCE: Final = 400
_KEPT: Final = 100
"""Segments kept of a place's view; more are read again when they are needed."""


@dataclass(frozen=True, slots=True)
class _Tail:
    """What a place sees, complete from `known_from` on."""

    known_from: int
    timeline: Timeline


@dataclass(slots=True)
class SharedServices:
    """`note()` what was told of a centre's services, then `judge()`. `forget()` when the register changed."""

    store: Store
    _seq: int | None = None
    _touched: dict[str, Span] = field(default_factory=dict)
    _places: dict[str, list[str]] | None = None  # service → its subjects at places, of those that are declared
    _tails: dict[str, dict[str, _Tail]] = field(default_factory=dict)

    def forget(self, _topic: str = "") -> None:
        """The register changed: ask again who measures what."""
        self._places = None

    def reset(self) -> None:
        """Somebody else may have written: begin from what is on record."""
        self._seq, self._places = None, None
        self._touched.clear()
        self._tails.clear()

    def note(self, key: str, timeline: Timeline, span: Span, made: Sequence[Edit]) -> None:
        """A place's view was told anew within `span`; `made` are the edits that were written for it."""
        if not made:
            return
        service = service_of(key)
        self.touch(service, touched_by([edit.at for edit in made], timeline))
        tails = self._tails.get(service)
        if tails is not None:
            old = tails.get(key)
            if old is not None and old.known_from < span.start and len(old.timeline.segments) < _KEPT:
                new = timeline.starting(span.start, span.end)
                tails[key] = _Tail(old.known_from, old.timeline.spliced(span.start, span.end, new))
            else:
                tails[key] = _Tail(span.start, timeline)

    def touch(self, service: str, span: Span) -> None:
        """Judge a service again around a span."""
        known = self._touched.get(service, span)
        self._touched[service] = Span(min(span.start, known.start), max(span.end, known.end))

    def touch_all(self, span: Span) -> None:
        """Judge every service again around a span: other rules were in force."""
        with self.store.reading() as conn:
            for service in self._declared(conn):
                self.touch(service, span)

    # --- judging ----------------------------------------------------------------------------------------------------

    def judge(self, policies: Policies, now_ms: int) -> int:
        """Judge what was touched; how many rows were written. Raises CursorMoved."""
        with self.store.reading() as conn:
            if self._seq is None:
                self._seq = self._behind(conn)
            if not self._touched:
                return 0
            places = self._declared(conn)
            made = [
                edit
                for service, span in self._touched.items()
                if service in places
                for edit in self._judge(conn, service, span, policies, now_ms)
            ]
        self._write(made, now_ms)
        self._touched.clear()
        return len(made)

    def _judge(self, conn: Connection, service: str, touched: Span, policies: Policies, now_ms: int) -> list[Edit]:
        key = f"service:{service}"
        held: list[Flip] = []

        def load(start: int) -> tuple[Views, Timeline]:
            held[:] = flips.effective(conn, [key], start, ALWAYS)[key]
            return self._views(conn, service, start), timeline_of(held)

        span, timeline = settle_shared(load, touched, now=now_ms, policies=policies)
        return edits(key, held, timeline, span)

    def _views(self, conn: Connection, service: str, start: int) -> Views:
        tails = self._tails.setdefault(service, {})
        keys = self._declared(conn)[service]
        missing = [key for key in keys if key not in tails or tails[key].known_from > start]
        for part in _chunks(missing):
            for key, rows in flips.effective(conn, part, start, ALWAYS).items():
                tails[key] = _Tail(start, timeline_of(rows))
        rooms = f"service:{service}@{ROOMS}"
        return Views(
            {key: tails[key].timeline for key in keys if not key.startswith(rooms)},
            {key: tails[key].timeline for key in keys if key.startswith(rooms)},
        )

    def _declared(self, conn: Connection) -> Mapping[str, list[str]]:
        if self._places is None:
            keys = list(conn.scalars(select(subject.c.key).where(subject.c.kind == "service")))
            found: dict[str, list[str]] = {service_of(key): [] for key in keys if "@" not in key}
            for key in keys:
                if "@" in key and (service := service_of(key)) in found:
                    found[service].append(key)
            self._places = found
        return self._places

    # --- the cursor -------------------------------------------------------------------------------------------------

    def _behind(self, conn: Connection) -> int:
        """Where the cursor is; what was written behind it is touched."""
        at = conn.scalar(select(cursor.c.seq).where(cursor.c.name == NAME))
        views = flip.c.subject.like("service:%@%")
        first = select(flip.c.subject, func.min(flip.c.at_ms)).where(flip.c.seq > (at or 0), views)
        for key, at_ms in conn.execute(first.group_by(flip.c.subject)):
            self.touch(service_of(key), Span(at_ms, ALWAYS))
        return -1 if at is None else int(at)

    def _write(self, made: Sequence[Edit], now_ms: int) -> None:
        parts = [made[n : n + _EDITS_A_JOB] for n in range(0, len(made), _EDITS_A_JOB)] or [[]]
        for n, part in enumerate(parts):
            self._commit(part, now_ms, last=n + 1 == len(parts))

    def _commit(self, part: Sequence[Edit], now_ms: int, *, last: bool) -> None:
        old = self._seq

        def job(conn: Connection) -> int:
            if conn.scalar(select(cursor.c.seq).where(cursor.c.name == NAME)) is None:
                conn.execute(insert(cursor).values(name=NAME, seq=-1, moved_ms=now_ms))
            flips.write(conn, part, now_ms)
            top = conn.scalar(select(func.max(flip.c.seq))) or 0
            to = top if last else old
            mine = update(cursor).where(cursor.c.name == NAME, cursor.c.seq == old)
            if conn.execute(mine.values(seq=to, moved_ms=now_ms).returning(cursor.c.seq)).first() is None:
                raise CursorMoved("the cursor of the shared systems was moved by somebody else")
            return int(to or 0)

        self._seq = self.store.writer.do(job)


def _chunks(keys: Iterable[str]) -> Iterable[list[str]]:
    every = iter(keys)
    while chunk := list(islice(every, _AT_ONCE)):
        yield chunk
