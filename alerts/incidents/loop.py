"""The loop of the incidents: flips become a picture, the picture verdicts, verdicts incidents and messages.

One step reads what was flipped behind the cursor `incidents`, looks once, at what that and the time concern, and writes
what differs from what is on record, the cursor last. A step cut anywhere is done again: what it had written it finds,
and only adds what lacks.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from sqlalchemy import Connection, select

from alerts.correlate.limits import Limits, limits
from alerts.desk import Desk, Loop
from alerts.dispatch import Town
from alerts.incidents import rows
from alerts.incidents.drafts import Act, Life
from alerts.incidents.grace import may_wait
from alerts.incidents.ground import Ground
from alerts.incidents.kept import Correlate, Kept
from alerts.incidents.picture import Intake
from alerts.incidents.reconcile import Look, Outcome, reconcile
from alerts.incidents.telling import Teller, town_now
from alerts.incidents.writing import jobs, move_cursor, write_acts
from alerts.tables import alert_cursor
from wire.identity import new_ulid

_log = logging.getLogger(__name__)

NAME: Final = "incidents"
IDLE_S: Final = 5.0
REST_S: Final = 1.0
"""Between looks at what comes all the time."""


class Incidents:
    """`step()` looks once, and returns the seconds until time alone may change something."""

    def __init__(self, desk: Desk, judge: Correlate, *, whole: bool = False) -> None:
        """`whole`: every look judges everything, which says the same."""
        self._desk, self._correlate, self._whole = desk, judge, whole
        self._intake: Intake | None = None
        self._kept = Kept(judge, whole=whole)
        self._seq: int | None = None  # of the cursor as we wrote it; None: there is none yet
        self._ground = Ground(desk.reader)
        self._verdicts = rows.Verdicts()

    def loop(self) -> Loop:
        return Loop(NAME, self.step, wakes_on="flips", rest_s=REST_S)

    def step(self) -> float:
        thresholds = self._thresholds()
        if thresholds is None:  # nobody judged yet, so there is nothing to tell
            return IDLE_S
        held = limits(thresholds)
        now_ms = self._desk.clock.wall_ms()
        intake = self._ready()
        try:
            if intake.take_in(now_ms, held):
                return 0.0
            outcome = self._look(intake, held, now_ms)
            self._write(outcome, intake, Teller(self._town(now_ms), now_ms, thresholds.get("alerts.repair_s")), now_ms)
        except Exception:
            self._intake = None  # what it remembers may not be what is on record
            raise
        next_s = IDLE_S if outcome.next_ms is None else (outcome.next_ms - now_ms) / 1000
        return min(IDLE_S, max(0.05, next_s))

    # --- looking ----------------------------------------------------------------------------------------------------

    def _thresholds(self) -> Mapping[str, float] | None:
        found = self._desk.reader.policies(1)
        return {one.key: one.value for one in found[0].thresholds} if found else None

    def _ready(self) -> Intake:
        """The intake, made anew where another process wrote in between."""
        with self._desk.store.reading() as conn:
            seq: int | None = conn.scalar(select(alert_cursor.c.seq).where(alert_cursor.c.name == NAME))
        if self._intake is None or seq != self._seq:
            self._intake, self._seq = Intake(self._desk.reader, seq or 0), seq
            self._kept = Kept(self._correlate, whole=self._whole)
            _log.info("incidents: after=%d", seq or 0)
        return self._intake

    def _look(self, intake: Intake, held: Limits, now_ms: int) -> Outcome:
        topology = self._ground.topology(now_ms)
        picture, kept = intake.picture(now_ms, topology, held), self._kept
        kept.look(picture, intake.learned())
        look = Look(now_ms, intake.from_ms, held, may_wait(topology, held), partial(new_ulid, now_ms))
        lives = self._lives(look)
        outcome = reconcile(lives, kept.verdicts, look)
        if kept.renew(picture, outcome.acts):
            outcome = reconcile(lives, kept.verdicts, look)
        return outcome

    def _lives(self, look: Look) -> list[Life]:
        with self._desk.store.reading() as conn:
            return rows.lives(conn, look.from_ms, self._verdicts)

    def _town(self, now_ms: int) -> Callable[[], Town]:
        def read() -> Town:
            with self._desk.store.reading() as conn:
                return town_now(self._desk.reader, conn, now_ms)

        return read

    # --- writing ----------------------------------------------------------------------------------------------------

    def _write(self, outcome: Outcome, intake: Intake, teller: Teller, now_ms: int) -> None:
        """Write acts in jobs of a bounded size, and the cursor with the last."""
        acts = [teller.dress(act) for act in outcome.acts]
        if not acts and intake.seq == self._seq:
            return
        parts = list(jobs(acts))
        for part in parts[:-1]:
            self._desk.store.writer.do(_job(part, teller, now_ms))
        last, old, seq = parts[-1], self._seq, intake.seq

        def job(conn: Connection) -> None:
            write_acts(conn, last, teller, now_ms)
            move_cursor(conn, NAME, old, seq, now_ms)

        self._desk.store.writer.do(job)
        self._seq = seq
        if acts:
            self._desk.wake("incidents")
        if any(act.tells for act in acts):
            self._desk.wake("outbox")


def _job(acts: Sequence[Act], teller: Teller, now_ms: int) -> Callable[[Connection], None]:
    return lambda conn: write_acts(conn, acts, teller, now_ms)
