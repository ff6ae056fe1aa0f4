"""Lines compared: valid tests against contracts, by line and by carrier; and lines that nothing proved to work lately.

Two questions to history for all lines of the country; everything else is in memory or a column of the inventory.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from statistics import median
from typing import Final

from sqlalchemy import BigInteger, Connection, Select, bindparam, cast, func, select

from collector.api import (
    NEVER_TESTED,
    NO_CONTRACT,
    CarrierRank,
    LineInfo,
    LineRank,
    Ranking,
    Spread,
    Unproved,
    Use,
)
from collector.history.buckets import DAY_MS, day_text
from collector.history.lines import VALID
from collector.judge.use import Week
from collector.judging.flips import EFFECTIVE
from collector.register.contracts import unreachable_by
from collector.store.line_tables import line_test, use_week
from collector.store.tables import flip, latest
from collector.store.whole import Whole

NOT_MEASURABLE: Final = "not_measurable"
WEEKS_MS: Final = 3 * DAY_MS
"""A week of use that ended longer before the end of the span is not that of now."""

_AT_ONCE: Final = 400

_Test = tuple[str, str, int, int | None, int | None]
_t = line_test.c
_TESTS: Final = Whole(
    # Whole bits a second: to write and read a quarter of a million fractions takes longer than all the rest.
    select(_t.subject, _t.stamp, _t.at_ms, cast(_t.download_bps, BigInteger), cast(_t.upload_bps, BigInteger)).where(
        _t.at_ms >= bindparam("first"), _t.at_ms < bindparam("last")
    ),
    list[_Test],
)
_w = use_week.c
_WEEKS: Final = Whole(
    select(_w.subject, _w.day_ms, _w.receive_bps, _w.transmit_bps, _w.samples, _w.days).where(
        _w.day_ms >= bindparam("first"), _w.day_ms < bindparam("last"), _w.samples > 0
    ),
    list[tuple[str, int, float, float, int, int]],
)
_ANSWERED: Final = Whole(
    select(latest.c.subject, func.max(latest.c.at_ms))
    .where(latest.c.subject >= "line:", latest.c.subject < "line;")
    .where(latest.c.probe == "reach", latest.c.outcome == "ok")
    .group_by(latest.c.subject),
    list[tuple[str, int]],
)
_PROVED: Final = (
    select(_t.subject, func.max(_t.at_ms))
    .where(_t.subject.in_(bindparam("subjects", expanding=True)), _t.stamp == VALID)
    .group_by(_t.subject)
)
_WORKED: Final = (
    select(flip.c.subject, func.max(flip.c.at_ms))
    .where(flip.c.subject.in_(bindparam("subjects", expanding=True)), EFFECTIVE)
    .where(flip.c.from_state.in_(("ok", "degraded")))
    .group_by(flip.c.subject)
)


@dataclass(frozen=True, slots=True)
class _Tests:
    """What was tested of one line."""

    downloads: Sequence[float]
    uploads: Sequence[float]
    valid: int
    newest_ms: int | None
    invalid: Counter[str]


def _tests(rows: Sequence[_Test]) -> _Tests:
    valid = [row for row in rows if row[1] == VALID]
    return _Tests(
        [row[3] for row in valid if row[3] is not None], [row[4] for row in valid if row[4] is not None], len(valid),
        max((row[2] for row in valid), default=None), Counter(row[1] for row in rows if row[1] != VALID),
    )  # fmt: skip


# --- ranking --------------------------------------------------------------------------------------------------------


def read_ranking(
    conn: Connection, lines: Iterable[tuple[str, LineInfo]], from_ms: int, to_ms: int, due: float
) -> Ranking:
    """`lines` with the keys of their centres; `due`: the share of the contract that is."""
    tests: dict[str, list[_Test]] = defaultdict(list)
    for row in _TESTS.read(conn, first=from_ms, last=to_ms):
        tests[row[0]].append(row)
    weeks: dict[str, Week] = {}
    for key, day_ms, receive, transmit, samples, days in sorted(
        _WEEKS.read(conn, first=to_ms - WEEKS_MS, last=to_ms), key=itemgetter(1)
    ):
        weeks[key] = Week(day_ms + DAY_MS, receive, transmit, samples, days)
    ranks = [_rank(centre, one, _tests(tests.get(one.key, ())), weeks.get(one.key), due) for centre, one in lines]
    return Ranking(from_ms, to_ms, due, tuple(sorted(ranks, key=_worst_first)), tuple(_carriers(ranks)))


def _rank(centre: str, line: LineInfo, tests: _Tests, week: Week | None, due: float) -> LineRank:
    download, upload = _spread(tests.downloads), _spread(tests.uploads)
    share = download.median_bps / line.contract_bps if download and line.contract_bps else None
    return LineRank(
        line.key, centre, line.kind, line.carrier, line.contract_bps, download, upload, share,
        share is not None and share < due, tests.valid, dict(tests.invalid), tests.newest_ms,
        None if week is None else use_of(week), "" if share is not None else _why(line, tests),
    )  # fmt: skip


def use_of(week: Week) -> Use:
    """A week of use as the door hands it over."""
    return Use(day_text(week.end - DAY_MS), week.receive_bps, week.transmit_bps, week.coverage)


def _spread(speeds: Sequence[float]) -> Spread | None:
    return Spread(median(speeds), min(speeds), max(speeds)) if speeds else None


def _why(line: LineInfo, tests: _Tests) -> str:
    """Why there is no share."""
    if tests.downloads:
        return NO_CONTRACT
    if tests.invalid:
        return min(tests.invalid, key=lambda stamp: (-tests.invalid[stamp], stamp))
    return NOT_MEASURABLE if unreachable_by(line.reach_by) else NEVER_TESTED


def _worst_first(rank: LineRank) -> tuple[bool, float, str]:
    return rank.share is None, rank.share or 0.0, rank.line


def _carriers(ranks: Iterable[LineRank]) -> list[CarrierRank]:
    by_carrier: dict[str, list[LineRank]] = {}
    for rank in ranks:
        by_carrier.setdefault(rank.carrier, []).append(rank)
    found = [_carrier(name, mine) for name, mine in by_carrier.items()]
    return sorted(found, key=lambda one: (one.median_share is None, one.median_share or 0.0, one.carrier))


def _carrier(name: str, ranks: Sequence[LineRank]) -> CarrierRank:
    shares = [rank.share for rank in ranks if rank.share is not None]
    below = sum(rank.below for rank in ranks)
    return CarrierRank(name, len(ranks), len(shares), below, median(shares) if shares else None)


# --- what is not proved ---------------------------------------------------------------------------------------------


def answered(conn: Connection) -> dict[str, int]:
    """Line → the newest train of it that came back, of those whose newest did."""
    return dict(_ANSWERED.read(conn))


def tested(conn: Connection, lines: Sequence[str]) -> dict[str, int]:
    """Line → its newest valid test."""
    return _asked(conn, _PROVED, lines)


def worked(conn: Connection, lines: Sequence[str]) -> dict[str, int]:
    """Line → when it last stopped to be well, or was told otherwise so."""
    return _asked(conn, _WORKED, lines)


def _asked(conn: Connection, query: Select[str, int], lines: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for n in range(0, len(lines), _AT_ONCE):
        rows = conn.execute(query, {"subjects": lines[n : n + _AT_ONCE]})
        found |= {row[0]: row[1] for row in rows}
    return found


def unproved(
    lines: Iterable[tuple[str, LineInfo]], proofs: Sequence[Mapping[str, int]], since_ms: int
) -> list[Unproved]:
    """Those of `lines` that none of `proofs` shows to have worked since a moment; never proved ones first."""
    found: list[Unproved] = []
    for centre, line in lines:
        proved_ms = max((proof[line.key] for proof in proofs if line.key in proof), default=None)
        if proved_ms is None or proved_ms < since_ms:
            why = NOT_MEASURABLE if unreachable_by(line.reach_by) else ""
            found.append(Unproved(line.key, centre, line.kind, line.carrier, proved_ms, why))
    return sorted(found, key=lambda one: (one.proved_ms or 0, one.line))
