"""Where nothing was measured: when a state stops being known, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from collector.judge.timeline import Span

GAPS: Final = frozenset({"silent", "stale"})
"""Why a state is unknown where nothing was measured any more."""

SPEAKS_MS: Final = 10_000
"""How long a measurement speaks at least, also of an agent that is not heard.

Trains of one round differ by seconds; the later of them must still find what the earlier one found.
"""


def unknown_from(
    last_at: int, valid_ms: int, end: int, *, absent: Sequence[Span], cut_ms: int, closed: bool
) -> list[tuple[int, str]]:
    """Moments between the last measurement and `end` at which the state becomes unknown, each with its reason.

    `silent` from when the agent was no longer heard; `stale` where it was heard and still nothing came for `valid_ms`.
    What is stale stays so until it is measured: that its agent falls silent as well says no more of it.
    What an agent measured within `cut_ms` before it vanished, or before now (`closed` False), may be on its way: for
    that long the last state holds.
    """
    found: list[tuple[int, str]] = []
    seen = last_at
    for gone in absent:
        start, stop = max(gone.start, last_at + SPEAKS_MS), min(gone.end, end)
        if start >= stop:
            continue
        if start - seen > valid_ms + cut_ms:
            return [*found, (seen + valid_ms, "stale")]
        found.append((start, "silent"))
        seen = stop
    if end - seen > valid_ms + (0 if closed else cut_ms):
        found.append((seen + valid_ms, "stale"))
    return found
