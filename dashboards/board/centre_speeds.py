"""How fast the lines of a centre are against their contracts, and which of them carries its traffic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from collector.api import Carrying, LineInfo, Reader, SpeedTest
from dashboards.board.speed import DUE, share, thresholds

LOOKED: Final = 30  # tests in which a valid one is looked for


@dataclass(frozen=True, slots=True)
class Speed:
    """One line: its newest valid test, what that is of its contract, what is due. `carrying`: it has the traffic."""

    valid: SpeedTest | None
    last: SpeedTest | None
    share: float | None
    due: float | None
    carrying: Carrying | None


def speeds_of(
    reader: Reader, centre: str, lines: Mapping[str, LineInfo], keys: Sequence[str], now_ms: int
) -> dict[str, Speed]:
    """The lines `keys` of a centre."""
    carrying = reader.carrying().get(centre)
    due = thresholds(reader).get(DUE) if keys else None
    return {key: _speed(reader, key, lines.get(key), now_ms, carrying=carrying, due=due) for key in keys}


def _speed(
    reader: Reader, key: str, line: LineInfo | None, now_ms: int, *, carrying: Carrying | None, due: float | None
) -> Speed:
    tests = reader.tests(key, now_ms + 1, LOOKED)
    valid = next((test for test in tests if test.outcome == "ok"), None)
    held = share(valid, line.contract_bps if line else None)
    carries = carrying is not None and carrying.line == key
    return Speed(valid, tests[0] if tests else None, held, due, carrying if carries else None)
