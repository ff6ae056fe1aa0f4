"""Verdicts of one cause that follow each other, as the runs of one trouble: what comes back at once never ended.

A verdict holds over one span; a trouble that flaps gives many. All of it is in event time: whoever looks later, or
learns of it in another order, sees the same runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import attrgetter

from alerts.api import Verdict
from alerts.correlate.limits import Limits


@dataclass(frozen=True, slots=True)
class Run:
    """One trouble from `since_ms` to `ended_ms` (None: it holds). `verdict` is that of its last spell; `spells`: how
    often it fell; `known_ms`: when the first evidence of it arrived."""

    verdict: Verdict
    since_ms: int
    ended_ms: int | None
    known_ms: int
    spells: int = 1
    flaps: bool = False

    @property
    def cause(self) -> str:
        return self.verdict.cause

    def hold_ms(self, limits: Limits) -> int:
        """How long it must be over before its end is believed."""
        return round(1000 * (limits.flap_hold_s if self.flaps else limits.settle_s))

    def touches(self, from_ms: int, to_ms: int | None, apart_ms: int = 0) -> bool:
        """Whether it shares time with a span, or lies no farther from it than `apart_ms`."""
        before = to_ms is not None and to_ms + apart_ms < self.since_ms
        after = self.ended_ms is not None and self.ended_ms + apart_ms < from_ms
        return not before and not after


def runs(verdicts: Iterable[Verdict], limits: Limits) -> list[Run]:
    """Every trouble there is, by cause and time."""
    by_cause: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        by_cause.setdefault(verdict.cause, []).append(verdict)
    return [run for _, spells in sorted(by_cause.items()) for run in _of_cause(spells, limits)]


def known_ms(verdict: Verdict) -> int:
    """When it could first be known: evidence from before it began (a contract, a planned stop) tells nothing of it."""
    return min((one.arrived_ms for one in verdict.evidence if one.arrived_ms >= verdict.since_ms), default=0)


def _of_cause(spells: Sequence[Verdict], limits: Limits) -> list[Run]:
    ordered = sorted(spells, key=attrgetter("since_ms"))
    if len(ordered) == 1:  # most troubles are so
        only = ordered[0]
        return [Run(only, only.since_ms, only.ended_ms, known_ms(only))]
    flapping = _flapping(ordered, limits)
    found: list[Run] = []
    chain = [0]
    for n in range(1, len(ordered)):
        if not _one_trouble(ordered, n, flapping, limits):
            found.append(_run([ordered[k] for k in chain], flaps=not flapping.isdisjoint(chain)))
            chain = []
        chain.append(n)
    return [*found, _run([ordered[k] for k in chain], flaps=not flapping.isdisjoint(chain))]


def _flapping(ordered: Sequence[Verdict], limits: Limits) -> set[int]:
    """Those that are part of so many within the window that together they are one trouble."""
    found: set[int] = set()
    for n in range(len(ordered) - limits.flaps + 1):
        last = n + limits.flaps - 1
        if ordered[last].since_ms - ordered[n].since_ms <= 1000 * limits.flap_window_s:
            found |= set(range(n, last + 1))
    return found


def _one_trouble(ordered: Sequence[Verdict], n: int, flapping: set[int], limits: Limits) -> bool:
    """Whether what fell at `n` had not really come back before."""
    ended = ordered[n - 1].ended_ms
    if ended is None:
        return True
    gap_s = (ordered[n].since_ms - ended) / 1000
    if {n - 1, n} <= flapping:
        return gap_s <= limits.flap_window_s
    return gap_s <= (limits.flap_hold_s if n - 1 in flapping else limits.settle_s)


def _run(spells: Sequence[Verdict], *, flaps: bool) -> Run:
    last = max(spells, key=lambda v: (v.ended_ms is None, v.ended_ms or 0, v.since_ms))
    known = min(known_ms(verdict) for verdict in spells)
    falls = 1 + sum(a.ended_ms is not None and a.ended_ms < b.since_ms for a, b in pairwise(spells))
    return Run(last, spells[0].since_ms, last.ended_ms, known, falls, flaps)
