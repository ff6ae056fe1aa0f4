"""History asked: points in buckets, from raw or the roll-up that fits, and how much of what was planned is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, Row, func, select

from collector.api import Point, Series
from collector.history.buckets import TIERS, ZONE_MS, Sums, Tier, merged, start_of
from collector.history.marks import first_dirty
from collector.register.places import PlanVersion
from collector.store.tables import raw, serie

WIDTHS_S: Final = (1, 5, 10, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400)
MAX_POINTS: Final = 5_000


@dataclass(frozen=True, slots=True)
class Window:
    """What is read: [from_ms, to_ms) in buckets of `width_ms`, from `tier` (None: raw)."""

    tier: Tier | None
    width_ms: int
    from_ms: int
    to_ms: int


@dataclass(frozen=True, slots=True)
class Charts:
    """Series without coverage; what arrived for each target, and the span it was counted over."""

    series: list[Series]
    counts: Mapping[str, int]
    window: Window


def width_ms(from_ms: int, to_ms: int, points: int) -> int:
    """The narrowest bucket of `WIDTHS_S` (beyond them, whole days) that needs at most `points` of them."""
    least_s = (to_ms - from_ms) / 1000 / max(1, min(points, MAX_POINTS))
    days = -(-least_s // 86_400)
    return round(1000 * next((width for width in WIDTHS_S if width >= least_s), days * 86_400))


def choose(width: int, from_ms: int, to_ms: int, *, whole_ms: int, edges: Mapping[Tier, int]) -> Window:
    """The coarsest source that is fine enough for `width` and reaches back to `from_ms`; else a coarser one.

    `whole_ms`: from when on raw is whole. `edges`: from when on each tier is there. A window over a tier is widened
    to its buckets.
    """
    fine = [tier for tier in TIERS if tier.width_ms <= width]
    if not fine and from_ms >= whole_ms:
        return Window(None, width, from_ms, to_ms)
    usable = TIERS[TIERS.index(fine[-1]) :] if fine else TIERS
    tier = next((t for t in usable if edges[t] <= from_ms), TIERS[-1])
    until = start_of(to_ms - 1, tier.width_ms) + tier.width_ms
    return Window(tier, max(width, tier.width_ms), start_of(from_ms, tier.width_ms), until)


def read_charts(
    conn: Connection, subject: str, metrics: Sequence[str], *, from_ms: int, to_ms: int, points: int,
    edges: Mapping[Tier, int],
) -> Charts:  # fmt: skip
    """Series of a subject over [from_ms, to_ms); buckets begin at multiples of their width after local midnight."""
    mine = conn.execute(
        select(serie).where(serie.c.subject == subject).order_by(serie.c.metric, serie.c.target, serie.c.of)
    ).all()
    asked = [row for row in mine if row.metric in metrics]
    whole_ms = max((row.whole_ms for row in asked), default=0)
    width = width_ms(from_ms, to_ms, points)
    window = choose(width, from_ms, to_ms, whole_ms=whole_ms, edges=edges)
    sources = list(_sources(conn, [row.sid for row in mine], window)) if asked else []
    buckets = _buckets(conn, {row.sid for row in asked}, sources, window.width_ms)
    series = [
        Series(subject, r.metric, r.of, r.target, window.width_ms / 1000, tuple(buckets.get(r.sid, ())), None)
        for r in asked
    ]
    return Charts(series, _counts(conn, {row.sid: row.target for row in mine}, sources), window)


# --- where points come from -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Source:
    """A part of the span for some series; `tier` None: raw."""

    tier: Tier | None
    sids: tuple[int, ...]
    from_ms: int
    to_ms: int


def _sources(conn: Connection, sids: Sequence[int], window: Window) -> Iterator[_Source]:
    """The tier as far as it lacks nothing of a series, raw from there on."""
    if window.tier is None:
        yield _Source(None, tuple(sids), window.from_ms, window.to_ms)
        return
    first = first_dirty(conn, sids, window.tier.width_ms)
    by_cut: dict[int, list[int]] = {}
    for sid in sids:
        cut = min(window.to_ms, max(window.from_ms, first.get(sid, window.to_ms)))
        by_cut.setdefault(cut, []).append(sid)
    for cut, some in by_cut.items():
        if cut > window.from_ms:
            yield _Source(window.tier, tuple(some), window.from_ms, cut)
        if cut < window.to_ms:
            yield _Source(None, tuple(some), cut, window.to_ms)


def _buckets(conn: Connection, sids: set[int], sources: Sequence[_Source], width: int) -> dict[int, list[Point]]:
    parts: dict[tuple[int, int], list[Sums]] = {}
    for source in sources:
        wanted = [sid for sid in source.sids if sid in sids]
        for sid, number, n, total, low, high in _read(conn, source, wanted, width):
            parts.setdefault((sid, number), []).append(Sums(int(n), total, low, high))
    found: dict[int, list[Point]] = {}
    for (sid, number), some in sorted(parts.items()):
        one = merged(some) if len(some) > 1 else some[0]
        found.setdefault(sid, []).append(Point(number * width - ZONE_MS, one.low, one.total / one.n, one.high, one.n))
    return found


def _read(
    conn: Connection, source: _Source, sids: Sequence[int], width: int
) -> Sequence[Row[int, int, int, float, float, float]]:
    """(sid, number of the bucket, n, total, low, high) of a source."""
    if source.tier is None:
        c, at, value = raw.c, raw.c.at_ms, raw.c.value
        number = ((at + ZONE_MS) // width).label("number")
        query = select(c.sid, number, func.count(), func.sum(value), func.min(value), func.max(value))
    else:
        c = source.tier.table.c
        at = c.start_ms
        number = ((at + ZONE_MS) // width).label("number")
        query = select(c.sid, number, func.sum(c.n), func.sum(c.total), func.min(c.low), func.max(c.high))
    inside = query.where(c.sid.in_(sids), at >= source.from_ms, at < source.to_ms)
    return conn.execute(inside.group_by(c.sid, number)).all()


# --- coverage -------------------------------------------------------------------------------------------------------


def _counts(conn: Connection, targets: Mapping[int, str], sources: Sequence[_Source]) -> dict[str, int]:
    """How many measurements of a subject arrived, by target: as many as its fullest series has points.

    A train that was lost whole has no round trip and was measured all the same.
    """
    by_sid: dict[int, int] = {}
    for source in sources:
        table = raw if source.tier is None else source.tier.table
        at = table.c.at_ms if source.tier is None else table.c.start_ms
        count = func.count() if source.tier is None else func.sum(table.c.n)
        inside = (table.c.sid.in_(source.sids), at >= source.from_ms, at < source.to_ms)
        for sid, n in conn.execute(select(table.c.sid, count).where(*inside).group_by(table.c.sid)):
            by_sid[sid] = by_sid.get(sid, 0) + int(n)
    counts: dict[str, int] = {}
    for sid, n in by_sid.items():
        counts[targets[sid]] = max(counts.get(targets[sid], 0), n)
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
