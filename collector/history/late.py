"""What came after the raw points of its time were gone, added to the roll-ups that hold them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from sqlalchemy import Connection, Row, select, text

from collector.history import quantiles
from collector.history.buckets import DAY_MS, HOUR, QUARTER, Sums, Tier, merged, start_of, summed
from collector.history.writing import PUT, PUT_DAY, PUT_SKETCH, day_row, row
from collector.hub import Hub
from collector.store.rolled import day, late, sketch
from collector.store.tables import ts_cursor

SAMPLES_A_JOB: Final = 300

_GONE: Final = text("DELETE FROM late WHERE sid = :sid AND at_ms = :at_ms")

Sample = tuple[int, int, float]
"""Series, instant, value."""

Bucket = tuple[int, int]
"""Series, start."""


class Late:
    """Takes late samples a bite at a time; each is added and gone in one transaction, so that none counts twice."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def bite(self) -> bool:
        """Fold a little of what is late. True where there may be more."""
        with self._hub.store.reading_ts() as conn:
            if conn.scalar(select(late.c.sid).limit(1)) is None:
                return False
        return self._hub.store.ts_writer.do(_fold) == SAMPLES_A_JOB


def _fold(conn: Connection) -> int:
    """How many samples were folded. Those of rows which history may take again stay until its cursor has passed."""
    cursor = select(ts_cursor.c.seq).where(ts_cursor.c.name == "history").with_for_update()
    seq = conn.scalar(cursor) or 0
    query = select(late.c.sid, late.c.at_ms, late.c.value).where(late.c.seq <= seq)
    samples = [(r.sid, r.at_ms, r.value) for r in conn.execute(query.order_by(*late.primary_key).limit(SAMPLES_A_JOB))]
    if samples:
        for tier in (QUARTER, HOUR):
            _add(conn, tier, samples)
        _add_days(conn, samples)
        conn.execute(_GONE, [{"sid": sid, "at_ms": at} for sid, at, _ in samples])
    return len(samples)


def _add(conn: Connection, tier: Tier, samples: Sequence[Sample]) -> None:
    fresh = {bucket: summed(values) for bucket, values in _by_bucket(samples, tier.width_ms).items()}
    held = {bucket: _sums(r) for bucket, r in _rows(conn, tier, fresh).items()}
    conn.execute(PUT[tier.table.name], [row(*bucket, _with(held.get(bucket), new)) for bucket, new in fresh.items()])


def _add_days(conn: Connection, samples: Sequence[Sample]) -> None:
    """Sums exactly; quantiles from the sketch where there is one, else they stay what they were."""
    for (sid, start), values in _by_bucket(samples, DAY_MS).items():
        here = {"sid": sid, "start_ms": start}
        old = conn.execute(select(day).where(day.c.sid == sid, day.c.start_ms == start)).first()
        body = conn.scalar(select(sketch.c.body).where(sketch.c.sid == sid, sketch.c.start_ms == start))
        sums = _with(None if old is None else _sums(old), summed(values))
        if old is not None and body is None:
            known = (old.p50, old.p95, old.p99)
        else:
            whole = quantiles.joined(quantiles.decoded(bytes(body or b"\x80")), quantiles.sketch_of(values))
            known = quantiles.estimated(whole, sums.low, sums.high)
            conn.execute(PUT_SKETCH, here | {"body": quantiles.encoded(whole)})
        conn.execute(PUT_DAY, day_row(sid, start, sums, known, exact=False))


def _by_bucket(samples: Iterable[Sample], width_ms: int) -> dict[Bucket, list[float]]:
    found: dict[Bucket, list[float]] = {}
    for sid, at, value in samples:
        found.setdefault((sid, start_of(at, width_ms)), []).append(value)
    return found


def _rows(conn: Connection, tier: Tier, buckets: Mapping[Bucket, Sums]) -> dict[Bucket, Row[int, int]]:
    """The rows there are of these buckets."""
    t, found = tier.table, dict[Bucket, Row[int, int]]()
    starts: dict[int, list[int]] = {}
    for sid, start in buckets:
        starts.setdefault(sid, []).append(start)
    for sid, mine in starts.items():
        for one in conn.execute(select(t).where(t.c.sid == sid, t.c.start_ms.in_(mine))):
            found[sid, one.start_ms] = one
    return found


def _sums(one: Row[int, int]) -> Sums:
    return Sums(one.n, one.total, one.low, one.high)


def _with(old: Sums | None, new: Sums) -> Sums:
    return new if old is None else merged([old, new])
