"""Speed tests in a plan: every line that this box can send by, once in a period; the hour is given by the lease."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from collector.planning.drawing import DEFAULT, Drawn, Line, Post, Wanted, bind
from wire.messages import Scalar

PROBE: Final = "bandwidth"
TARGET: Final = "province"
"""The servers of the province; which one it is, the lease tells."""

MARGIN_S: Final = 45.0
"""What a run takes besides the test: to ask for the lease, to wait for its beginning, to look at the idle line."""

_INTERNET: Final = frozenset({"internet", "mobile"})


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often, how long a test takes at most, what a direction of it should cost; from the policy in force."""

    period_s: float
    spare_period_s: float
    test_s: float
    enough_s: float
    enough_bytes: float


def add_tests(drawn: Drawn, post: Post, lines: Sequence[Line], rhythm: Rhythm | None) -> None:
    """Add the tests of a centre's lines to its box's plan; none where no measurement server is there (None)."""
    if rhythm is not None and post.leads and post.role == "box":
        drawn.items += _tests(lines, rhythm)


def _tests(lines: Sequence[Line], rhythm: Rhythm) -> Iterator[Wanted]:
    spare, default = _spare(lines), False
    for line in lines:
        bound, _ = bind(line.reach_by)
        if bound is None or (default and line.reach_by == DEFAULT):
            continue
        default = default or line.reach_by == DEFAULT
        period_s = rhythm.spare_period_s if line.key in spare else rhythm.period_s
        cost = {"enough_s": rhythm.enough_s, "enough_bytes": rhythm.enough_bytes}
        settings: dict[str, Scalar] = {"engine": TARGET, **cost, **bound}
        why = "a spare line: seldom; " if line.key in spare else ""
        yield Wanted(
            line.subject, PROBE, TARGET, period_s, rhythm.test_s + MARGIN_S, settings,
            f"{why}the collector gives the hour, so that tests never meet",
        )  # fmt: skip


def _spare(lines: Sequence[Line]) -> frozenset[str]:
    """The idle ones among the ways to the internet: all but the default one, or but the first where none is."""
    ways = [line for line in lines if line.kind in _INTERNET]
    if not ways:
        return frozenset()
    first = next((line for line in ways if line.reach_by == DEFAULT), ways[0])
    return frozenset(line.key for line in ways if line is not first)
