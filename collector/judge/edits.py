"""From timelines to rows: what must be written so that the effective flips tell the new timeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from collector.api import Flip, State
from collector.judge.retired import REASON as OUT_OF_SERVICE
from collector.judge.timeline import BEGINNING, Detail, Segment, Span, Timeline
from collector.judge.vantage import REASONS

_YIELDING: Final = REASONS | {"silent", "line_answers"}


@dataclass(frozen=True, slots=True)
class Edit:
    """A row to append. `to` None retracts the flip `supersedes` names; with `to` it revises it."""

    subject: str
    at: int
    from_state: State
    to: State | None
    reason: str | None
    detail: Detail
    policy: int
    evidence: tuple[str, ...]
    supersedes: int | None


def timeline_of(flips: Sequence[Flip]) -> Timeline:
    """The timeline that effective flips of one subject tell, given in order of time."""
    return Timeline(
        Segment(f.at_ms, f.to, f.reason, f.detail, f.evidence, f.policy_version) for f in flips if f.to is not None
    )


def edits(subject: str, flips: Sequence[Flip], timeline: Timeline, span: Span) -> list[Edit]:
    """What turns the effective `flips` into `timeline` within `span` (its end included), in order of time."""
    old = {flip.at_ms: flip for flip in flips if span.start <= flip.at_ms <= span.end}
    wanted: list[Edit] = []
    held = timeline.at(span.start - 1)
    for segment in timeline.starting(span.start, span.end):
        edit = _row(subject, segment, held.state)
        there = old.pop(segment.at, None)
        if there is None or not _same(there, edit):
            wanted.append(replace(edit, supersedes=there.seq if there else None))
        held = segment
    return sorted([*_moved(wanted, old), *map(_retraction, old.values())], key=lambda edit: edit.at)


def _row(subject: str, s: Segment, from_state: State) -> Edit:
    return Edit(subject, s.at, from_state, s.state, s.reason, s.detail, s.policy, s.evidence, None)


def _same(flip: Flip, edit: Edit) -> bool:
    there = (flip.from_state, flip.to, flip.reason, flip.detail, flip.policy_version, flip.evidence)
    return there == (edit.from_state, edit.to, edit.reason, edit.detail, edit.policy, edit.evidence)


def _moved(wanted: Sequence[Edit], old: dict[int, Flip]) -> list[Edit]:
    """New flips that say what an old one said at another moment are its revision; takes those out of `old`."""
    result: list[Edit] = []
    for edit in wanted:
        twin = None
        if edit.supersedes is None:
            twin = next((f for f in old.values() if (f.to, f.reason) == (edit.to, edit.reason)), None)
        if twin is not None:
            del old[twin.at_ms]
        result.append(replace(edit, supersedes=twin.seq) if twin else edit)
    return result


def _retraction(flip: Flip) -> Edit:
    return Edit(
        flip.subject, flip.at_ms, flip.from_state, None, flip.reason, {}, flip.policy_version, (), flip.seq,
    )  # fmt: skip


def only_silence(before: Timeline, after: Timeline, span: Span) -> Timeline:
    """`before`, where an agent's silence left nothing, or the province's view alone, replaced within `span` by what
    `after` says, marked partial.

    For data so late that what was measured around it is no longer kept: it may fill silence and overrule nothing.
    """
    both = (*before.starting(span.start, span.end), *after.starting(span.start, span.end))
    edges = sorted({segment.at for segment in both} | {span.start})
    return before.spliced(span.start, span.end, [_filled(at, before.at(at), after.at(at)) for at in edges])


def _filled(at: int, was: Segment, now: Segment) -> Segment:
    if OUT_OF_SERVICE in {was.reason, now.reason}:  # what the register says needs no measurement
        return replace(now, at=at)
    if was.reason not in _YIELDING or now.says(was) or now.says(BEGINNING) or now.reason == "silent":
        return replace(was, at=at)
    return replace(now, at=at, detail={**now.detail, "partial": 1})
