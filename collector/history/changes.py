"""Which observations are kept whole for longer than their bodies: pure.

Kept are those measured rarely or asked for, every change of outcome, and both edges of every hole: what comes late
fills holes, so whatever turns out to be a change in the end has been kept, in whatever order things came.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from collector.api import StoredObservation

SPARSE_MS: Final = 15 * 60_000
"""A measurement this rare, or rarer, is always kept whole."""

HOLE_PERIODS: Final = 1.5
_UNPLANNED_MS: Final = 60_000

Key = tuple[str, str, str]
"""Subject, probe, target."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The newest observation of a key that is known already. `outcome` None: not known any more."""

    at_ms: int
    outcome: str | None
    reason: str | None


def key_of(stored: StoredObservation) -> Key:
    o = stored.observation
    return (o.subject, o.probe, o.target)


def worth_keeping(
    stored: Iterable[StoredObservation],
    seen: Mapping[Key, Seen],
    period_ms: Callable[[StoredObservation], int | None],
) -> list[StoredObservation]:
    """Those of `stored` that are kept whole, given the newest of before and how often each is planned."""
    by_key: dict[Key, list[StoredObservation]] = {}
    for one in stored:
        by_key.setdefault(key_of(one), []).append(one)
    kept: list[StoredObservation] = []
    for key, some in by_key.items():
        newest, before = seen.get(key), None
        for one in sorted(some, key=lambda one: (one.at_ms, one.id)):
            if newest is not None and newest.at_ms <= one.at_ms and (before is None or before.at_ms < newest.at_ms):
                before = newest
            if _is_kept(one, before, period_ms(one)):
                kept.append(one)
            before = Seen(one.at_ms, one.observation.outcome, one.observation.reason)
    return kept


def _is_kept(one: StoredObservation, before: Seen | None, period_ms: int | None) -> bool:
    o = one.observation
    if o.task_id is not None or (period_ms or 0) >= SPARSE_MS:
        return True
    if before is None or (before.outcome, before.reason) != (o.outcome, o.reason):
        return True
    return one.at_ms - before.at_ms > HOLE_PERIODS * (period_ms or _UNPLANNED_MS)
