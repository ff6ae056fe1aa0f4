"""Questions about lines answered: the part of `collector.api.Reader` that compares them, over both databases."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import func, select

from collector.api import Carrying, LineInfo, NormCheck, NotFound, Ranking, Unproved
from collector.history.buckets import DAY_MS, day_text
from collector.history.daily import read_days
from collector.hub import Hub
from collector.inventory.keeping import held
from collector.inventory.schema import Body
from collector.judging import flips
from collector.judging.policy import newest_number, read_policies
from collector.reading import norms, ranking
from collector.reading.carrying import Carriers
from collector.reading.intervals import intervals
from collector.reading.inventory import Shelves
from collector.register import retired
from collector.store.tables import latest

MAX_SPAN_MS: Final = 400 * DAY_MS
FRESH_MS: Final = 300_000
"""A ranking moves with a test a line and day: asked again within five minutes, it is the same."""

_USABLE: Final = ("ok", "degraded")
_AT_ONCE: Final = 400


class LineBook:
    """Safe from any thread; what it gives away never changes."""

    def __init__(self, hub: Hub, shelves: Shelves) -> None:
        self._hub, self._shelves = hub, shelves
        self._carriers = Carriers(hub)
        self._lock = threading.Lock()
        self._ranked: tuple[tuple[int, ...], int, Ranking] | None = None

    def carrying(self) -> Mapping[str, Carrying]:
        """See `Reader.carrying`."""
        return self._carriers.now()

    # --- ranking ----------------------------------------------------------------------------------------------------

    def ranking(self, from_ms: int, to_ms: int) -> Ranking:
        """See `Reader.ranking`. A span that moves with the clock is asked for in steps."""
        first, last = (-(-at // FRESH_MS) * FRESH_MS for at in (max(from_ms, to_ms - MAX_SPAN_MS), to_ms))
        now_ms = self._hub.clock.mono_ms()
        with self._hub.store.reading() as conn:
            mark = (first, last, newest_number(conn), self._shelves.imported())
        with self._lock:
            if self._ranked is None or self._ranked[0] != mark or now_ms - self._ranked[1] >= FRESH_MS:
                self._ranked = (mark, now_ms, self._rank(first, last))
            return self._ranked[2]

    def _rank(self, first: int, last: int) -> Ranking:
        lines = self._lines()
        with self._hub.store.reading() as conn:
            due = read_policies(conn).at(last).policy.bandwidth.contract_share
        with self._hub.store.reading_ts() as conn:
            return ranking.read_ranking(conn, lines, first, last, due)

    def _lines(self) -> list[tuple[str, LineInfo]]:
        """Every line in service, with the key of its centre."""
        with self._hub.store.reading() as conn:
            gone = retired.everything(conn).keys()
        every = self._shelves.every_line().items()
        return [
            (centre, line)
            for centre, lines in every
            for line in lines
            if line.key not in gone and f"centre:{centre}" not in gone
        ]

    # --- what is not proved -----------------------------------------------------------------------------------------

    def unproved(self, within_ms: int) -> list[Unproved]:
        """See `Reader.unproved`."""
        lines, since = self._lines(), self._hub.clock.wall_ms() - within_ms
        with self._hub.store.reading_ts() as conn:
            answered = ranking.answered(conn)
            doubtful = [line.key for _, line in lines if answered.get(line.key, 0) < since]
            tested = ranking.tested(conn, doubtful)
        return ranking.unproved(lines, (answered, tested, self._worked(doubtful)), since)

    def _worked(self, keys: Sequence[str]) -> dict[str, int]:
        """When these lines were last judged to work, by trains of which the newest came back no more."""
        with self._hub.store.reading() as conn:
            found = ranking.worked(conn, keys)
            held = [flips.newest_of(conn, keys[n : n + _AT_ONCE]) for n in range(0, len(keys), _AT_ONCE)]
        now = [key for some in held for key, flip in some.items() if flip.to in _USABLE]
        newest = select(latest.c.subject, func.max(latest.c.at_ms)).where(latest.c.probe == "reach")
        with self._hub.store.reading_ts() as conn:
            for n in range(0, len(now), _AT_ONCE):
                some = newest.where(latest.c.subject.in_(now[n : n + _AT_ONCE])).group_by(latest.c.subject)
                found |= {key: max(at, found.get(key, 0)) for key, at in conn.execute(some)}
        return found

    # --- norms ------------------------------------------------------------------------------------------------------

    def norms(self, line: str) -> list[NormCheck]:
        """See `Reader.norms`."""
        centre = line.removeprefix("line:").partition("/")[0]
        info = next((one for one in self._shelves.lines(centre) if one.key == line), None)
        if info is None:
            raise NotFound(f"the inventory knows no {line}")
        now_ms = self._hub.clock.wall_ms()
        with self._hub.store.reading() as conn:
            rows = list(held(conn, ["norms"])["norms"].values())
        return self._checks(norms.applying(rows, info.kind, day_text(now_ms)), info, now_ms)

    def _checks(self, rows: Sequence[Body], info: LineInfo, now_ms: int) -> list[NormCheck]:
        first = now_ms - norms.SPAN_DAYS * DAY_MS
        days = (day_text(first), day_text(now_ms))
        with self._hub.store.reading_ts() as conn:
            found = read_days(conn, info.key, norms.METRICS, *days)
        rank = next((rank for rank in self.ranking(first, now_ms).lines if rank.line == info.key), None)
        with self._hub.store.reading() as conn:
            flown = flips.effective(conn, [info.key], first, now_ms)[info.key]
        return norms.checks(rows, norms.Figures(info, rank, found, intervals(info.key, flown, first, now_ms)))
