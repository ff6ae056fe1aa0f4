"""When each item is due: APScheduler, living on a clock that nobody can set.

APScheduler asks one question about time: `datetime.now(timezone)`. Its zone here is `Ticks`, in which it is always
1970 plus the time since boot, suspend counted; so a step of the wall clock cannot silence or stampede it. What is
left is its sleep, which does not count suspend: the guard (agent/work/guard.py) wakes it.
"""

from __future__ import annotations

import logging
import math
import random
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from apscheduler.executors.debug import DebugExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.date import DateTrigger

from wire.clock import Clock
from wire.messages import PlanItem

_ZERO: Final = timedelta(0)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MAX_JITTER_S: Final = 5.0
JITTER_SHARE: Final = 0.05
FIRST_WITHIN_S: Final = 300.0
FIRST_SOON_S: Final = 15.0  # what is asked often is near, mostly the machine itself: people wait for first figures
SHARED: Final = "service:"
CROWD: Final = 60  # so many items of one probe are spread over all of their period, or they stay in a bunch for ever


class Ticks(tzinfo):
    """A zone whose now is the monotonic clock's: 1970-01-01 is the start of the machine."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def fromutc(self, _dt: datetime) -> datetime:
        return self.at(self._clock.mono_ms())

    def at(self, mono_ms: float) -> datetime:
        return (_EPOCH + timedelta(milliseconds=mono_ms)).replace(tzinfo=self)

    def utcoffset(self, _dt: datetime | None) -> timedelta:
        return _ZERO

    def dst(self, _dt: datetime | None) -> timedelta:
        return _ZERO

    def tzname(self, _dt: datetime | None) -> str:
        return "ticks"


class Grid(BaseTrigger):  # type: ignore[misc]  # apscheduler has no types
    """Due at phase + k × period + a fresh jitter. Jitter never adds up: coverage counts on period_s being the mean."""

    def __init__(self, zone: Ticks, *, period_s: float, phase_s: float, chance: random.Random) -> None:
        self._zone, self._period_s, self._phase_s, self._chance = zone, period_s, phase_s, chance
        self._jitter_s = min(MAX_JITTER_S, period_s * JITTER_SHARE)

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        """The first grid point after `previous`; after a gap, after `now`: what was missed is made up for once."""
        before = now.timestamp()
        if previous is not None and previous.timestamp() > before - self._period_s:
            before = previous.timestamp()
        # A millisecond more, or a point rounded down to the microsecond would be found a second time.
        k = math.floor((before + 0.001 - self._phase_s) / self._period_s) + 1
        due = self._phase_s + k * self._period_s + self._chance.uniform(0, self._jitter_s)
        return self._zone.at(due * 1000)


class Schedule:
    """Calls `due(item)` when an item is due. `due` returns at once: it only hands the item on."""

    def __init__(self, clock: Clock, due: Callable[[PlanItem], None], chance: random.Random) -> None:
        self._due, self._clock, self._chance = due, clock, chance
        self._zone = Ticks(clock)
        self._items: dict[str, PlanItem] = {}
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        self._scheduler = BackgroundScheduler(
            timezone=self._zone,
            executors={"default": DebugExecutor()},  # in its own thread: `due` does not wait for the probe
            job_defaults={"coalesce": True, "misfire_grace_time": None},
        )

    def start(self) -> None:
        self._scheduler.start()

    def stop(self) -> None:
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def wake(self) -> None:
        """Look again at what is due: after a suspend its sleep was too long."""
        if self._scheduler.running:
            self._scheduler.wakeup()

    def apply(self, items: Iterable[PlanItem]) -> None:
        """Measure these from now on. What did not change keeps its rhythm."""
        wanted = {item.id: item for item in items}
        for key in [k for k, item in self._items.items() if wanted.get(k) != item]:
            self._scheduler.remove_job(key)
            del self._items[key]
        many = {probe for probe, count in Counter(item.probe for item in wanted.values()).items() if count > CROWD}
        for key, item in wanted.items():
            if key not in self._items:
                grid = self._grid(item, spread=item.probe in many or item.subject.startswith(SHARED))
                self._scheduler.add_job(self._due, grid, args=(item,), id=key)
                self._items[key] = item

    def soon(self, item: PlanItem, after_s: float) -> None:
        """Have an item due once more, besides its rhythm. It is left out where the plan has another by then."""
        at = self._zone.at(self._clock.mono_ms() + 1000 * after_s)
        once = DateTrigger(at, timezone=self._zone)
        self._scheduler.add_job(self._once, once, args=(item,), id=f"soon/{item.id}", replace_existing=True)

    def _once(self, item: PlanItem) -> None:
        if self._items.get(item.id) == item:
            self._due(item)

    def item(self, key: str) -> PlanItem | None:
        return self._items.get(key)

    def _grid(self, item: PlanItem, *, spread: bool) -> Grid:
        # A phase by chance: 3,300 agents that start together must not ask one server together. But within minutes
        # even for what is due once a day: a PC that is off at night would else never get to it. What all agents share
        # is spread over its whole period: the same new plan comes to all of them at once, and its budget must hold.
        within_s = FIRST_WITHIN_S if item.period_s >= FIRST_WITHIN_S else FIRST_SOON_S
        within_s = item.period_s if spread else within_s
        phase_s = self._clock.mono_ms() / 1000 + self._chance.uniform(0, min(item.period_s, within_s))
        return Grid(self._zone, period_s=item.period_s, phase_s=phase_s, chance=self._chance)
