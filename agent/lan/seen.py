"""What this box itself saw last, for the page that must work when nothing else does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from wire.messages import Observation, Scalar
from wire.outcomes import Outcome

SHOWN: Final = ("reach", "service", "dns")
MAX_KEYS: Final = 200

Key = tuple[str, str, str]
"""Subject, probe, target."""


@dataclass(frozen=True, slots=True)
class Sight:
    """The last run on one target: how it ended, since when it ends so, when it last was ok. UTC ms."""

    subject: str
    probe: str
    target: str
    outcome: Outcome
    reason: str | None
    at_ms: int
    since_ms: int
    ok_ms: int | None
    took_s: float | None
    detail: Mapping[str, Scalar]


class Seen:
    """Kept from observations as they are made; from any thread. `now_ms` is the collector's time, carried on."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms, self._lock = now_ms, threading.Lock()
        self._last: dict[Key, Sight] = {}

    def take(self, o: Observation) -> None:
        """A run ended this moment."""
        if o.probe not in SHOWN or o.reason in {"interrupted", "overlap"}:
            return
        key, now_ms = (o.subject, o.probe, o.target), self._now_ms()
        with self._lock:
            before = self._last.get(key)
            if before is None and len(self._last) >= MAX_KEYS:
                return
            same = before is not None and before.outcome == o.outcome
            since_ms = before.since_ms if before is not None and same else now_ms
            ok_ms = now_ms if o.outcome == "ok" else before.ok_ms if before is not None else None
            self._last[key] = Sight(
                o.subject, o.probe, o.target, o.outcome, o.reason, now_ms, since_ms, ok_ms, _took_s(o), o.detail
            )

    def now(self) -> list[Sight]:
        """All of them: what does not answer first, then lan, lines, shared systems."""
        with self._lock:
            found = list(self._last.values())
        return sorted(found, key=_worst_first)

    def forget(self, keep: set[Key]) -> None:
        """What is no longer in the plan is not shown."""
        with self._lock:
            self._last = {key: sight for key, sight in self._last.items() if key in keep}


_ORDER: Final = {"lan": 0, "line": 1, "service": 2}


def _worst_first(sight: Sight) -> tuple[bool, int, str, str]:
    return sight.outcome != "fail", _ORDER.get(sight.subject.partition(":")[0], 9), sight.subject, sight.target


def _took_s(o: Observation) -> float | None:
    """Of a train the median round trip, of a shared system the whole answer."""
    found = (v.value for v in o.values if v.metric.endswith(("_rtt_seconds", "_total_seconds")))
    return next(found, sum(o.phases.values()) if o.phases and o.outcome == "ok" else None)
