"""Runs what is due: one run of an item at a time, every run with a deadline, every due moment with an observation."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from agent.context import Context, Facts, Lease, no_lease
from agent.counts import Counts
from agent.probes import Again, Measured
from agent.work.later import Later, Run, in_vain, planned_until
from agent.work.measure import Load, find_out, observe
from agent.work.workers import Workers
from wire.clock import Clock
from wire.messages import Observation, PlanItem
from wire.outcomes import unknown

GRACE_MS: Final = 250  # a probe that comes back at its very deadline has kept it
MAX_WAITING: Final = 8  # tasks that wait for one busy item


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
    """`sink` is given every observation; `facts` is asked before every run; `lease` asks the collector."""

    def __init__(
        self,
        *,
        clock: Clock,
        workers: Workers,
        load: Load,
        facts: Callable[[], Facts],
        sink: Callable[[Observation], None],
        counts: Counts,
        lease: Lease = no_lease,
    ) -> None:
        self._clock, self._workers, self._load = clock, workers, load
        self._facts, self._sink, self._counts = facts, sink, counts
        self._lease = lease
        self._lock = threading.Lock()
        self._slots: dict[str, Slot] = {}
        self._later = Later()

    def due(self, item: PlanItem) -> None:
        """Run `item` now; where its previous run is still busy, record unknown(overlap) instead."""
        with self._lock:
            before = self._later.superseded(item.id)
        self._wait_no_longer(before)
        self._place(Run(item, until_ms=planned_until(item, self._clock.mono_ms())))

    def ask(self, item: PlanItem, task_id: str, left_s: float) -> None:
        """Run `item` for a task that is good for so long: a person who asks now must not get "busy", so it waits."""
        self._place(Run(item, task_id, until_ms=self._clock.mono_ms() + round(1000 * left_s)))

    def watch(self) -> None:
        """Give up the runs that are past their deadline; start those whose turn has come. About once a second."""
        now = self._clock.mono_ms()
        with self._lock:
            late = [s.run for s in self._slots.values() if s.run is not None and _is_late(s.run, now)]
            for run in late:
                run.abandoned = True
            stale = self._later.stale(now)
            ready = self._later.due(now, [key for key, slot in self._slots.items() if slot.run is not None])
        for run in late:
            self._give_up(run, now)
        self._wait_no_longer(stale)
        for run in ready:
            self._counts.add("awaited", -1)
            self._place(run)

    def forget(self, keep: set[str]) -> None:
        """Drop what probes remember of items that are not in the plan any more."""
        with self._lock:
            gone = [key for key, slot in self._slots.items() if key not in keep and slot.run is None]
            for key in gone:
                del self._slots[key]
            waiting = self._later.gone(keep)
        self._wait_no_longer(waiting)

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
        elif isinstance(found, Again):
            self._put_off(run, found)
        else:
            self._record(run, found, run.mono_ms or 0, self._clock.mono_ms())
        self._release(run)

    def _begin(self, run: Run) -> Context:
        facts = self._facts()
        with self._lock:
            memory = self._slots[run.item.id].memory
            run.at_ms, run.mono_ms = self._clock.wall_ms(), self._clock.mono_ms()
            deadline = run.mono_ms + int(run.item.deadline_s * 1000)
            return Context(
                self._clock, deadline, facts, task_id=run.task_id, memory=memory, lease=self._lease
            )  # fmt: skip

    def _put_off(self, run: Run, again: Again) -> None:
        with self._lock:
            kept = self._later.put(run, again, self._clock.mono_ms())
        if kept:
            self._counts.add("put_off")
            self._counts.add("awaited")
        else:
            self._in_vain(run, run.asks + 1)

    def _wait_no_longer(self, runs: list[Run]) -> None:
        for run in runs:
            self._counts.add("awaited", -1)
            self._in_vain(run, run.asks)

    def _in_vain(self, run: Run, asks: int) -> None:
        self._counts.add("no_lease")
        run.at_ms, now = self._clock.wall_ms(), self._clock.mono_ms()
        self._record(run, in_vain(asks), now, now)

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
