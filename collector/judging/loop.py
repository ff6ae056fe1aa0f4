"""The judge's loop: what came into the inbox, who fell silent and what time made stale become flips.

One step reads rows behind the cursor `judge`, judges every centre they touch once, however many rows there are, and
writes flips and cursor in one transaction. A step cut short anywhere is done again and changes nothing it had done.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, insert, select, update

from collector.hub import Hub
from collector.judge.edits import Edit
from collector.judge.timeline import Span
from collector.judging import flips
from collector.judging.agenda import Agenda, Watch
from collector.judging.casebook import Casebook
from collector.judging.flips import CursorMoved
from collector.judging.intake import MOST_READS, READS, Intake
from collector.judging.policy import Policies, newest_number, read_policies
from collector.judging.round import Due, Round, Times
from collector.judging.shared import SharedServices
from collector.judging.versions import keep_file
from collector.loops import Loop
from collector.register import presence
from collector.register.places import Places
from collector.store.tables import agent, cursor

_log = logging.getLogger(__name__)

NAME: Final = "judge"
EDITS_A_JOB: Final = 400
REST_S: Final = 1.0  # between looks at what comes all the time
IDLE_S: Final = 5.0
"""The promise: what is due is seen within this."""

TAKEN_UP_WITHIN_MS: Final = 60_000
"""A judge that ended this soon after a policy was set may have judged by the old one; what it told is judged anew."""

_WRITTEN_LATE_MS: Final = 3_000


@dataclass(frozen=True, slots=True)
class _Moves:
    """Where the cursor goes, and whose silence is judged in."""

    seq: int
    agents: list[str]


class Judge:
    """`step()` judges what there is to judge, a bounded part of it, and returns the seconds until the next."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._places = Places()
        self._book: Casebook | None = None
        self._watch: Watch | None = None
        self._seq, self._reads = 0, READS
        self._anew: Span | None = None  # told under a policy that was no longer in force
        self._shared = SharedServices(hub.store)
        hub.on("register", self._places.forget)
        hub.on("register", self._shared.forget)

    def loop(self) -> Loop:
        return Loop(NAME, "judge", self.step, wakes_on="inbox", single=True, rest_s=REST_S)

    def step(self) -> float:
        now_ms = self._hub.clock.wall_ms()
        book, watch = self._ready(now_ms)
        try:
            more = self._step(book, watch, now_ms)
        except Exception:
            self._watch = None  # it remembers as seen what was not judged
            self._shared.reset()
            raise
        return 0.0 if more else IDLE_S

    def _step(self, book: Casebook, watch: Watch, now_ms: int) -> bool:
        agenda = Agenda()
        book.views.begin()
        with self._hub.store.reading() as conn:
            self._places.refresh(conn)
            book.refresh(conn)
            intake = Intake(self._hub.courtesy, self._places, book, watch, agenda)
            read = intake.read(conn, self._seq, self._reads)
            late = watch.look(conn, agenda, now_ms=now_ms, caught_up=not read.more)
            if self._anew is not None:
                for centre in conn.scalars(select(agent.c.centre).distinct()):
                    agenda.touch(centre, self._anew.start, self._anew.end, timed=True)
        self._reads = min(2 * self._reads, MOST_READS) if read.more else READS
        moves = _Moves(read.seq, late)
        told = self._judge(agenda, book, watch, Times(now_ms, max(now_ms, read.newest)))
        self._finish(told, moves, now_ms)
        watch.noticed(late)
        if self._anew is not None:
            self._shared.touch_all(self._anew)
        self._anew = None
        if self._shared.judge(book.policies, now_ms):
            self._hub.wake("flips")
        return read.more

    # --- beginning --------------------------------------------------------------------------------------------------

    def _ready(self, now_ms: int) -> tuple[Casebook, Watch]:
        """The book and the watch, made anew where another process judged in between."""
        with self._hub.store.reading() as conn:
            row = conn.execute(select(cursor.c.seq, cursor.c.moved_ms).where(cursor.c.name == NAME)).first()
            newest = newest_number(conn)
        if self._book is None or self._watch is None or row is None or row.seq != self._seq:
            self._seq, since_ms = (0, 0) if row is None else (row.seq, row.moved_ms)
            policies = self._hub.store.writer.do(lambda conn: self._begin(conn, now_ms))
            self._book, self._watch = Casebook(policies, self._places), Watch(self._places, policies, since_ms)
            self._places.forget()
            self._shared.reset()
            self._anew = _unsure(policies, since_ms)
            with self._hub.store.reading() as conn:
                self._watch.start(conn)
        elif newest != self._book.policies.versions[-1].number:
            self._take_up(self._book.policies.versions[-1].number, self._watch, now_ms)
        return self._book, self._watch

    def _take_up(self, known: int, watch: Watch, now_ms: int) -> None:
        """Somebody set a policy: judge by it from its moment on, also what was told since then."""
        with self._hub.store.reading() as conn:
            policies = read_policies(conn)
        since = min(version.from_ms for version in policies.versions if version.number > known)
        self._book, watch.policies = Casebook(policies, self._places), policies
        self._anew = Span(min(since, now_ms), now_ms)
        _log.info("policy taken up: version=%d from=%d", policies.versions[-1].number, since)

    def _begin(self, conn: Connection, now_ms: int) -> Policies:
        policies, name = keep_file(conn, self._hub.settings.home, now_ms)
        _log.info("judging: policy=%s version=%d after=%d", name, policies.versions[-1].number, self._seq)
        if conn.scalar(select(cursor.c.name).where(cursor.c.name == NAME)) is None:
            conn.execute(insert(cursor).values(name=NAME, seq=0, moved_ms=now_ms))
        return policies

    # --- judging ----------------------------------------------------------------------------------------------------

    def _judge(self, agenda: Agenda, book: Casebook, watch: Watch, times: Times) -> list[Edit]:
        """Judge the agenda; every round but the last is written here, the edits of the last are returned."""
        told: list[Edit] = []
        for spans in agenda.rounds():
            self._write(told, _Moves(self._seq, []), times.now)
            due = [Due(centre, span, centre in agenda.timed, agenda.only.get(centre)) for centre, span in spans.items()]
            with self._hub.store.reading() as conn:
                verdicts = list(Round(conn, book, self._places, times, self._hub.courtesy).judge(due))
            for verdict in verdicts:
                for settled in verdict.settled:
                    if settled.span.end >= times.edge:
                        watch.expect(verdict.centre, settled.part.keys, settled.case, times.edge)
                for note in verdict.services:
                    self._shared.note(*note)
            told = [edit for verdict in verdicts for edit in verdict.edits]
        return told

    # --- writing ----------------------------------------------------------------------------------------------------

    def _finish(self, told: list[Edit], moves: _Moves, now_ms: int) -> None:
        if told or moves.agents or moves.seq != self._seq:
            self._write(told, moves, now_ms, last=True)

    def _write(self, told: list[Edit], moves: _Moves, now_ms: int, *, last: bool = False) -> None:
        """Write edits in jobs of a bounded size; what `moves` says goes with the last of them."""
        if not told and not last:
            return
        parts = [told[n : n + EDITS_A_JOB] for n in range(0, len(told), EDITS_A_JOB)] or [[]]
        for part in parts[:-1]:
            self._commit(part, _Moves(self._seq, []), now_ms)
        self._commit(parts[-1], moves, now_ms)
        if told:
            self._hub.wake("flips")

    def _commit(self, part: list[Edit], moves: _Moves, now_ms: int) -> None:
        old = self._seq

        def job(conn: Connection) -> None:
            mine = update(cursor).where(cursor.c.name == NAME, cursor.c.seq == old)
            if conn.execute(mine.values(seq=moves.seq, moved_ms=now_ms).returning(cursor.c.seq)).first() is None:
                raise CursorMoved(f"the judge's cursor is no longer at {old}")
            flips.write(conn, part, now_ms)
            if moves.agents:
                presence.noticed(conn, moves.agents, now_ms)

        self._hub.store.writer.do(job)
        self._seq = moves.seq


def _unsure(policies: Policies, since_ms: int) -> Span | None:
    """What the judge that wrote last, at `since_ms`, may have told without knowing the newest policy."""
    newest = policies.versions[-1].from_ms
    soon = -_WRITTEN_LATE_MS <= since_ms - newest <= TAKEN_UP_WITHIN_MS
    return Span(newest, max(newest, since_ms)) if soon and len(policies.versions) > 1 else None
