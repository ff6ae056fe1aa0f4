"""The wait channel: one long poll after another is heartbeat, task channel and the signal that the plan changed."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from agent.log import say, warn
from agent.talk.contact import Contact
from agent.work.plan import Held, PlanError, PlanFile
from wire.client import Refused, Unreachable
from wire.clock import Clock
from wire.messages import Plan, Task, WaitAnswer

FIRST_RETRY_S: Final = 1.0
LONGEST_RETRY_S: Final = 20.0  # silent means 50 s without a word: one failed attempt must not make the agent silent
BARRED_S: Final = 300.0
HASTY_MS: Final = 1_000


class Channel(Protocol):
    """What waiting needs of wire.client.Client."""

    def wait(self, plan_sha256: str, caps: str = "", running: str = "", timeout_s: float = 40.0) -> WaitAnswer: ...

    def plan(self) -> Plan: ...


class Waiter:
    """One step is one long poll."""

    def __init__(
        self,
        channel: Channel,
        *,
        clock: Clock,
        contact: Contact,
        plan: PlanFile,
        caps: str,
        running: Callable[[], str],
        apply: Callable[[Held], None],
        take: Callable[[Sequence[Task]], None],
        reached: Callable[[], None],
        chance: random.Random,
    ) -> None:
        self._channel, self._clock, self._contact, self._plan, self._caps = channel, clock, contact, plan, caps
        self._running, self._apply, self._take, self._reached, self._chance = running, apply, take, reached, chance
        self._failures = 0

    def run(self, stop: threading.Event) -> None:
        while not stop.wait(self.step()):
            pass

    def step(self) -> float:
        """One long poll and what follows from its answer; returns the seconds until the next."""
        began = self._clock.mono_ms()
        try:
            answer = self._channel.wait(self._plan.now.sha256, self._caps, self._running())
            self._contact.heard(answer.server_time_ms, answer.notices)
            if answer.plan_sha256 != self._plan.now.sha256:
                self._fetch_plan()
        except Unreachable as error:
            return self._failed(error.reason, str(error))
        except PlanError as error:
            return self._failed("bad_plan", str(error))
        except Refused as refusal:
            return self._refused(refusal)
        self._succeeded()
        self._take(answer.tasks)
        # An answer at once is right when there is news; a collector that always answers at once must not be hammered.
        hasty = self._clock.mono_ms() - began < HASTY_MS
        return self._chance.uniform(0.5, 1.0) if hasty else 0.0

    def _fetch_plan(self) -> None:
        before = self._plan.now.sha256
        held = self._plan.keep(self._channel.plan())
        if held.sha256 != before:
            say("plan_changed", version=held.version, items=len(held.items), refused=held.refused)
            self._apply(held)

    def _refused(self, refusal: Refused) -> float:
        if refusal.status in {401, 403}:
            self._contact.barred = refusal.problem.detail or refusal.problem.title
            return self._failed("barred", str(refusal), at_least_s=BARRED_S)
        return self._failed(refusal.problem.code or str(refusal.status), str(refusal), refusal.retry_after_s or 0.0)

    def _failed(self, reason: str, text: str, at_least_s: float = 0.0) -> float:
        if self._failures == 0:
            warn("wait_failed", reason=reason, error=text)
        longest = min(LONGEST_RETRY_S, FIRST_RETRY_S * 2.0 ** min(self._failures, 10))
        self._failures += 1
        return min(at_least_s, 3_600.0) + longest * self._chance.uniform(0.5, 1.0)

    def _succeeded(self) -> None:
        if self._failures:
            say("wait_restored", after_failures=self._failures)
            self._reached()
        self._failures = 0
