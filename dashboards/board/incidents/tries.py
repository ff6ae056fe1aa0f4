"""How often a code may be guessed: wrong ones of late are counted by incident and by address.

A code has six digits, and a large incident a hundred places whose codes are right. Kept in memory: a restart gives
nothing away but one more handful of tries.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Final

from dashboards.board.faults import Refused
from dashboards.board.times import minute

PER_INCIDENT: Final = 5
PER_ADDRESS: Final = 20
"""Several phones of one carrier may come from one address."""

WINDOW_MS: Final = 15 * 60_000
KEPT: Final = 10_000
"""So many incidents and addresses at most are remembered; the oldest are forgotten first."""

_MINUTE_MS: Final = 60_000


class Tries:
    """Safe from any thread. `now_ms`: the clock of the pages, which say until when to wait."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._of: OrderedDict[tuple[str, str], list[int]] = OrderedDict()
        self._lock = Lock()

    def take(self, incident: str, address: str) -> None:
        """Count a try before it is looked at, so that many at once are no way around. Raises Refused."""
        now_ms = self._now_ms()
        with self._lock:
            until_ms = max(
                self._until(("incident", incident), PER_INCIDENT, now_ms),
                self._until(("address", address), PER_ADDRESS, now_ms),
            )
            if until_ms > now_ms:
                raise Refused(429, "incident_tries", wait_ms=until_ms - now_ms, until=minute(until_ms, now_ms))
            for key in (("incident", incident), ("address", address)):
                self._of.setdefault(key, []).append(now_ms)
                self._of.move_to_end(key)
            while len(self._of) > KEPT:
                self._of.popitem(last=False)

    def right(self, incident: str, address: str) -> None:
        """It was right: what was tried before counts no more for this incident, nor this try for the address."""
        with self._lock:
            self._of.pop(("incident", incident), None)
            if own := self._of.get(("address", address)):
                own.pop()

    def _until(self, key: tuple[str, str], most: int, now_ms: int) -> int:
        """When there may be another; now or before where there may be one at once."""
        own = _late(self._of.get(key, ()), now_ms)
        if not own:
            self._of.pop(key, None)
            return now_ms
        self._of[key] = own
        if len(own) < most:
            return now_ms
        return _full_minute(own[-most] + WINDOW_MS)


def _late(tries: Sequence[int], now_ms: int) -> list[int]:
    """Those of late; what lies ahead was before the clock was set back, and counts from now."""
    return [min(at_ms, now_ms) for at_ms in tries if now_ms - at_ms < WINDOW_MS]


def _full_minute(at_ms: int) -> int:
    """Pages tell times by the minute: nobody who waits as told waits too short."""
    return -(-at_ms // _MINUTE_MS) * _MINUTE_MS
