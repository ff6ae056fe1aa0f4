"""What changed is measured again soon, not in its next turn: one train lost may be chance, and the collector believes
several alike. A line asked once a minute would be known to be lost after three minutes, and to be back after two.

How soon stands in the plan: `confirm_s` of an item of probe `reach`. So many alike in a row as the recorder sends at
once (agent/spool/recorder.py) are measured that way, then the item goes on in its rhythm.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import msgspec

from agent.probes.reach import Settings
from agent.spool.recorder import CONFIRMED
from wire.messages import Observation, PlanItem
from wire.outcomes import Outcome
from wire.readied import readied

PROBE: Final = "reach"
MOST: Final = 100
"""Items that wait to be asked again: where more change at once it is this machine that is cut off, and every train that
is lost keeps a thread for as long as it waits."""

Key = tuple[str, str]
"""Subject, target."""


@dataclass(slots=True)
class _Said:
    """What an item told last, and how often in a row."""

    item: PlanItem
    after_s: float
    outcome: Outcome | None = None
    alike: int = CONFIRMED
    waits: bool = False

    def hear(self, outcome: Outcome) -> bool:
        """Take in what was told; whether to ask again soon. What is not known neither confirms nor denies."""
        if outcome == "unknown":
            return False
        if outcome == self.outcome:
            self.alike = min(self.alike + 1, CONFIRMED)
        else:
            self.alike = CONFIRMED if self.outcome is None else 1
            self.outcome = outcome
        return self.alike < CONFIRMED


class Confirming:
    """`soon` runs a plan item after so many seconds. `see` may be called from any thread."""

    def __init__(self, soon: Callable[[PlanItem, float], None]) -> None:
        self._soon = soon
        self._lock = threading.Lock()
        self._said: dict[Key, _Said] = {}

    def apply(self, items: Iterable[PlanItem]) -> None:
        """Heed these from now on. What did not change keeps what it said."""
        wanted = {(i.subject, i.target): (i, after_s) for i in items if (after_s := _after_s(i)) is not None}
        with self._lock:
            held = self._said
            self._said = {
                key: held[key] if key in held and held[key].item == item else _Said(item, after_s)
                for key, (item, after_s) in wanted.items()
            }

    def see(self, observation: Observation) -> None:
        """Take in what was measured; asks again soon where it is another thing than before."""
        if observation.probe != PROBE:
            return
        with self._lock:
            said = self._said.get((observation.subject, observation.target))
            if said is None:
                return
            said.waits = False
            said.waits = again = said.hear(observation.outcome) and self._waiting() < MOST
        if again:
            self._soon(said.item, said.after_s)

    def _waiting(self) -> int:
        return sum(said.waits for said in self._said.values())


def _after_s(item: PlanItem) -> float | None:
    """None where nothing is confirmed: not asked for, no sooner than its turn, or unusable, as the probe will say."""
    if item.probe != PROBE:
        return None
    try:
        after_s = msgspec.convert(item.settings, readied(Settings)).confirm_s
    except (msgspec.ValidationError, OverflowError):
        return None
    return after_s if 0 < after_s < item.period_s else None
