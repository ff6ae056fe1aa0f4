"""The two clocks every loop takes: one that people set, one that only goes forward and counts suspend."""

from __future__ import annotations

import ctypes
import sys
import time
import uuid
from pathlib import Path
from typing import Protocol


class Clock(Protocol):
    """`wall_ms`: UTC as the machine believes it. `mono_ms`: since boot, suspend counted, never set by anybody."""

    def wall_ms(self) -> int: ...

    def mono_ms(self) -> int: ...


class SystemClock:
    """The machine's own clocks."""

    def wall_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def mono_ms(self) -> int:
        if sys.platform == "win32":
            ticks = ctypes.c_ulonglong()  # 100 ns units; QueryInterruptTime counts sleep, QPC-based clocks may not
            ctypes.WinDLL("kernelbase").QueryInterruptTime(ctypes.byref(ticks))
            return ticks.value // 10_000
        boottime = getattr(time, "CLOCK_BOOTTIME", None)  # Linux; elsewhere monotonic is the best there is
        return (time.monotonic_ns() if boottime is None else time.clock_gettime_ns(boottime)) // 1_000_000


_PROCESS = str(uuid.uuid4())


def boot_id(proc: Path = Path("/proc")) -> str:
    """The name of this run of the machine; where the system has none, of this run of the process (the stricter one)."""
    try:
        return (proc / "sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return _PROCESS
