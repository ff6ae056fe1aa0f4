"""What is found of lines from more than bodies hold: their tests against the contract, their use over days.

History notes what is to be looked at: a test, or a local day in which use was measured, whenever it comes. Each is
looked at here once it is there, from what history keeps, and what follows is recorded as findings, which the judge
lays over what trains tell. Done again after a crash it changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

from sqlalchemy import Connection, delete, func, select

from collector.history.buckets import DAY_MS, start_of
from collector.history.lines import TEST, USE, VALID, put_due
from collector.hub import Hub
from collector.judge.findings import NOT_MEASURABLE, Look
from collector.judge.speed import BELOW, Contract, Valid, speed_looks
from collector.judge.use import FULL, use_looks
from collector.judging.findings import changes, record
from collector.judging.policy import Policies, newest_number, read_policies
from collector.judging.weeks import put_weeks, read_week, weeks_of
from collector.loops import Loop
from collector.register.contracts import Lines, read_lines
from collector.store.inventory_tables import import_run
from collector.store.line_tables import line_due, line_test, use_week

NAME: Final = "lines"
LINES_A_STEP: Final = 40
SETTLE_MS: Final = 15 * 60_000
"""A day's use is looked at so long after it is over: the last samples of it are on their way."""

KEEP_MS: Final = 400 * DAY_MS
FORGET_MS: Final = 3_600_000
ROWS_A_BITE: Final = 2_000
PACE_S: Final = 0.5
"""Between two steps through the lines of a night: nobody waits for them."""

IDLE_S: Final = 60.0
REST_S: Final = 5.0
_ANEW_MS: Final = 3_600_000
"""A line that was unreachable before anybody recorded it is told so from so long ago at most."""

Due = tuple[int, str, int]
"""Moment, line, touched."""


