"""What processes cost: proportional memory and processor time of each and of all their children."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_TICK: Final = os.sysconf("SC_CLK_TCK")
_PROC: Final = Path("/proc")


def family(pid: int) -> list[int]:
    """`pid` and its living descendants."""
    found, todo = [], [pid]
    while todo:
        one = todo.pop()
        found.append(one)
        for task in (_PROC / str(one) / "task").glob("*/children"):
            try:
                todo += [int(x) for x in task.read_text("ascii").split()]
            except OSError:
                continue  # that thread has just ended
    return found


def memory_mb(pid: int, kind: str = "Pss") -> float:
    """Memory of `pid` and its children in units of 10^6 bytes: `Pss`, shared pages by their share, or `Rss`, whole."""
    total = 0
    for one in family(pid):
        try:
            lines = (_PROC / str(one) / "smaps_rollup").read_text("ascii").splitlines()
        except OSError:
            continue  # it has just ended
        total += sum(int(line.split()[1]) for line in lines if line.startswith(f"{kind}:"))
    return total * 1024 / 1e6


def cpu_s(pid: int) -> float:
    """User and system time of `pid` so far, of its living children, and of the dead ones that were waited for."""
    total = 0
    for one in family(pid):
        try:
            fields = (_PROC / str(one) / "stat").read_text("ascii").rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(int(x) for x in fields[11:15])
    return total / _TICK


def core_busy_s(core: int) -> float:
    """How long one core has worked since the machine was started, for whomever, interrupts and stolen time included."""
    for line in (_PROC / "stat").read_text("ascii").splitlines():
        if line.startswith(f"cpu{core} "):
            ticks = [int(x) for x in line.split()[1:9]]
            return (sum(ticks) - ticks[3] - ticks[4]) / _TICK
    raise ValueError(f"there is no core {core}")


@dataclass(slots=True)
class Cost:
    """One program over one stretch of time: each sample of its memory, and its share of one core."""

    pid: int
    began_s: float = 0.0
    began_cpu_s: float = 0.0
    memory_mb: list[float] = field(default_factory=list)
    rss_mb: list[float] = field(default_factory=list)
    core: float = 0.0


def watch(pids: dict[str, int], seconds: float, every_s: float = 5.0, *, alive: Callable[[], None]) -> dict[str, Cost]:
    """Watch programs for `seconds`. `alive` is called at every sample and raises where one of them has died."""
    costs = {name: Cost(pid, time.monotonic(), cpu_s(pid)) for name, pid in pids.items()}
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(every_s, left))
        alive()
        for cost in costs.values():
            cost.memory_mb.append(memory_mb(cost.pid))
            cost.rss_mb.append(memory_mb(cost.pid, "Rss"))
            cost.core = (cpu_s(cost.pid) - cost.began_cpu_s) / (time.monotonic() - cost.began_s)
    return costs
