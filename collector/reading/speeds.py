"""Tests of speed, read out of what is kept whole: those of one line, and the newest of every line of the country.

The newest observation of each line is noted in `latest`. What changed there since it was last looked at is read again,
so that asking for all lines costs no more than what was tested in between.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Final

from sqlalchemy import Connection, select

from collector.api import DIRECTIONS, LineSpeed, SpeedTest, StoredObservation, Way
from collector.hub import Hub
from collector.reading.kept import kept_by_id, kept_runs
from collector.store.tables import latest

PROBE: Final = "bandwidth"
MAX_TESTS: Final = 1_000
FRESH_MS: Final = 5_000  # a line is tested a few times a day
_AT_ONCE: Final = 400
_P: Final = "motcua_line_"
_ROWS: Final = select(latest.c.subject, latest.c.observation, latest.c.at_ms).where(latest.c.probe == PROBE)


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


class Speeds:
    """The newest tests of all lines. Safe from any thread; what it gives away never changes."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._lock = threading.Lock()
        self._read_ms: int | None = None
        self._held: Mapping[str, LineSpeed] = {}

    def now(self) -> Mapping[str, LineSpeed]:
        """Line → its newest tests; the same mapping again as long as nothing new is known."""
        with self._lock:
            now_ms = self._hub.clock.mono_ms()
            if self._read_ms is None or now_ms - self._read_ms >= FRESH_MS:
                with self._hub.store.reading_ts() as conn:
                    self._read(conn)
                self._read_ms = now_ms
            return self._held

    def _read(self, conn: Connection) -> None:
        newest: dict[str, tuple[int, str]] = {}
        for subject, observation, at_ms in conn.execute(_ROWS):
            newest[subject] = max(newest.get(subject, (0, "")), (at_ms, observation))
        held = self._held
        changed = {key: id_ for key, (_, id_) in newest.items() if key not in held or held[key].last.observation != id_}
        if not changed:
            return
        found: dict[str, StoredObservation] = {}
        for some in _chunks(changed.values()):
            found |= kept_by_id(conn, some)
        self._held = {**held, **{key: _newest(conn, found[id_]) for key, id_ in changed.items() if id_ in found}}


class SpeedQuestions:
    """What a reader answers of tests of speed; see `collector.api.Reader`."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._speeds = Speeds(hub)

    def tests(self, line: str, before_ms: int, limit: int = 50) -> list[SpeedTest]:
        with self._hub.store.reading_ts() as conn:
            return read_tests(conn, line, before_ms, max(0, min(limit, MAX_TESTS)))

    def speeds(self) -> Mapping[str, LineSpeed]:
        return self._speeds.now()


def _newest(conn: Connection, stored: StoredObservation) -> LineSpeed:
    last = speed_of(stored)
    if last.outcome == "ok":
        return LineSpeed(last, last)
    before = kept_runs(conn, last.subject, PROBE, last.at_ms + 1, 1, outcome="ok")
    return LineSpeed(last, speed_of(before[0]) if before else None)


def _chunks(keys: Iterable[str]) -> Iterator[list[str]]:
    every = iter(keys)
    while chunk := list(islice(every, _AT_ONCE)):
        yield chunk
