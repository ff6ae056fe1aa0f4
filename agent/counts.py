"""What the agent counts of itself since it started; what must outlive it is kept by the spool and by `lifetime`."""

from __future__ import annotations

import threading
from typing import Literal

Counted = Literal[
    "abandoned",  # runs that passed their deadline and still hold a thread
    "awaited",  # runs whose turn has not come yet: they wait for a lease
    "clock_steps",  # steps of the wall clock
    "no_lease",  # runs whose turn never came
    "overlaps",  # runs not started because the previous one was busy
    "plan_items_refused",  # items of a plan that this agent cannot read
    "probe_errors",  # faults of ours inside a probe
    "put_off",  # times a run was told to come again
    "send_failures",  # posts without a receipt
    "suspends",  # times the machine slept
    "undeclared_values",  # values without a declared metric, or that are no finite number
    "unkept",  # observations lost because the spool could not be written
]


class Counts:
    """Counters that any thread may raise."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[Counted, int] = {}

    def add(self, name: Counted, by: int = 1) -> None:
        with self._lock:
            self._counts[name] = self._counts.get(name, 0) + by

    def get(self, name: Counted) -> int:
        with self._lock:
            return self._counts.get(name, 0)
