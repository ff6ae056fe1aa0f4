"""Work that repeats: each loop is a synchronous step that says when it wants to be called again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from collector.hub import Bell, Hub

_log = logging.getLogger(__name__)

NOT_MINE_S: Final = 5.0
MAX_BACK_OFF_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Loop:
    """`step` does a bounded amount of work and returns the seconds until the next (0: there is more to do).

    It is also called as soon as the topic `wakes_on` is woken, but not sooner than `rest_s` after a step that left
    nothing to do: where something comes all the time, one step a second costs less than ten. `single`: only the
    process that owns the name runs it.
    """

    name: str
    role: str
    step: Callable[[], float]
    wakes_on: str | None = None
    single: bool = False
    rest_s: float = 0.0


async def run_loops(hub: Hub, loops: Sequence[Loop], stop: asyncio.Event) -> None:
    """Run every loop in a thread of its own until `stop`. A step that fails is counted, logged and tried again."""
    bells = [hub.bell(loop.wakes_on) for loop in loops]
    with ThreadPoolExecutor(len(loops) or 1, thread_name_prefix="loop") as threads:
        running = [
            asyncio.get_running_loop().run_in_executor(threads, _run, hub, loop, bell)
            for loop, bell in zip(loops, bells, strict=True)
        ]
        try:
            await stop.wait()
        finally:
            for bell in bells:
                bell.end()
        await asyncio.gather(*running)


def _run(hub: Hub, loop: Loop, bell: Bell) -> None:
    failures = 0
    while not bell.ended:
        pause_s, failures = _step(hub, loop, failures)
        if pause_s > 0:
            bell.rest(loop.rest_s)
            bell.wait(max(0.0, pause_s - loop.rest_s))


def _step(hub: Hub, loop: Loop, failures: int) -> tuple[float, int]:
    """One turn: the pause that follows and how many turns have failed in a row."""
    try:
        if loop.single and not hub.store.own(loop.name):
            return NOT_MINE_S, 0
        pause_s = loop.step()
    except Exception:
        hub.counters.loop_failures.labels(loop.name).inc()
        hub.failing[loop.name] = failures + 1
        _log.exception("loop failed: name=%s in_a_row=%d", loop.name, failures + 1)
        return min(MAX_BACK_OFF_S, 0.5 * 2 ** min(failures, 10)), failures + 1
    hub.failing.pop(loop.name, None)
    return pause_s, 0
