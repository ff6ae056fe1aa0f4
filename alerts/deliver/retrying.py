"""How long to wait after a try that failed. Pure."""

from __future__ import annotations

import random
from typing import Final

FIRST_S: Final = 15.0
LONGEST_S: Final = 1_800.0
GIVE_UP_S: Final = 86_400.0
"""A message that could not be brought for a day is a dead letter: by then it is news no more."""


def pause_s(tries: int, chance: random.Random) -> float:
    """Twice as long after every failure, with jitter so that what failed together does not come back together."""
    longest = min(LONGEST_S, FIRST_S * 2.0 ** min(max(0, tries - 1), 20))
    return longest * chance.uniform(0.5, 1.0)


def given_up(created_ms: int, now_ms: int) -> bool:
    """Whether it is not worth another try."""
    return now_ms - created_ms > 1000 * GIVE_UP_S
