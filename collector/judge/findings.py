"""What is found of a line from more than the trains around it, laid over what these tell of it.

A test a day and the use of seven days reach further back than any walk, so they are judged where they are kept; what
follows is a finding with a span. A line that works is degraded by it; one that was never measured says why. All else
that is told of a line stands above it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from collector.judge.timeline import ALWAYS, BEGINNING, Detail, Segment, Span, Timeline
from collector.judging.policy import Policies

NOT_MEASURABLE: Final = "not_measurable"
_DEGRADING: Final = ("line_full", "below_contract")  # the worst first
LAID: Final = frozenset({*_DEGRADING, NOT_MEASURABLE})


@dataclass(frozen=True, slots=True)
class Finding:
    """A reason for a state, and while it holds. `evidence` are ids of observations, `ended` those that ended it."""

    reason: str
    span: Span
    detail: Detail = field(default_factory=dict)
    evidence: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a rule: whether it held from that moment on, with what."""

    at: int
    holds: bool
    detail: Detail = field(default_factory=dict)
    evidence: tuple[str, ...] = ()


def found(reason: str, looks: Sequence[Look], before: Finding | None) -> list[Finding]:
    """The findings that `looks`, in order, lead to. `before`: what held right before the first of them."""
    told: list[Finding] = []
    held = None if before is None else replace(before, span=Span(before.span.start, ALWAYS), ended=())
    for look in looks:
        if look.holds and held is None:
            held = Finding(reason, Span(look.at, ALWAYS), look.detail, look.evidence)
        elif not look.holds and held is not None:
            told.append(replace(held, span=Span(held.span.start, look.at), ended=look.evidence))
            held = None
    told = [one for one in told if one.span.start < one.span.end]  # two looks at one instant: the later one counts
    return told if held is None else [*told, held]


def bare(record: Timeline) -> Timeline:
    """What is on record of a line without what findings alone told."""
    return Timeline(
        s if s.reason not in LAID
        else Segment(s.at, "unknown", BEGINNING.reason) if s.reason == NOT_MEASURABLE
        else Segment(s.at, "ok", policy=s.policy)
        for s in record.segments
    )  # fmt: skip


def laid(base: Timeline, findings: Sequence[Finding], span: Span, policies: Policies) -> list[Segment]:
    """The states that begin within `span` (its end included) where findings are laid over `base`."""
    edges = {s.at for s in base.starting(span.start, span.end)}
    for one in findings:
        edges |= {at for at in (one.span.start, one.span.end) if span.start <= at <= span.end}
    return [_at(at, base.at(at), findings, policies) for at in sorted(edges)]


def _at(at: int, base: Segment, findings: Sequence[Finding], policies: Policies) -> Segment:
    over = next(_over(at, base, findings), None)
    if over is not None:
        state = base.state if over.reason == NOT_MEASURABLE else "degraded"
        return Segment(at, state, over.reason, over.detail, over.evidence, policies.at(over.span.start).number)
    if base.at == at:
        return base
    ended = next((one.ended for one in findings if one.span.end == at), ())
    return replace(base, at=at, evidence=ended, policy=policies.at(at).number)


def _over(at: int, base: Segment, findings: Iterable[Finding]) -> Iterator[Finding]:
    held = [one for one in findings if one.span.start <= at < one.span.end]
    reasons: tuple[str, ...] = ()
    if base.state == "ok" and base.reason is None:
        reasons = _DEGRADING
    elif base.says(BEGINNING):
        reasons = (NOT_MEASURABLE,)
    for reason in reasons:
        yield from (one for one in held if one.reason == reason)
