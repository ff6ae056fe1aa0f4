"""What is told of a policy on the command line: documents for machines, rows and sentences for people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from collector.api import STATES, PolicyVersion, Threshold
from collector.judging.differences import Difference
from collector.judging.preview import Preview, SubjectTime
from collector.judging.thresholds import Change, said, written

SHOWN: Final = 40
SUBJECTS_SHOWN: Final = 40

NOT_TRIED: Final = {
    "shared": "shared systems in the province as a whole",
    "bandwidth": "speed tests against the contract",
    "line.full": "the use of a line over seven days",
}
"""What a preview leaves as it is on record, by the part of the policy."""

_WHAT: Final = {"appears": "would appear", "vanishes": "would not be", "moves": "would move"}


def version_document(held: PolicyVersion) -> dict[str, object]:
    """A version with every threshold in words."""
    return {
        "number": held.number, "from_ms": held.from_ms, "set_by": held.set_by or None,
        "thresholds": [_value(t) for t in held.thresholds],
    }  # fmt: skip


def _value(t: Threshold) -> dict[str, object]:
    return {"key": t.key, "value": t.value, "unit": t.unit, "written": written(t), "says": said(t.key)}


def change_document(change: Change) -> dict[str, object]:
    """A threshold, old and new."""
    unit = change.new or change.old
    return {
        "key": change.key, "says": said(change.key), "unit": None if unit is None else unit.unit,
        "old": None if change.old is None else change.old.value,
        "new": None if change.new is None else change.new.value,
        "old_written": written(change.old), "new_written": written(change.new),
    }  # fmt: skip


def preview_document(made: Preview) -> dict[str, object]:
    """All of a preview; what is not listed is counted."""
    return {
        "from_ms": made.from_ms, "latest_from_ms": made.latest_from_ms, "to_ms": made.to_ms,
        "centres": made.centres, "centres_without": made.centres_without, "subjects": made.subjects,
        "measurements": made.facts, **made.counts, "left_out": made.left_out,
        "not_tried": list(NOT_TRIED),
        "differences": [
            {"subject": d.subject, "what": d.what, "at_ms": d.at_ms, "was_ms": d.was_ms, "to": d.state,
             "reason": d.reason}
            for d in made.listed
        ],
        "state_ms": [
            {"subject": t.subject, "old": t.old_ms, "new": t.new_ms} for t in made.times
        ],
    }  # fmt: skip


def preview_sentences(made: Preview, when: Callable[[int], str]) -> list[str]:
    """How far the preview reaches, and what it found."""
    told = [f"preview covers from {when(made.from_ms)} to {when(made.to_ms)}"]
    if made.latest_from_ms != made.from_ms:
        told.append(f"  at every centre only from {when(made.latest_from_ms)}: further back some keep nothing")
    if made.centres_without:
        told.append(f"  centres of which nothing is kept in that time: {made.centres_without}")
    told.append(f"{made.facts:,} measurements of {made.subjects:,} subjects at {made.centres:,} centres judged twice")
    told.append(f"not tried, and left as on record: {'; '.join(NOT_TRIED.values())}")
    counts = made.counts
    if not sum(counts.values()):
        return [*told, "nothing would have been different"]
    told.append(
        f"changes of state: {counts['appears']:,} would appear, {counts['vanishes']:,} would not be, "
        f"{counts['moves']:,} would move"
    )
    hidden = sum(counts.values()) - min(SHOWN, len(made.listed))
    return [*told, f"  the first {SHOWN} are listed; {hidden:,} more in --json"] if hidden else told


def difference_row(d: Difference, when: Callable[[int], str]) -> tuple[object, ...]:
    """One difference for a table."""
    to = d.state if d.reason is None else f"{d.state} ({d.reason})"
    return d.subject, _WHAT[d.what], when(d.at_ms), None if d.was_ms is None else when(d.was_ms), to


def time_rows(times: Sequence[SubjectTime]) -> list[tuple[object, ...]]:
    """State by state how long, where it differs; the largest difference first."""
    ordered = sorted(times, key=_weight, reverse=True)[:SUBJECTS_SHOWN]
    return [
        (t.subject, state, _long(t.old_ms.get(state, 0)), _long(t.new_ms.get(state, 0)))
        for t in ordered
        for state in STATES
        if t.old_ms.get(state, 0) != t.new_ms.get(state, 0)
    ]


def _weight(t: SubjectTime) -> int:
    return sum(abs(t.old_ms.get(state, 0) - t.new_ms.get(state, 0)) for state in STATES)


def _long(ms: int) -> str:
    minutes, rest = divmod(round(ms / 1000), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"
