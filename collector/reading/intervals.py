"""A subject's flips as intervals that cover a span without a hole."""

from __future__ import annotations

from collections.abc import Sequence

from collector.api import Flip, Interval
from collector.judge.edits import timeline_of
from collector.judge.timeline import Segment


def intervals(key: str, rows: Sequence[Flip], from_ms: int, to_ms: int) -> list[Interval]:
    """What held of a subject over [from_ms, to_ms); `rows` are its flips, the last one before that span included."""
    if from_ms >= to_ms:
        return []
    held = timeline_of(rows).between(from_ms, to_ms - 1)
    starts = [from_ms, *(segment.at for segment in held[1:])]
    return [_interval(key, s, a, b) for s, a, b in zip(held, starts, [*starts[1:], to_ms], strict=True)]


def _interval(key: str, segment: Segment, from_ms: int, to_ms: int) -> Interval:
    return Interval(key, segment.state, segment.reason, from_ms, to_ms)
