"""Takes observations from everywhere and puts them into the spool, several in one commit, within a second."""

from __future__ import annotations

import itertools
import random
import threading
from collections import deque
from collections.abc import Callable
from typing import Final

from agent.counts import Counts
from agent.log import say, warn
from agent.spool.file import Unwritable
from agent.spool.keeper import Keeper
from agent.spool.queue import Spool
from agent.spool.trim import Limits, trim
from wire.clock import Clock
from wire.messages import Observation
from wire.onsite import COMPLAINT
from wire.outcomes import Outcome

GATHER_S: Final = 0.3  # neighbours that come within this share a commit; the promise is one second
MAX_HELD: Final = 5_000
MAX_AT_ONCE: Final = 500  # on a disk that is nearly full, some may fit where all do not
RETRY_S: Final = 5.0
TRIM_EVERY_MS: Final = 60_000

CONFIRMED: Final = 3
"""By so many alike in a row the collector takes a change to be true (`lost_trains`, `good_trains` of the policy). Each
of them is sent when it is known: with the first alone, the news waited for the next regular batch, up to a minute."""


class Recorder:
    """The only writer of observations. `sent_for` is called when there is a new batch to send."""

    def __init__(
        self,
        keeper: Keeper,
        *,
        clock: Clock,
        cut_s: float,
        limits: Limits,
        counts: Counts,
        sent_for: Callable[[], None],
        chance: random.Random,
    ) -> None:
        self._keeper, self._clock, self._limits, self._counts = keeper, clock, limits, counts
        self._cut_ms, self._sent_for = int(cut_s * 1000), sent_for
        self._held: deque[Observation] = deque()
        self._lock = threading.Lock()
        self._some = threading.Event()
        self._outcomes: dict[tuple[str, str, str], tuple[Outcome, int]] = {}
        self._next_cut_ms = self._next_trim_ms = clock.mono_ms()
        # Agents that start together, after a power cut say, must not send together every minute from then on.
        self._after_first_ms = int(self._cut_ms * chance.uniform(0.2, 1.0))
        self._failing = False

    def put(self, observation: Observation) -> None:
        """Hand over an observation. Never blocks; where the spool cannot be written the oldest go first, counted."""
        with self._lock:
            self._held.append(observation)
            if len(self._held) > MAX_HELD:
                self._held.popleft()
                self._counts.add("unkept")
        self._some.set()

    def step(self) -> float:
        """Keep what is held, cut and trim what is due; returns after how many seconds to come back at the latest."""
        try:
            urgent = self._keep()
            self._cut(urgent=urgent)
            self._trim()
        except Unwritable:
            self._failing = True
            return RETRY_S
        if self._failing:
            self._failing = False
            say("spool_writable", unkept=self._counts.get("unkept"))
        now = self._clock.mono_ms()
        return max(0.05, (min(self._next_cut_ms, self._next_trim_ms) - now) / 1000)

    def run(self, stop: threading.Event) -> None:
        """Step until `stop`, then keep and cut what is left."""
        wait_s = 0.0
        while not stop.is_set():
            self._some.wait(wait_s)
            stop.wait(RETRY_S if self._failing else GATHER_S)
            self._some.clear()
            wait_s = self.step()

    def close(self) -> None:
        """Last words: what is held is kept and cut. Raises Unwritable where that cannot be."""
        self._keep()
        self._cut(urgent=True)

    def wake(self) -> None:
        self._some.set()

    # --- the three acts -----------------------------------------------------------------------------------------------

    def _keep(self) -> bool:
        """Commit what is held; whether any of it is urgent."""
        urgent = False
        while self._held:
            urgent = self._keep_some() or urgent
        return urgent

    def _keep_some(self) -> bool:
        with self._lock:
            held = list(itertools.islice(self._held, MAX_AT_ONCE))
        self._keeper.use(lambda spool: spool.append(held))
        with self._lock:
            kept = {id(o) for o in held}  # `put` may have pushed some out in the meantime: they are kept all the same
            while self._held and id(self._held[0]) in kept:
                self._held.popleft()
        changes = [o for o in held if self._is_urgent(o)]  # every one is looked at: each is remembered
        return bool(changes)

    def _is_urgent(self, o: Observation) -> bool:
        """A failure or a recovery until it is confirmed, an answer somebody waits for, a person's word. The first `ok`
        of an item is none."""
        key = (o.subject, o.probe, o.target)
        before, alike = self._outcomes.get(key, ("ok", CONFIRMED))
        alike = min(alike + 1, CONFIRMED + 1) if o.outcome == before else 1
        if len(self._outcomes) >= MAX_HELD:
            self._outcomes.clear()
        self._outcomes[key] = o.outcome, alike
        return alike <= CONFIRMED or o.task_id is not None or o.probe == COMPLAINT

    def _cut(self, *, urgent: bool) -> None:
        now = self._clock.mono_ms()
        if not urgent and now < self._next_cut_ms:
            return
        made = self._keeper.use(Spool.cut)
        self._next_cut_ms = now + (self._after_first_ms or self._cut_ms)
        self._after_first_ms = 0
        if made:
            self._sent_for()

    def _trim(self) -> None:
        now = self._clock.mono_ms()
        if now < self._next_trim_ms:
            return
        lost = self._keeper.use(lambda spool: trim(spool, self._limits))
        self._next_trim_ms = now + TRIM_EVERY_MS
        if lost:
            warn("spool_trimmed", observations=lost)
