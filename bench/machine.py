"""The machine that the numbers are of: without it they mean nothing."""

from __future__ import annotations

import os
import platform
import sqlite3
import time
from pathlib import Path

from bench.place import scratch

WRITES = 400


def describe() -> dict[str, str | int | float | bool | None]:
    """Processor, kernel, file system and the quality of its fsync, as plain facts."""
    facts: dict[str, str | int | float | bool | None] = {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "system": _system(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "file_system": _file_system(),
    }
    return facts | fsync_quality()


def fsync_quality() -> dict[str, float]:
    """Milliseconds of a 4 KiB append and its fdatasync, where the benches keep their databases."""
    took = []
    with scratch("fsync") as folder:
        handle = os.open(folder / "probe", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        for _ in range(WRITES):
            os.write(handle, b"\x5a" * 4096)
            began = time.perf_counter()
            os.fdatasync(handle)
            took.append((time.perf_counter() - began) * 1000)
        os.close(handle)
    took.sort()
    return {"fsync_p50_ms": round(took[WRITES // 2], 3), "fsync_p99_ms": round(took[WRITES * 99 // 100], 3)}


def noise() -> str:
    """What else is busy on this machine now: its load, and the share of all cores that others used for a second."""
    before = _stat()
    time.sleep(1.0)
    after = _stat()
    busy = (after[0] - before[0]) / max(1, after[1] - before[1])
    load = Path("/proc/loadavg").read_text("ascii").split()[0]
    return f"load {load}, {busy:.0%} of all cores busy before the run"


def _stat() -> tuple[int, int]:
    """Ticks of all cores: busy, and altogether."""
    ticks = [int(x) for x in Path("/proc/stat").read_text("ascii").splitlines()[0].split()[1:9]]
    return sum(ticks) - ticks[3] - ticks[4], sum(ticks)


def _cpu_model() -> str:
    lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _system() -> str:
    return platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())


def _file_system() -> str:
    """Type and device of the file system that holds the scratch folder: the longest mount point that leads there."""
    with scratch("mount") as folder:
        where = folder.resolve()
    mounts = [line.split()[:3] for line in Path("/proc/mounts").read_text("utf-8").splitlines()]
    device, point, kind = max((m for m in mounts if where.is_relative_to(m[1])), key=lambda m: len(m[1]))
    return f"{kind} on {device} ({point})"
