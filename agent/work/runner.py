"""Runs what is due: one run of an item at a time, every run with a deadline, every due moment with an observation."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from agent.context import Context, Facts
from agent.counts import Counts
from agent.probes import Measured
from agent.work.measure import Load, find_out, observe
from agent.work.workers import Workers
from wire.clock import Clock
from wire.messages import Observation, PlanItem
from wire.outcomes import unknown

GRACE_MS: Final = 250  # a probe that comes back at its very deadline has kept it
MAX_WAITING: Final = 8  # tasks that wait for one busy item


@dataclass(slots=True, eq=False)
class Run:
    """One run from the moment it was due. `mono_ms` is None while it waits for a thread."""

    item: PlanItem
    task_id: str | None = None
    at_ms: int = 0
    mono_ms: int | None = None
    ended: bool = False
    abandoned: bool = False


@dataclass(slots=True)
class Slot:
    """An item's own place: what runs now, which tasks wait for it, and what the probe remembers between runs."""

    run: Run | None = None
    waiting: deque[Run] = field(default_factory=deque)
    memory: dict[str, object] = field(default_factory=dict)

    def may_wait(self, run: Run) -> bool:
        hangs = self.run is not None and self.run.abandoned
        return run.task_id is not None and not hangs and len(self.waiting) < MAX_WAITING


class Runner:
    """`sink` is given every observation; `facts` is asked before every run."""

    def __init__(
        self,
        *,
        clock: Clock,
        workers: Workers,
        load: Load,
        facts: Callable[[], Facts],
        sink: Callable[[Observation], None],
        counts: Counts,
    ) -> None:
        self._clock, self._workers, self._load = clock, workers, load
        self._facts, self._sink, self._counts = facts, sink, counts
        self._lock = threading.Lock()
        self._slots: dict[str, Slot] = {}

    def due(self, item: PlanItem) -> None:
        """Run `item` now; where its previous run is still busy, record unknown(overlap) instead."""
        self._place(Run(item))

    def ask(self, item: PlanItem, task_id: str) -> None:
        """Run `item` for a task: behind its present run, for a person who asks now must not get "busy"."""
        self._place(Run(item, task_id))

    def watch(self) -> None:
        """Give up the runs that are past their deadline. Call it about once a second."""
        now = self._clock.mono_ms()
        with self._lock:
            late = [s.run for s in self._slots.values() if s.run is not None and _is_late(s.run, now)]
            for run in late:
                run.abandoned = True
        for run in late:
            self._give_up(run, now)

    def forget(self, keep: set[str]) -> None:
        """Drop what probes remember of items that are not in the plan any more."""
        with self._lock:
            gone = [key for key, slot in self._slots.items() if key not in keep and slot.run is None]
            for key in gone:
                del self._slots[key]

    # --- slots --------------------------------------------------------------------------------------------------------

    def _place(self, run: Run) -> None:
        with self._lock:
            slot = self._slots.setdefault(run.item.id, Slot())
            free, waits = slot.run is None, slot.may_wait(run)
            if free:
                slot.run = run
            elif waits:
                slot.waiting.append(run)
        if free:
            self._workers.submit(lambda: self._work(run))
        elif not waits:
            self._overlap(run)

    def _release(self, run: Run) -> None:
        with self._lock:
            slot = self._slots[run.item.id]
            slot.run = slot.waiting.popleft() if slot.waiting else None
            following = slot.run
        if following is not None:
            self._workers.submit(lambda: self._work(following))

    # --- one run ------------------------------------------------------------------------------------------------------

    def _work(self, run: Run) -> None:
        """In a worker's thread."""
        context = self._begin(run)
        found = find_out(run.item, context, self._load, self._counts)
        with self._lock:
            abandoned, run.ended = run.abandoned, True  # from here on `watch` has no claim on it
        if abandoned:
            self._counts.add("abandoned", -1)
            self._workers.came_back()
        else:
            self._record(run, found, run.mono_ms or 0, self._clock.mono_ms())
        self._release(run)

    def _begin(self, run: Run) -> Context:
        facts = self._facts()
        with self._lock:
            memory = self._slots[run.item.id].memory
            run.at_ms, run.mono_ms = self._clock.wall_ms(), self._clock.mono_ms()
            return Context(self._clock, run.mono_ms + int(run.item.deadline_s * 1000), facts, memory=memory)

    def _give_up(self, run: Run, now: int) -> None:
        self._counts.add("abandoned")
        self._workers.leave_behind()
        self._record(run, Measured(unknown("deadline")), run.mono_ms or now, now)
        with self._lock:
            slot = self._slots[run.item.id]
            stranded, slot.memory = list(slot.waiting), {}  # the thread left behind may still write into the old one
            slot.waiting.clear()
        for waiting in stranded:
            self._overlap(waiting)

    def _overlap(self, run: Run) -> None:
        self._counts.add("overlaps")
        run.at_ms, now = self._clock.wall_ms(), self._clock.mono_ms()
        self._record(run, Measured(unknown("overlap")), now, now)

    def _record(self, run: Run, found: Measured, began: int, ended: int) -> None:
        took_ms = ended - began
        self._sink(observe(run.item, found, at_ms=run.at_ms, mono_ms=began, took_ms=took_ms, task_id=run.task_id))


def _is_late(run: Run, now: int) -> bool:
    if run.mono_ms is None or run.ended or run.abandoned:
        return False
    return now > run.mono_ms + int(run.item.deadline_s * 1000) + GRACE_MS
