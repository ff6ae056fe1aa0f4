"""How many batches a request may hold: as many as are receipted within about a second.

What is live goes before what is late, but not before the request that is under way: sixty batches of backlog
keep a line of 0.5 Mbit/s busy for more than a second, and take longer where a hundred centres come back at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from wire.messages import MAX_BATCHES

SOON_S: Final = 1.0
LEAST: Final = 5
"""Fewer only where requests die on the way: each costs a round trip and a COMMIT, however little it holds."""


@dataclass(slots=True)
class Room:
    """`size`: batches the next request may hold."""

    size: int = MAX_BATCHES

    def answered(self, sent: int, took_s: float) -> None:
        """A request of so many batches had its answer after so long."""
        if took_s > SOON_S:
            fit = max(LEAST, self.size // 2, round(sent * SOON_S / took_s))
            self.size = min(self.size, fit)
        elif took_s > SOON_S / 2:
            self.size = min(MAX_BATCHES, self.size + 1 + self.size // 4)
        else:
            self.size = min(MAX_BATCHES, self.size * 2)

    def halve(self, sent: int) -> None:
        """A request of so many did not come through, or was too large."""
        self.size = max(1, sent // 2)
