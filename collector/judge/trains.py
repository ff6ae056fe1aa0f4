"""Loss and round trips of a lan or a line over its window, by the source that sees them best."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

from collector.judge.facts import Fact
from collector.judge.timeline import Detail
from collector.judge.walk import Symptom
from collector.judge.windows import Window

PROBE: Final = "reach"


def only(facts: Sequence[Fact]) -> Sequence[Fact]:
    """Those of trains: what else is measured of a lan or a line (Wi-Fi, its resolver) neither proves nor disproves."""
    return [fact for fact in facts if fact.probe == PROBE] if others(facts) else facts


def others(facts: Sequence[Fact]) -> Sequence[Fact]:
    """Those of all other probes."""
    return [fact for fact in facts if fact.probe != PROBE]


class Trains:
    """A window for each source. Something is wrong with a line only where every source that answers says so:

    one anchor that is down, or far away, says nothing of the line. While nothing was lost and nothing slow there is
    nothing to be found: what was taken in waits, and the windows are filled when they are asked for.
    """

    def __init__(self) -> None:
        self._windows: dict[tuple[str, str], Window] = {}
        self._waiting: list[Sequence[Fact]] = []
        self._until = 0
        self._lost = False
        self._longest_s = 0.0

    def take(self, facts: Sequence[Fact], window_s: float) -> None:
        """Take facts in, in order, at least one."""
        self._waiting.append(facts)
        self._until = facts[-1].at - int(window_s * 1000)
        for fact in facts:
            if fact.received < fact.sent:
                self._lost = True
            if fact.rtt_s is not None and fact.rtt_s > self._longest_s:
                self._longest_s = fact.rtt_s

    def well(self, limit_s: float = math.inf) -> bool:
        """Whether nothing that was taken in was lost, or slower than `limit_s`."""
        return not self._lost and self._longest_s <= limit_s

    def telling(self, min_trains: int) -> list[Window]:
        """The windows that hold enough trains to say something, by name: which was first depends on the beginning."""
        self._fill()
        return [w for w in (self._windows[source] for source in sorted(self._windows)) if len(w) >= min_trains]

    def _fill(self) -> None:
        for facts in self._waiting:
            for fact in facts:
                if fact.outcome != "unknown":
                    window = self._windows.get(fact.source)
                    if window is None:
                        window = self._windows[fact.source] = Window()
                    window.add(fact)
        self._waiting.clear()
        for window in self._windows.values():
            window.forget(self._until)


def loss(windows: list[Window], limit: float) -> Symptom | None:
    """`loss` where even the best window's lower bound is over the limit.

    Not sure where only its measured share is: so a loss near the limit does not come and go with every train.
    """
    if not windows or any(window.lost == 0 for window in windows):
        return None
    best = min(windows, key=lambda window: (window.loss_low, window.loss))
    if best.loss <= limit:
        return None
    detail: Detail = {"loss_low": round(best.loss_low, 4), "lost": best.lost, "sent": best.sent, "limit": limit}
    return Symptom("loss", detail, best.lossy(), best.loss_low > limit)


def slow(windows: list[Window], limit_s: float) -> Symptom | None:
    """`slow` where even the best window's median round trip is over the limit."""
    medians = [(window.rtt_s, n) for n, window in enumerate(windows) if window.rtt_s is not None]
    if not medians:
        return None
    rtt_s, n = min(medians)
    if rtt_s <= limit_s:
        return None
    return Symptom("slow", {"rtt_s": round(rtt_s, 6), "limit": limit_s}, windows[n].slow(limit_s))


def answered(facts: list[Fact], *, agents: set[str], first: int, last: int) -> bool:
    """Whether anything answered one of these agents from `first` to `last`; `facts` in order of time."""
    for n in range(bisect_left(facts, first, key=lambda fact: fact.at), len(facts)):
        if facts[n].at > last:
            return False
        if facts[n].outcome == "ok" and facts[n].agent in agents:
            return True
    return False
