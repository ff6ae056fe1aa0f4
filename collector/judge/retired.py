"""Out of service: what a subject's own measurements say is laid under the spans in which it was decommissioned.

From the moment a subject leaves until it comes back it is `unknown(decommissioned)`: no silence, no late measurement
and no window of a rule changes that, and a centre is judged without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from collector.judge.timeline import Segment, Span, Timeline
from collector.judging.policy import Policies

REASON: Final = "decommissioned"
_BACK: Final = "stale"  # in service again and not measured yet


def without_service(timeline: Timeline, spans: Sequence[Span], within: Span, policies: Policies) -> Timeline:
    """The timeline with `spans` out of service, where they touch `within` (its end included)."""
    for span in spans:
        if span.end <= within.start or span.start > within.end:
            continue
        start, last = max(span.start, within.start), min(span.end, within.end)
        new = [Segment(start, "unknown", REASON, policy=policies.at(start).number)]
        if span.end <= within.end:
            after = timeline.at(span.end)
            if after.reason == REASON:
                after = Segment(span.end, "unknown", _BACK, policy=policies.at(span.end).number)
            new.append(replace(after, at=span.end))
        timeline = timeline.spliced(start, last, new)
    return timeline
