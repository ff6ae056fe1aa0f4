"""Tests of speed, read out of what is kept whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sqlalchemy import Connection

from collector.api import DIRECTIONS, SpeedTest, StoredObservation, Way
from collector.hub import Hub
from collector.reading.kept import kept_runs

PROBE: Final = "bandwidth"
MAX_TESTS: Final = 1_000
_P: Final = "motcua_line_"


def speed_of(stored: StoredObservation) -> SpeedTest:
    """The figures of a run of the bandwidth probe."""
    o = stored.observation
    found = {(v.metric, v.of or ""): v.value for v in o.values}
    stamp = "valid" if o.reason is None else o.reason
    return SpeedTest(
        subject=o.subject,
        observation=stored.id,
        at_ms=stored.at_ms,
        outcome=o.outcome,
        reason=o.reason,
        ways={way: _way(found, way, stamp) for way in DIRECTIONS if (f"{_P}{way}_bps", stamp) in found},
        idle_rtt_s=found.get((f"{_P}idle_rtt_seconds", "")),
        moved_bytes=found.get((f"{_P}test_bytes", "")),
        cpu_ratio=found.get((f"{_P}test_cpu_ratio", "")),
        asked=o.task_id is not None,
    )


def _way(found: Mapping[tuple[str, str], float], way: str, stamp: str) -> Way:
    streams = found.get((f"{_P}test_streams_count", way))
    return Way(
        bps=found.get((f"{_P}{way}_bps", stamp)),
        low_bps=found.get((f"{_P}{way}_low_bps", stamp)),
        high_bps=found.get((f"{_P}{way}_high_bps", stamp)),
        loaded_rtt_s=found.get((f"{_P}loaded_rtt_seconds", way)),
        responsiveness_hz=found.get((f"{_P}responsiveness_hertz", way)),
        took_s=found.get((f"{_P}test_seconds", way)),
        streams=None if streams is None else round(streams),
    )


def read_tests(conn: Connection, line: str, before_ms: int, limit: int) -> list[SpeedTest]:
    """Tests of a line older than `before_ms`, newest first; skipped ones too."""
    return [speed_of(stored) for stored in kept_runs(conn, line, PROBE, before_ms, limit)]


class SpeedQuestions:
    """What a reader answers of tests of speed; see `collector.api.Reader`."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def tests(self, line: str, before_ms: int, limit: int = 50) -> list[SpeedTest]:
        with self._hub.store.reading_ts() as conn:
            return read_tests(conn, line, before_ms, max(0, min(limit, MAX_TESTS)))
