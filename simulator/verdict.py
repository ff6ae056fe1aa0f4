"""What was judged against the truth: for every cause whether the states that it must lead to were found, and when.

And the other way round: what was called down or degraded though nothing at its centre was wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from simulator.stage import Held, Span, Stage
from simulator.truth import Expected, Told, place_of

EARLY_MS: Final = 2_000
"""A state may begin a moment before its cause: with the last measurement that began before it and ended in it."""

TAIL_MS: Final = 1_200_000
"""How long a cause is still an explanation after its end: windows of a quarter of an hour, and the round after."""

_PART: Final = 500
_BLAMED: Final = ("centre", "lan", "line", "service")


@dataclass(frozen=True, slots=True)
class Row:
    """One cause: how many of its consequences were found; `late_s` from its beginning to the first of them."""

    cause: str
    kind: str
    owner: str
    expected: int
    found: int
    late_s: float | None
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Closing:
    """All of it. `unjudged`: consequences for subjects that this collector does not judge."""

    rows: list[Row]
    unjudged: int
    unexplained: list[str]

    @property
    def expected(self) -> int:
        return sum(row.expected for row in self.rows)

    @property
    def found(self) -> int:
        return sum(row.found for row in self.rows)


def compare(stage: Stage, truth: Sequence[Told], names: Mapping[str, str], span: Span) -> Closing:
    """Ask how everything was judged and hold it against the truth. `names`: what local names are called there."""
    judged = _judged(stage, stage.subjects(), span)
    rows, unjudged = [], 0
    for told in truth:
        due = [(names.get(e.subject, e.subject), e) for e in told.expected if e.from_ms < span[1]]
        known = [(subject, e) for subject, e in due if judged.get(subject)]
        unjudged += len(due) - len(known)
        rows.append(_row(told, known, judged))
    return Closing(rows, unjudged, _unexplained(judged, truth))


def _judged(stage: Stage, subjects: Sequence[str], span: Span) -> dict[str, list[Held]]:
    found: dict[str, list[Held]] = {}
    for n in range(0, len(subjects), _PART):
        found |= stage.held(subjects[n : n + _PART], span)
    return {key: held for key, held in found.items() if any(one[1] != "never_measured" for one in held)}


def _row(told: Told, due: Sequence[tuple[str, Expected]], judged: Mapping[str, Sequence[Held]]) -> Row:
    found: list[float] = []
    missing: list[str] = []
    for subject, e in due:
        begun = first_of(judged[subject], e)
        if begun is None:
            missing.append(subject)
        else:
            found.append(max(0.0, (begun - e.from_ms) / 1000))
    late_s = round(median(found), 1) if found else None
    cause = told.cause
    return Row(cause.id, cause.kind, cause.its.owner, len(due), len(found), late_s, tuple(missing))


def first_of(held: Iterable[Held], e: Expected) -> int | None:
    """When a subject first was in one of the states expected of it; None where it never was."""
    for state, _, from_ms, to_ms in held:
        if state in e.states and from_ms < e.to_ms and to_ms > e.from_ms - EARLY_MS:
            return from_ms
    return None


def _unexplained(judged: Mapping[str, Sequence[Held]], truth: Sequence[Told]) -> list[str]:
    reasons: dict[str, list[Span]] = {}
    everywhere: list[Span] = []
    for told in truth:
        span = told.cause.from_ms - EARLY_MS, told.cause.to_ms + TAIL_MS
        if told.cause.its.names == "services":
            everywhere.append(span)
        for key in told.cause.touches:
            reasons.setdefault(key.partition("/")[0], []).append(span)
    found = []
    for subject, held in judged.items():
        if subject.partition(":")[0] not in _BLAMED:
            continue
        why = reasons.get(place_of(subject), []) + (everywhere if subject.startswith("service:") else [])
        found += [
            f"{subject} {state} ({reason})"
            for state, reason, from_ms, to_ms in held
            if state in {"down", "degraded"} and not any(a < to_ms and from_ms < b for a, b in why)
        ]
    return found
