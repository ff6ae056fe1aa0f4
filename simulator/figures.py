"""The score of many trials: recall, right owners, messages for each cause, time to the incident. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import mean, median
from typing import Final

from simulator.causes import CUTS
from simulator.scoring import Row, Scored

AT_ONCE: Final = frozenset({*CUTS, "power", "line_flapping"})
"""Kinds that are seen at once; the others only after a window, or some runs."""

RECALL: Final = 0.98
OWNER_RIGHT: Final = 0.95


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds from the beginning of causes to their incidents."""

    count: int
    median: float | None
    p95: float | None


@dataclass(frozen=True, slots=True)
class Kind:
    """How one kind of cause came off."""

    causes: int
    found: int
    right: int
    one_message: int


@dataclass(frozen=True, slots=True)
class Figures:
    """`causes`: those of which something had to be told. `messages_per_cause`: calls for each cause and audience;
    `one_message` is the share of causes with exactly one to each audience. Lists name seed, cause and what was wrong.

    `detect`: of what is seen at once; `detect_slow`: of all else. `afterwards`: causes that others hid while they
    lasted, found in what arrived late. `quiet`: planned causes, and how many of them somebody was called for.
    """

    seeds: int
    causes: int
    recall: float
    owner_right: float
    messages_per_cause: float
    one_message: float
    detect: Times
    detect_slow: Times
    afterwards: list[str]
    kinds: dict[str, Kind]
    missed: list[str]
    wrong_owner: list[str]
    not_one: list[str]
    quiet: int
    disturbed: list[str]
    false: list[str]
    spare: list[str]
    spent_s: float

    @property
    def holds(self) -> bool:
        """Whether the bars are met: recall, owners, exactly one message."""
        return self.recall >= RECALL and self.owner_right >= OWNER_RIGHT and not self.not_one and not self.disturbed


def figures(trials: Sequence[Scored], spent_s: float) -> Figures:
    """Add up trials."""
    rows = [(trial.seed, row) for trial in trials for row in trial.rows]
    due = [(seed, row) for seed, row in rows if row.due]
    found = [(seed, row) for seed, row in due if row.found]
    told = [count for _, row in found for count in row.told]
    planned = [(seed, row) for seed, row in rows if row.planned]
    alone = [(seed, row) for seed, row in found if any(count != 1 for count in row.told)]
    return Figures(
        seeds=len(trials), causes=len(due), recall=_share(len(found), len(due)),
        owner_right=_share(sum(row.right for _, row in found), len(found)),
        messages_per_cause=round(mean(told), 4) if told else 0.0,
        one_message=_share(len(found) - len(alone), len(found)),
        detect=_times(row for _, row in found if row.kind in AT_ONCE and row.timely),
        detect_slow=_times(row for _, row in found if row.kind not in AT_ONCE or not row.timely),
        afterwards=[name(seed, row) for seed, row in found if not row.timely],
        kinds=_by_kind([row for _, row in due]),
        missed=[name(seed, row) for seed, row in due if not row.found],
        wrong_owner=[f"{name(seed, row)}: {row.owner}, not {'/'.join(row.owners)}" for seed, row in found
                     if not row.right],
        not_one=[f"{name(seed, row)}: {_told(row)}" for seed, row in alone],
        quiet=len(planned), disturbed=[f"{name(s, row)}: {_told(row)}" for s, row in planned if sum(row.told)],
        false=_incidents(trials, "false"), spare=_incidents(trials, "spare"), spent_s=round(spent_s, 1),
    )  # fmt: skip


def name(seed: int, row: Row) -> str:
    """How a cause is called in lists."""
    return f"{seed}/{row.cause} {row.kind} {' '.join(row.touches)}"


def _told(row: Row) -> str:
    return ", ".join(f"{audience} {count}" for audience, count in row.calls.items()) or "nobody"


def _incidents(trials: Iterable[Scored], which: str) -> list[str]:
    found = []
    for trial in trials:
        numbers = set(trial.false if which == "false" else trial.spare)
        found += [f"{trial.seed} #{one.number} {one.cause} ({one.owner})" for one in trial.incidents
                  if one.number in numbers]  # fmt: skip
    return found


def _by_kind(rows: Sequence[Row]) -> dict[str, Kind]:
    kinds: dict[str, Kind] = {}
    for kind in sorted({row.kind for row in rows}):
        mine = [row for row in rows if row.kind == kind]
        there = [row for row in mine if row.found]
        one = sum(all(count == 1 for count in row.told) for row in there)
        kinds[kind] = Kind(len(mine), len(there), sum(row.right for row in there), one)
    return kinds


def _times(rows: Iterable[Row]) -> Times:
    late = sorted(row.detect_s for row in rows if row.detect_s is not None)
    if not late:
        return Times(0, None, None)
    return Times(len(late), round(median(late), 1), round(late[min(len(late) - 1, int(0.95 * len(late)))], 1))


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 1.0
