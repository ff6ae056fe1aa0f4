"""Runs whose turn has not come: a probe said `Again`, and is started again then, by the clock that nobody sets.

A run waits for a share of its period, so that the next one finds it gone; one that a person asked for, as long as its
task does. What waited in vain is unknown(no_lease).
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from agent.probes import Again, Measured
from wire.messages import PlanItem
from wire.outcomes import unknown

SHARE_OF_PERIOD: Final = 0.95
MAX_ASKS: Final = 200
LEAST_S: Final = 1.0


@dataclass(slots=True, eq=False)
class Run:
    """One run from the moment it was due. `mono_ms` is None while it waits for a thread.

    `until_ms`: how long it may be put off, by the monotonic clock. `asks`: how often its probe said `Again`.
    """

    item: PlanItem
    task_id: str | None = None
    until_ms: int = 0
    asks: int = 0
    due_ms: int = 0
    at_ms: int = 0
    mono_ms: int | None = None
    ended: bool = False
    abandoned: bool = False


@dataclass(slots=True)
class Later:
    """Not safe from several threads by itself: the runner holds its lock around every call."""

    _waiting: list[Run] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, run: Run, again: Again, now_ms: int) -> bool:
        """Have `run` started again. False where its turn would come too late, or has been put off too often."""
        if not math.isfinite(again.after_s) or run.asks + 1 >= MAX_ASKS:
            return False
        due_ms = now_ms + round(1000 * max(LEAST_S, again.after_s))
        if due_ms > run.until_ms:
            return False
        self._waiting.append(Run(run.item, run.task_id, run.until_ms, run.asks + 1, due_ms))
        return True

    def due(self, now_ms: int, busy: Collection[str]) -> list[Run]:
        """Those whose turn has come, and is not behind another run of the same item; they wait no longer."""
        found: dict[str, Run] = {}
        for run in sorted(self._waiting, key=lambda run: run.due_ms):
            if run.due_ms <= now_ms and run.item.id not in busy:
                found.setdefault(run.item.id, run)
        self._waiting = [run for run in self._waiting if found.get(run.item.id) is not run]
        return list(found.values())

    def superseded(self, item: str) -> list[Run]:
        """The plan's own run of this item, which the next one takes the place of."""
        return self._take([run for run in self._waiting if run.item.id == item and run.task_id is None])

    def stale(self, now_ms: int) -> list[Run]:
        """Those that may be put off no longer."""
        return self._take([run for run in self._waiting if run.until_ms < now_ms])

    def gone(self, keep: Collection[str]) -> list[Run]:
        """Those of items that are not in the plan any more."""
        return self._take([run for run in self._waiting if run.item.id not in keep])

    def _take(self, runs: list[Run]) -> list[Run]:
        self._waiting = [run for run in self._waiting if run not in runs]
        return runs


def planned_until(item: PlanItem, now_ms: int) -> int:
    """How long a run that is due now may be put off."""
    return now_ms + round(1000 * SHARE_OF_PERIOD * item.period_s)


def in_vain(asks: int) -> Measured:
    """What is told of a run whose turn never came."""
    return Measured(unknown("no_lease"), detail={"why": "waited", "asked": asks})
