"""Runs: the spells of a subject that are one trouble, and what of them a planned stop accounts for.

Spells of one state belong together where the subject was not well for long enough in between, or where it fell and came
back so often that it is one lasting trouble.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from alerts.correlate.limits import Limits
from alerts.correlate.picture import Spell
from collector.api import State, Window

ALWAYS: Final = 2**62

SAYS_NOTHING: Final = frozenset({
    "clock_unsure", "decommissioned", "gateway_mute", "never_measured", "nobody_measures", "not_measurable", "paused",
    "too_few",
})  # fmt: skip
"""Reasons for a state of which nobody is to be told: nothing is known, or nothing was asked."""

LASTS_UNSEEN: Final[Mapping[State, tuple[str, ...]]] = {"down": ("device:", "line:"), "degraded": ("device:",)}
"""What is no better before it was seen better. An agent's silence is told by itself, a network's by its box; that a
line was short of well says nothing of it once its box is gone."""


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """Spells of a subject in one state, in order. `to_ms` None: it holds, or came back too often to be over."""

    subject: str
    state: State
    spells: tuple[Spell, ...]
    from_ms: int
    to_ms: int | None
    flapping: bool = False

    @property
    def end_ms(self) -> int:
        """When it ended; further than any time where it holds."""
        return ALWAYS if self.to_ms is None else self.to_ms

    @property
    def reasons(self) -> frozenset[str]:
        """All reasons given."""
        return frozenset(spell.reason or "" for spell in self.spells)

    @property
    def reason(self) -> str:
        """The newest reason given."""
        return self.spells[-1].reason or ""

    def lasts_ms(self, now_ms: int) -> int:
        """How long it lasted so far."""
        return (now_ms if self.to_ms is None else self.to_ms) - self.from_ms

    def overlaps(self, from_ms: int, to_ms: int) -> bool:
        """Whether it held at some moment of a span."""
        return self.from_ms < to_ms and self.end_ms > from_ms


def runs_of(spells: Sequence[Spell], limits: Limits, now_ms: int) -> dict[State, list[Run]]:
    """The runs of one subject by state, in order of time. What cannot be told bridges what is down; a machine or a
    line is no better before it was seen better."""
    told = [spell for spell in spells if spell.reason not in SAYS_NOTHING and spell.from_ms <= now_ms]
    if len(told) == 1:  # most subjects are so
        return {told[0].state: [_run(told, limits, now_ms)]}
    told.sort(key=lambda spell: spell.from_ms)
    found: dict[State, list[Run]] = {}
    unseen = [spell for spell in told if spell.state == "unknown"]
    for state in ("down", "degraded", "unknown"):
        own = [spell for spell in told if spell.state == state]
        if own and own[0].subject.startswith(LASTS_UNSEEN.get(state, ())):
            own = _outlasting(own, unseen)
        if own:
            bridges = unseen if state == "down" else []
            found[state] = _flapped(_merged(own, bridges, limits, now_ms), limits, now_ms)
    return found


def _outlasting(own: Sequence[Spell], unseen: Sequence[Spell]) -> list[Spell]:
    """Spells with the time behind them in which nobody could say that they were over."""
    until = {spell.from_ms: spell.to_ms for spell in unseen}

    def lasting(to_ms: int | None) -> int | None:
        while to_ms in until and until[to_ms] != to_ms:
            to_ms = until[to_ms]
        return to_ms

    return [replace(spell, to_ms=lasting(spell.to_ms)) for spell in own]


def _merged(own: Sequence[Spell], bridges: Sequence[Spell], limits: Limits, now_ms: int) -> list[Run]:
    parts: list[list[Spell]] = [[own[0]]]
    for spell in own[1:]:
        end = parts[-1][-1].to_ms
        well_ms = 0 if end is None else _well(end, spell.from_ms, bridges)
        if well_ms <= 1000 * limits.settle_s:
            parts[-1].append(spell)
        else:
            parts.append([spell])
    return [_run(part, limits, now_ms) for part in parts]


def _well(from_ms: int, to_ms: int, bridges: Iterable[Spell]) -> int:
    """How much of a span no bridge covers."""
    left = to_ms - from_ms
    for one in bridges:
        end = ALWAYS if one.to_ms is None else one.to_ms
        left -= max(0, min(end, to_ms) - max(one.from_ms, from_ms))
    return left


def _run(spells: Sequence[Spell], limits: Limits, now_ms: int, *, flapping: bool = False) -> Run:
    last = spells[-1].to_ms
    if flapping and last is not None and now_ms < last + 1000 * limits.flap_hold_s:
        last = None
    return Run(spells[0].subject, spells[0].state, tuple(spells), spells[0].from_ms, last, flapping)


def _flapped(runs: list[Run], limits: Limits, now_ms: int) -> list[Run]:
    """Runs that came so often within the window are one, with all that follow before it was quiet for long enough."""
    n = 0
    while n + limits.flaps <= len(runs):
        last = n + limits.flaps - 1
        if runs[last].from_ms - runs[n].from_ms > 1000 * limits.flap_window_s:
            n += 1
            continue
        while last + 1 < len(runs) and runs[last + 1].from_ms - runs[last].end_ms <= 1000 * limits.flap_hold_s:
            last += 1
        spells = [spell for run in runs[n : last + 1] for spell in run.spells]
        runs = [*runs[:n], _run(spells, limits, now_ms, flapping=True), *runs[last + 1 :]]
        n += 1
    return runs


# --- planned stops --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Covered:
    """A piece of a spell that lies within a planned stop."""

    spell: Spell
    window: Window


def outside(
    spells: Sequence[Spell], windows: Sequence[Window], settle_ms: float, now_ms: int
) -> tuple[list[Spell], list[Covered]]:
    """What of spells sticks out of planned stops, and what lies within. What sticks out by less than `settle_ms`
    where a stop begins or ends is the stop's own: nothing is judged to the second."""
    kept, covered = [], []
    for spell in spells:
        pieces = [spell]
        for window in windows:
            pieces = [rest for piece in pieces for rest in _cut(piece, window, settle_ms, now_ms)]
            if _inside(spell, window):
                covered.append(Covered(spell, window))
        kept += pieces
    return kept, covered


def _inside(spell: Spell, window: Window) -> bool:
    return spell.from_ms < window.end_ms and (spell.to_ms is None or spell.to_ms > window.from_ms)


def _cut(spell: Spell, window: Window, settle_ms: float, now_ms: int) -> list[Spell]:
    if not _inside(spell, window):
        return [spell]
    found = []
    if window.from_ms - spell.from_ms > settle_ms:
        found.append(replace(spell, to_ms=window.from_ms))
    if (now_ms if spell.to_ms is None else spell.to_ms) - window.end_ms > settle_ms:
        found.append(replace(spell, from_ms=max(spell.from_ms, window.end_ms)))
    return found


def near(runs: Mapping[State, Sequence[Run]], state: State, from_ms: int, to_ms: int) -> list[Run]:
    """The runs in a state that began within a span, its end included."""
    every = runs.get(state, ())
    if not every:
        return []
    first = bisect_left(every, from_ms, key=lambda run: run.from_ms)
    return [run for run in every[first:] if run.from_ms <= to_ms]
