"""From rows of the inbox to what of which centre is to be judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from collector.courtesy import Courtesy
from collector.judge.facts import Fact
from collector.judge.timeline import Span
from collector.judging.agenda import Agenda, Watch
from collector.judging.casebook import Casebook
from collector.judging.views import affected
from collector.register.places import Place, Places
from collector.store.bodies import InboxRow, read_rows

ROWS: Final = 500
"""Rows read at once: their bodies are let go of before the next."""

READS: Final = 4
"""Reads a step, while there is more: a centre that is catching up is judged once for 20 minutes of a hundred, not 5."""

MOST_READS: Final = 20
"""Reads a step where one step after the other left more: what is around a span is judged again with it, and the end of
what is known so far is told and taken back. In steps of 20 minutes, three days of a hundred centres took hours."""


@dataclass(frozen=True, slots=True)
class Read:
    """How far the inbox was read, the newest moment in it, and whether there may be more."""

    seq: int
    newest: int
    more: bool


@dataclass(frozen=True, slots=True)
class Intake:
    """Puts on the agenda what rows disturb; what is at rest takes them in and is looked at when it goes stale."""

    courtesy: Courtesy
    places: Places
    book: Casebook
    watch: Watch
    agenda: Agenda

    def read(self, conn: Connection, seq: int, reads: int = READS) -> Read:
        """The next rows behind `seq`, in so many reads at most."""
        newest = 0
        for _ in range(reads):
            rows = read_rows(conn, seq, ROWS)
            newest = max(newest, self._take(conn, rows))
            seq = rows[-1].seq if rows else seq
            if len(rows) < ROWS:
                return Read(seq, newest, more=False)
        return Read(seq, newest, more=True)

    def _take(self, conn: Connection, rows: Sequence[InboxRow]) -> int:
        """The newest moment in these rows."""
        newest = 0
        seen: dict[str, Span] = {}
        for row in rows:
            self.courtesy.after_you()
            centres = self.places.centres_of(conn, row.agent)
            if not centres:
                continue
            place = self._place(conn, centres[0], row.agent)
            facts = self.book.take(row, place)
            self._disturb(conn, centres, facts)
            newest = max(newest, max((fact.at for fact in facts), default=0))
            if row.agent in place.watches:
                before = seen.get(row.agent, Span(row.at_min_ms, row.at_max_ms))
                seen[row.agent] = Span(min(before.start, row.at_min_ms), max(before.end, row.at_max_ms))
                newest = max(newest, row.at_max_ms)
        for name, span in seen.items():
            for centre in affected(conn, self.places.vantages(conn), name, span, self.book.policies):
                self.agenda.touch(centre, span.start, span.end)
        return newest

    def _disturb(self, conn: Connection, centres: Sequence[str], facts: Sequence[Fact]) -> None:
        by_centre: dict[str, list[Fact]] = {}
        for fact in facts:
            by_centre.setdefault(self.places.where(conn, fact.subject, centres), []).append(fact)
        for centre, its in by_centre.items():
            place = self.places.at(conn, centre)
            parts = self.book.parts(place)
            disturbed, rested = self.book.rests.sorted(place, parts, its)
            only = None if parts[0] in disturbed else disturbed
            if disturbed:
                times = [fact.at for fact in its]
                self.agenda.touch(centre, min(times), max(times), only=only)
            for part in rested:
                self.watch.postpone(centre, part.keys, self.book.rests.due_ms(place, part, self.watch.cut_ms))

    def _place(self, conn: Connection, centre: str, name: str) -> Place:
        place = self.places.at(conn, centre)
        if name not in place.plans:  # enrolled since the place was read
            self.places.forget()
            place = self.places.at(conn, centre)
        return place
