"""What the agent does of its own accord: where a line's trains are lost whole, it looks at the way before anyone asks.

Nothing reaches the collector then, so nobody else could ask in time. When trains come through again it looks once more:
the way as it is after the repair. How many trains, and how long it rests before it looks again, stands in the plan:
`after_lost` and `rest_s` of the item of probe `path` with the same subject and target.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import msgspec

from agent.probes.aim import AtLoss
from wire.clock import Clock
from wire.messages import Observation, PlanItem
from wire.readied import readied

WATCHED: Final = "reach"
STARTED: Final = "path"
LOST: Final = frozenset({"no_answer", "unreachable"})

Key = tuple[str, str]
"""Subject, target."""


@dataclass(slots=True)
class _Watch:
    """One way: the trains lost in a row, when it was looked at last because of them, and whether that is still so."""

    item: PlanItem
    rule: AtLoss
    lost: int = 0
    started_ms: int | None = None
    looked: bool = False

    def hear(self, observation: Observation, now_ms: int) -> bool:
        """Count a train in; whether to look now. A train that says nothing of the way neither counts nor resets."""
        if observation.outcome == "ok":
            mended, self.lost, self.looked = self.looked, 0, False
            return mended
        if observation.outcome != "fail" or observation.reason not in LOST:
            return False
        self.lost += 1
        rested = self.started_ms is None or now_ms - self.started_ms >= self.rule.rest_s * 1000
        if not self.rule.after_lost or self.lost < self.rule.after_lost or not rested:
            return False
        self.started_ms, self.looked = now_ms, True
        return True


class Reactions:
    """`start` runs a plan item now. `see` may be called from any thread."""

    def __init__(self, clock: Clock, start: Callable[[PlanItem], None]) -> None:
        self._clock, self._start = clock, start
        self._lock = threading.Lock()
        self._watches: dict[Key, _Watch] = {}

    def apply(self, items: Iterable[PlanItem]) -> None:
        """Heed these from now on. What did not change keeps its count."""
        wanted = {(item.subject, item.target): item for item in items if item.probe == STARTED}
        with self._lock:
            held = self._watches
            self._watches = {
                key: held[key] if key in held and held[key].item == item else _Watch(item, rule)
                for key, item in wanted.items()
                if (rule := _rule(item)) is not None
            }

    def see(self, observation: Observation) -> None:
        """Take in what was measured; starts what it calls for."""
        if observation.probe != WATCHED:
            return
        with self._lock:
            watch = self._watches.get((observation.subject, observation.target))
            due = watch is not None and watch.hear(observation, self._clock.mono_ms())
        if watch is not None and due:
            self._start(watch.item)


def _rule(item: PlanItem) -> AtLoss | None:
    """None where the settings are unusable: the probe says so when it is due."""
    try:
        return msgspec.convert(item.settings, readied(AtLoss))
    except (msgspec.ValidationError, OverflowError):
        return None
