"""What history notes of lines besides points: tests of their speed, and what is to be looked at again because of them.

All is written with the cursor, in one transaction; a row written twice changes nothing but what is to be looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection

from collector.api import StoredObservation
from collector.history.buckets import DAY_MS, start_of
from collector.store.plain import put_rows

TEST: Final = "test"
USE: Final = "use"
VALID: Final = "valid"
RECEIVE: Final = "motcua_line_receive_bps"
TRANSMIT: Final = "motcua_line_transmit_bps"

_SPEEDS: Final = ("motcua_line_download_bps", "motcua_line_upload_bps")
_TEST: Final = (
    "INSERT INTO line_test (subject, at_ms, observation, stamp, download_bps, upload_bps) VALUES (?,?,?,?,?,?)"
    " ON CONFLICT (at_ms, subject, observation) DO NOTHING"
)
_DUE: Final = (
    "INSERT INTO line_due (kind, at_ms, subject, touched) VALUES (?,?,?,1)"
    " ON CONFLICT (kind, at_ms, subject) DO UPDATE SET touched = line_due.touched + 1"
)

TestRow = tuple[str, int, str, str, float | None, float | None]


@dataclass(slots=True)
class LineRows:
    """Rows for `line_test`, and the lines to be looked at for them and for days in which use was measured."""

    tests: list[TestRow] = field(default_factory=list)
    due: set[tuple[str, int, str]] = field(default_factory=set)

    def put(self, conn: Connection) -> None:
        """Write them."""
        put_rows(conn, _TEST, self.tests)
        put_due(conn, sorted(self.due))


def put_due(conn: Connection, rows: Sequence[tuple[str, int, str]]) -> None:
    """Have lines looked at: (`TEST` or `USE`, the moment or the beginning of the local day, line)."""
    put_rows(conn, _DUE, rows)


def line_rows(stored: Iterable[StoredObservation]) -> LineRows:
    """What of these concerns tests and use of lines, by a sure clock."""
    found = LineRows()
    for one in stored:
        o = one.observation
        if one.clock_unsure or not o.subject.startswith("line:"):
            continue
        if o.probe == "bandwidth":
            found.tests.append(_test(one))
            found.due.add((TEST, one.at_ms, o.subject))
        elif o.probe == "use" and any(value.metric in {RECEIVE, TRANSMIT} for value in o.values):
            found.due.add((USE, start_of(one.at_ms, DAY_MS), o.subject))
    return found


def _test(one: StoredObservation) -> TestRow:
    """Its stamp is the reason it bears; a valid one has none, and its speeds bear `valid`."""
    o = one.observation
    stamp = VALID if o.outcome == "ok" else o.reason or o.outcome
    down, up = (_speed(one, metric, stamp) for metric in _SPEEDS)
    return o.subject, one.at_ms, one.id, stamp, down, up


def _speed(one: StoredObservation, metric: str, stamp: str) -> float | None:
    """A figure of 0 is none: a line that moves nothing is a failure, not a speed."""
    found = (v.value for v in one.observation.values if v.metric == metric and v.of == stamp and v.value > 0)
    return next(found, None)
