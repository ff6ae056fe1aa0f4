"""Measurements asked for now: written down before they start, so that none runs twice and none is forgotten."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, Protocol

import msgspec

from agent.log import say
from agent.probes import Measured
from agent.spool.file import Unwritable
from agent.spool.keeper import Keeper
from agent.spool.queue import Spool
from agent.talk.contact import Contact
from agent.work.measure import observe
from wire.clock import Clock
from wire.messages import Observation, PlanItem, Task
from wire.outcomes import Result, unknown

MAX_RUNNING: Final = 32
MAX_LEFT_S: Final = 3_600.0  # a task that says it is good for longer is not believed
_DECODER: Final = msgspec.json.Decoder(Observation)


class Asked(Protocol):
    """What tasks need of agent.work.runner.Runner."""

    def ask(self, item: PlanItem, task_id: str, left_s: float) -> None: ...


class Tasks:
    """`find` gives the plan's item of an id; `sink` takes observations that no probe makes."""

    def __init__(
        self,
        keeper: Keeper,
        runner: Asked,
        *,
        agent: str,
        clock: Clock,
        contact: Contact,
        find: Callable[[str], PlanItem | None],
        sink: Callable[[Observation], None],
    ) -> None:
        self._keeper, self._runner, self._clock, self._contact = keeper, runner, clock, contact
        self._agent, self._find, self._sink = agent, find, sink
        self._lock = threading.Lock()
        self._running: dict[str, None] = {}

    def take(self, tasks: Sequence[Task]) -> None:
        """Start those that are new and not expired. One that cannot be written down is left for the next call."""
        for task in tasks:
            if len(self._running) >= MAX_RUNNING:
                return
            if task.expires_at_ms > self._contact.server_now_ms() and task.id not in self._running:
                self._start(task)

    def running(self) -> str:
        """Ids taken and not finished, joined with commas, as the wait channel tells them."""
        with self._lock:
            return ",".join(self._running)

    def finished(self, task_id: str) -> None:
        """Its observation was made."""
        with self._lock:
            self._running.pop(task_id, None)

    def report_interrupted(self) -> int:
        """At the start: what was begun and not finished before is unknown(interrupted). Raises Unwritable."""
        rows = self._keeper.use(lambda spool: spool.query("SELECT boot, line FROM task WHERE NOT done"))
        for boot, line in rows:
            self._keeper.use(partial(_tell_interrupted, boot=str(boot), line=line))
        return len(rows)

    def _start(self, task: Task) -> None:
        item = self._item(task)
        try:
            if not self._keeper.use(lambda spool: _write_down(spool, self._placeholder(task, item, "interrupted"))):
                return
        except Unwritable:
            return
        say("task_taken", task=task.id, kind=task.kind, item=item.id if item else "", by=task.requested_by)
        if item is None:
            self._sink(self._placeholder(task, None, "unsupported"))
            return
        with self._lock:
            self._running[task.id] = None
        left_s = (task.expires_at_ms - self._contact.server_now_ms()) / 1000
        self._runner.ask(item, task.id, min(max(left_s, 0.0), MAX_LEFT_S))

    def _item(self, task: Task) -> PlanItem | None:
        key = task.args.get("item")
        return self._find(key) if task.kind == "probe" and isinstance(key, str) else None

    def _placeholder(self, task: Task, item: PlanItem | None, reason: str) -> Observation:
        """What is told of a task that was not measured to its end."""
        asked = item or PlanItem(
            id=task.id, subject=f"agent:{self._agent}", probe=task.kind, target="task", period_s=1.0, deadline_s=1.0
        )
        result: Result = unknown(reason)
        return observe(
            asked,
            Measured(result, detail={"kind": task.kind, "item": str(task.args.get("item", ""))[:200]}),
            at_ms=self._clock.wall_ms(),
            mono_ms=self._clock.mono_ms(),
            took_ms=0,
            task_id=task.id,
        )


def _tell_interrupted(spool: Spool, *, boot: str, line: object) -> None:
    if isinstance(line, bytes):
        spool.append([_DECODER.decode(line)], boot)


def _write_down(spool: Spool, if_interrupted: Observation) -> bool:
    """Before the start: the task's id, for ever, and what to tell should it never end. False where it is known."""
    with spool.transaction() as db:
        made = db.execute(
            "INSERT OR IGNORE INTO task (id, made_ms, boot, line) VALUES (?, ?, ?, ?) RETURNING id",
            (if_interrupted.task_id, spool.now_ms(), spool.boot_id, msgspec.json.encode(if_interrupted)),
        ).fetchone()
    return made is not None
