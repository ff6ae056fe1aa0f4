"""Runs of the bandwidth probe as they are stored, and as the door hands them over: by hand, for pages and readers."""

from __future__ import annotations

from collector.api import SpeedTest, StoredObservation
from collector.reading.speeds import speed_of
from wire.messages import Observation, Value
from wire.outcomes import Outcome

M = 1e6
HELD_BACK = {"cpu_bound", "nic_bound", "contaminated", "server_bound"}


def ran(
    line: str,
    at_ms: int,
    down: float | None = None,
    up: float | None = None,
    *,
    why: str | None = None,
    idle: float = 0.012,
    loaded: float = 0.18,
    agent: str = "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    task: str | None = None,
) -> StoredObservation:
    """One run; speeds in Mbit/s. With `why` it is not valid, and without speeds as well it was skipped or failed."""
    outcome: Outcome = "ok" if why is None else "fail" if why == "no_answer" else "unknown"
    stamp = why or "valid"
    values = [Value("motcua_line_idle_rtt_seconds", idle)] if down is not None or up is not None else []
    for way, speed in (("download", down), ("upload", up)):
        if speed is None:
            continue
        values += [
            Value(f"motcua_line_{way}_bps", speed * M, stamp),
            Value(f"motcua_line_{way}_low_bps", speed * M * 0.98, stamp),
            Value(f"motcua_line_{way}_high_bps", speed * M * 1.02, stamp),
            Value("motcua_line_loaded_rtt_seconds", loaded, way),
            Value("motcua_line_responsiveness_hertz", 1 / loaded, way),
            Value("motcua_line_test_seconds", 8.2, way),
            Value("motcua_line_test_streams_count", 4, way),
        ]
    if down is not None:
        values += [Value("motcua_line_test_bytes", 186e6), Value("motcua_line_test_cpu_ratio", 0.11)]
    took = 21_000 if values else 40
    o = Observation(0, "bandwidth", line, "province", at_ms, at_ms, took, outcome, why, values, task_id=task)
    id_ = f"{agent}/5f0c6a58-1111-4222-8333-444455556666/{at_ms // 1000 % 10**9}/{0}"
    return StoredObservation(id_, agent, at_ms, at_ms + 900, clock_unsure=False, observation=o)


def told(line: str, at_ms: int, down: float | None = None, up: float | None = None, **more: object) -> SpeedTest:
    """The same as the door hands it over."""
    return speed_of(ran(line, at_ms, down, up, **more))  # type: ignore[arg-type]  # test only