class LineFindings:
    """`step()` looks at a bounded number of lines."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._policies: Policies | None = None
        self._lines = Lines({}, {}, {})
        self._imported: int | None = None
        self._forget_at_ms = 0

    def loop(self) -> Loop:
        return Loop(NAME, "judge", self.step, wakes_on="history", single=True, rest_s=REST_S)

    def step(self) -> float:
        now_ms = self._hub.clock.wall_ms()
        if not self._ready(now_ms):
            return IDLE_S
        tests, days = self._due(TEST, now_ms), self._due(USE, now_ms - DAY_MS - SETTLE_MS)
        told = sum(self._test(line, since, now_ms) for line, since in _first(tests))
        told += sum(self._use(line, day, now_ms) for line, day in _first(days))
        self._done(TEST, tests)
        self._done(USE, days)
        if told:
            self._hub.wake("inbox")  # the judge looks at findings, too
        if len(tests) >= LINES_A_STEP or self._forget(now_ms):
            return 0.0
        return PACE_S if len(days) >= LINES_A_STEP else IDLE_S

    # --- what it knows ----------------------------------------------------------------------------------------------

    def _ready(self, now_ms: int) -> bool:
        """Whether there is a policy; takes in a new one, and what an import changed."""
        with self._hub.store.reading() as conn:
            newest = newest_number(conn)
            if not newest:
                return False
            if self._policies is None or self._policies.versions[-1].number != newest:
                self._policies = read_policies(conn)
            imported: int = conn.scalar(select(func.max(import_run.c.id))) or 0
            if imported == self._imported:
                return True
            self._lines = read_lines(conn)
        self._unreachable(now_ms)
        self._imported = imported
        return True

    def _unreachable(self, now_ms: int) -> None:
        """Lines that nothing at their centre can send by alone, as the inventory says, and those that were."""
        told = 0
        for line, spans in self._lines.unreachable.items():
            looks = [Look(at, holds=holds) for span in spans for at, holds in ((span.start, True), (span.end, False))]
            begun = [look for look in looks if look.at <= now_ms]
            told += self._record(line, NOT_MEASURABLE, _recent(begun, now_ms), now_ms)
        if told:
            self._hub.wake("inbox")

    @property
    def _known(self) -> Policies:
        assert self._policies is not None  # noqa: S101  # asked only once it is ready
        return self._policies

    def _contracts(self, line: str) -> Sequence[Contract]:
        return self._lines.contracts.get(line, ())

    # --- tests ------------------------------------------------------------------------------------------------------

    def _test(self, line: str, since: int, now_ms: int) -> int:
        enough = max(version.policy.bandwidth.tests for version in self._known.versions)
        with self._hub.store.reading_ts() as conn:
            tests = _tests(conn, line, since, enough)
        looks = speed_looks(tests, self._contracts(line), self._known, since)
        return self._record(line, BELOW, looks, now_ms)

    # --- use --------------------------------------------------------------------------------------------------------

    def _use(self, line: str, first: int, now_ms: int) -> int:
        """Weeks that hold the day `first`, and all later ones as they are kept."""
        last = start_of(now_ms - SETTLE_MS, DAY_MS) - DAY_MS
        rules = [(day, self._known.at(day + DAY_MS - 1).policy.line) for day in range(first, last + 1, DAY_MS)]
        stale = [(day, its) for day, its in rules if day < first + its.full_days * DAY_MS]
        with self._hub.store.reading_ts() as conn:
            read = [read_week(conn, line, day, its.full_days, its.full_percentile) for day, its in stale]
        weeks = [week for week in read if week is not None]
        # A day in which nothing comes is to be looked at, too.
        again = [(USE, w.end, line) for w in weeks if w.end == last + DAY_MS and w.samples]

        def job(conn: Connection) -> None:
            put_weeks(conn, line=line, weeks=weeks)
            put_due(conn, again)

        self._hub.store.ts_writer.do(job)
        with self._hub.store.reading_ts() as conn:
            looks = use_looks(weeks_of(conn, line, first), self._contracts(line), self._known)
        return self._record(line, FULL, looks, now_ms)

    def _record(self, line: str, reason: str, looks: Sequence[Look], now_ms: int) -> int:
        """How many rows were written; nobody else writes any."""
        self._hub.courtesy.after_you()
        with self._hub.store.reading() as conn:
            rows = changes(conn, line, reason, looks, now_ms)
        if rows:
            self._hub.store.writer.do(partial(record, rows=rows))
        return len(rows)

    # --- what is to be done -----------------------------------------------------------------------------------------

    def _due(self, kind: str, until: int) -> list[Due]:
        query = select(line_due.c.at_ms, line_due.c.subject, line_due.c.touched)
        query = query.where(line_due.c.kind == kind, line_due.c.at_ms <= until)
        with self._hub.store.reading_ts() as conn:
            rows = conn.execute(query.order_by(line_due.c.at_ms, line_due.c.subject).limit(LINES_A_STEP))
            return [(at, line, touched) for at, line, touched in rows]

    def _done(self, kind: str, due: Sequence[Due]) -> None:
        """Take away what nobody touched since it was read."""
        if due:
            self._hub.store.ts_writer.do(partial(_take, kind=kind, due=due))

    def _forget(self, now_ms: int) -> bool:
        """Now and then let go of what is too old. True where there is more."""
        if self._forget_at_ms - FORGET_MS <= now_ms < self._forget_at_ms:
            return False
        gone = self._hub.store.ts_writer.do(partial(_delete, before_ms=now_ms - KEEP_MS))
        self._forget_at_ms = now_ms + (0 if gone else FORGET_MS)
        return gone > 0


def _first(due: Sequence[Due]) -> Iterator[tuple[str, int]]:
    """Each line once, with the earliest moment."""
    found: dict[str, int] = {}
    for at, line, _ in due:
        found[line] = min(at, found.get(line, at))
    return iter(found.items())


def _recent(looks: Sequence[Look], now_ms: int) -> list[Look]:
    """A beginning that lies long back is told from a while ago: nobody judges weeks of a centre again for a word."""
    edge = now_ms - _ANEW_MS
    return [Look(max(look.at, edge), look.holds) for look in looks if look.at > edge or look is looks[-1]]


def _tests(conn: Connection, line: str, since: int, enough: int) -> list[Valid]:
    """The valid tests of a line from `since` on, and `enough` before; in order."""
    t = line_test.c
    query = select(t.at_ms, t.observation, t.download_bps).where(t.subject == line, t.stamp == VALID)
    query = query.where(t.download_bps.is_not(None))
    before = query.where(t.at_ms < since).order_by(t.at_ms.desc(), t.observation.desc()).limit(enough)
    rows = [*conn.execute(before), *conn.execute(query.where(t.at_ms >= since))]
    return [Valid(at, id_, bps) for at, id_, bps in sorted(rows, key=lambda row: (row[0], row[1]))]


def _take(conn: Connection, kind: str, due: Sequence[Due]) -> None:
    c = line_due.c
    for at, line, touched in due:
        mine = (c.kind == kind) & (c.at_ms == at) & (c.subject == line) & (c.touched == touched)
        conn.execute(delete(line_due).where(mine))


def _delete(conn: Connection, before_ms: int) -> int:
    gone = 0
    for table, at in ((line_test, line_test.c.at_ms), (use_week, use_week.c.day_ms)):
        old = select(at).where(at < before_ms).order_by(at).limit(ROWS_A_BITE)
        last = max(conn.scalars(old), default=None)
        if last is not None:
            conn.execute(delete(table).where(at <= last))
            gone += 1
    return gone
