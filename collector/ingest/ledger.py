"""Counts of each agent on each UTC day: what the requests of one COMMIT add to them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

UPSERT: Final = """INSERT INTO ledger (agent, day, batches, duplicates, conflicts, accepted, rejected, quarantined)
 VALUES (?,?,?,?,?,?,?,?) ON CONFLICT (agent, day) DO UPDATE SET batches = ledger.batches + excluded.batches,
 duplicates = ledger.duplicates + excluded.duplicates, conflicts = ledger.conflicts + excluded.conflicts,
 accepted = ledger.accepted + excluded.accepted, rejected = ledger.rejected + excluded.rejected,
 quarantined = ledger.quarantined + excluded.quarantined"""


@dataclass(slots=True)
class Counted:
    """What one request adds to the ledger."""

    batches: int = 0
    duplicates: int = 0
    conflicts: int = 0
    accepted: int = 0
    rejected: int = 0
    quarantined: int = 0

    @property
    def row(self) -> tuple[int, ...]:
        """In the order of the table's columns."""
        return self.batches, self.duplicates, self.conflicts, self.accepted, self.rejected, self.quarantined


def rows(counts: Iterable[tuple[str, int, Counted]]) -> list[tuple[object, ...]]:
    """Rows for `UPSERT` from what each request adds: its agent, when it was received, and its counts."""
    sums: dict[tuple[str, str], tuple[int, ...]] = {}
    for agent, received_ms, counted in counts:
        key, new = (agent, utc_day(received_ms)), counted.row
        old = sums.get(key)
        sums[key] = new if old is None else tuple(a + b for a, b in zip(old, new, strict=True))
    return [(*key, *total) for key, total in sums.items()]


_days: dict[int, str] = {}


def utc_day(at_ms: int) -> str:
    """The UTC day of an instant, as the ledger writes it."""
    number = at_ms // 86_400_000
    if number not in _days:
        _days.clear()
        _days[number] = datetime.fromtimestamp(number * 86_400, UTC).date().isoformat()
    return _days[number]
