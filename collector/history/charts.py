"""History asked: raw points in buckets, and how much of what was planned is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import Connection, func, select

from collector.api import Point, Series
from collector.register.places import PlanVersion
from collector.store.tables import raw, serie

WIDTHS_S: Final = (1, 5, 10, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400)
MAX_POINTS: Final = 5_000


def width_ms(from_ms: int, to_ms: int, points: int) -> int:
    """The narrowest bucket of `WIDTHS_S` (beyond them, whole days) that needs at most `points` of them."""
    least_s = (to_ms - from_ms) / 1000 / max(1, min(points, MAX_POINTS))
    days = -(-least_s // 86_400)
    return round(1000 * next((width for width in WIDTHS_S if width >= least_s), days * 86_400))


def read_charts(
    conn: Connection, subject: str, metrics: Sequence[str], *, from_ms: int, to_ms: int, points: int
) -> list[Series]:
    """Series of a subject over [from_ms, to_ms), without coverage; buckets begin at multiples of their width."""
    width = width_ms(from_ms, to_ms, points)
    mine = select(serie).where(serie.c.subject == subject, serie.c.metric.in_(metrics))
    rows = conn.execute(mine.order_by(serie.c.metric, serie.c.target, serie.c.of)).all()
    buckets = _buckets(conn, [row.sid for row in rows], from_ms=from_ms, to_ms=to_ms, width=width)
    return [
        Series(subject, row.metric, row.of, row.target, width / 1000, tuple(buckets.get(row.sid, ())), None)
        for row in rows
    ]


def _buckets(conn: Connection, sids: Sequence[int], *, from_ms: int, to_ms: int, width: int) -> dict[int, list[Point]]:
    number = (raw.c.at_ms // width).label("number")
    value = raw.c.value
    query = (
        select(raw.c.sid, number, func.min(value), func.avg(value), func.max(value), func.count())
        .where(raw.c.sid.in_(sids), raw.c.at_ms >= from_ms, raw.c.at_ms < to_ms)
        .group_by(raw.c.sid, number)
        .order_by(raw.c.sid, number)
    )
    found: dict[int, list[Point]] = {}
    for sid, n, low, mean, high, count in conn.execute(query):
        found.setdefault(sid, []).append(Point(n * width, low, mean, high, count))
    return found


# --- coverage -------------------------------------------------------------------------------------------------------


def read_counts(conn: Connection, subject: str, from_ms: int, to_ms: int) -> dict[str, int]:
    """How many measurements of a subject arrived, by target: as many as its fullest series has points.

    A train that was lost whole has no round trip and was measured all the same.
    """
    query = (
        select(serie.c.target, func.count())
        .join(raw, raw.c.sid == serie.c.sid)
        .where(serie.c.subject == subject, raw.c.at_ms >= from_ms, raw.c.at_ms < to_ms)
        .group_by(serie.c.sid, serie.c.target)
    )
    counts: dict[str, int] = {}
    for target, count in conn.execute(query):
        counts[target] = max(counts.get(target, 0), count)
    return counts


def planned(
    plans: Mapping[str, Sequence[PlanVersion]], subject: str, target: str, *, from_ms: int, to_ms: int
) -> float:
    """How many measurements the plans asked for in [from_ms, to_ms), by the intervals of their versions."""
    return sum(
        _planned(version, subject, target, from_ms, to_ms) for versions in plans.values() for version in versions
    )


def _planned(version: PlanVersion, subject: str, target: str, from_ms: int, to_ms: int) -> float:
    overlap_ms = min(to_ms, version.to_ms or to_ms) - max(from_ms, version.from_ms)
    periods = [ms for (its, _, to), ms in version.periods.items() if (its, to) == (subject, target)]
    return overlap_ms / min(periods) if periods and overlap_ms > 0 else 0.0


def share(arrived: int, asked: float) -> float | None:
    """Coverage: None where nothing was planned; more than was asked for (tasks) is all of it."""
    return None if asked <= 0 else min(1.0, arrived / asked)
