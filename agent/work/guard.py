"""Notices what the machine does to time: a step of the wall clock, and a sleep from which it wakes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from agent.counts import Counts
from agent.log import say
from wire.clock import Clock

STEP_MS: Final = 2_000


class Guard:
    """Call `tick` about once a second. After a suspend or a step it calls `wake`: everybody who sleeps looks again."""

    def __init__(
        self,
        clock: Clock,
        *,
        wake: Callable[[], None],
        counts: Counts,
        awake_ms: Callable[[], int] = lambda: time.monotonic_ns() // 1_000_000,
    ) -> None:
        self._clock, self._wake, self._counts, self._awake_ms = clock, wake, counts, awake_ms
        self._wall, self._mono, self._awake = clock.wall_ms(), clock.mono_ms(), awake_ms()

    def tick(self) -> None:
        wall, mono, awake = self._clock.wall_ms(), self._clock.mono_ms(), self._awake_ms()
        step_ms = (wall - self._wall) - (mono - self._mono)
        slept_ms = (mono - self._mono) - (awake - self._awake)
        self._wall, self._mono, self._awake = wall, mono, awake
        if abs(step_ms) > STEP_MS:
            self._counts.add("clock_steps")
            say("clock_step", seconds=round(step_ms / 1000, 1))
        if slept_ms > STEP_MS:
            self._counts.add("suspends")
            say("suspend", seconds=round(slept_ms / 1000, 1))
        if abs(step_ms) > STEP_MS or slept_ms > STEP_MS:
            self._wake()
