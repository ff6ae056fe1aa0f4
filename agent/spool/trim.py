"""Keeps the spool within its bounds: old results are thinned first, then dropped, oldest first, and counted.

Only batches that were never tried are thinned: what may have arrived under one number must not come under another.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import msgspec

from agent.spool.queue import Spool
from wire.codec import WireError, decode_parcel
from wire.messages import Observation

DAY_MS: Final = 86_400_000
THIN_FROM: Final = 0.8  # share of the room from which on old results are thinned
THIN_TO_MS: Final = 300_000
CHUNK: Final = 20
TASKS_KEPT_MS: Final = 40 * DAY_MS  # as long as the collector knows a batch's number


@dataclass(frozen=True, slots=True)
class Limits:
    """Room for the spool. `max_age_ms` stays under the 40 days for which a collector recognises a duplicate."""

    max_bytes: int
    max_age_ms: int = 30 * DAY_MS


def trim(spool: Spool, limits: Limits) -> int:
    """Bring the spool within `limits`; returns how many observations that cost. Raises SpoolError."""
    lost = _drop_older(spool, spool.now_ms() - limits.max_age_ms)
    if spool.used_bytes() > limits.max_bytes * THIN_FROM:
        lost += _thin_oldest(spool)
    while spool.used_bytes() > limits.max_bytes:
        numbers = _next_to_drop(spool)
        if not numbers:
            break
        lost += _drop(spool, numbers)
    _forget_tasks(spool)
    spool.query("PRAGMA incremental_vacuum(256)")
    return lost


def thin(observations: Iterable[Observation]) -> list[Observation]:
    """One result in five minutes for each item, and everything that is no plain `ok`, or the first after one."""
    kept: list[Observation] = []
    last: dict[tuple[str, str, str], Observation] = {}
    for o in observations:
        key = (o.subject, o.probe, o.target)
        before = last.get(key)
        plain = before is not None and before.outcome == o.outcome == "ok" and o.task_id is None
        if before is None or not plain or o.mono_ms - before.mono_ms >= THIN_TO_MS:
            kept.append(o)
            last[key] = o
    return kept


def _drop_older(spool: Spool, than_ms: int) -> int:
    rows = spool.query("SELECT number FROM batch WHERE made_ms < ?", than_ms)
    return _drop(spool, [row[0] for row in rows])


def _next_to_drop(spool: Spool) -> list[object]:
    """Set aside before waiting, never tried before tried, old before young."""
    for which in ("aside IS NOT NULL", "aside IS NULL AND NOT tried", "aside IS NULL"):
        rows = spool.query(f"SELECT number FROM batch WHERE {which} ORDER BY made_ms, number LIMIT ?", CHUNK)  # noqa: S608 (our own words)
        if rows:
            return [row[0] for row in rows]
    return []


def _drop(spool: Spool, numbers: list[object]) -> int:
    if not numbers:
        return 0
    lost = 0
    with spool.transaction() as db:
        for number in numbers:
            row = db.execute("DELETE FROM batch WHERE number = ? RETURNING items, aside", (number,)).fetchone()
            # What is aside was counted when it was put there.
            lost += row[0] if row is not None and row[1] is None else 0
        spool.count("dropped", lost)
    return lost


def _thin_oldest(spool: Spool) -> int:
    rows = spool.query(
        "SELECT number, boot, made_ms FROM batch NOT INDEXED"
        " WHERE aside IS NULL AND NOT tried AND NOT thinned"
        " ORDER BY number LIMIT ?",
        CHUNK,
    )
    same_boot = [row for row in rows if row[1] == rows[0][1]]
    if len(same_boot) < CHUNK // 2:
        return 0
    observations = [o for row in same_boot for o in _read(spool, int(str(row[0])))]
    kept = thin(observations)
    lost = len(observations) - len(kept)
    if lost * 2 < len(observations):
        return 0  # too little to gain
    with spool.transaction() as db:
        db.executemany("DELETE FROM batch WHERE number = ?", [(row[0],) for row in same_boot])
        numbered = [msgspec.structs.replace(o, i=i) for i, o in enumerate(kept)]
        spool.insert_batch(str(rows[0][1]), numbered, age_ms=int(str(rows[0][2])))
        spool.count("dropped", lost)
    return lost


def _read(spool: Spool, number: int) -> list[Observation]:
    body = spool.body(number)
    try:
        return [] if body is None else decode_parcel(body).observations
    except WireError:
        return []


def _forget_tasks(spool: Spool) -> None:
    before = spool.now_ms() - TASKS_KEPT_MS
    if spool.query("SELECT 1 FROM task WHERE done AND made_ms < ? LIMIT 1", before):
        with spool.transaction() as db:
            db.execute("DELETE FROM task WHERE done AND made_ms < ?", (before,))
