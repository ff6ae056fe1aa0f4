"""A centre: whether a line of it is usable, by evidence; then whether its own things are well.

Down needs evidence that no line is usable. A box that is silent makes the centre not measured: unknown, unless the
province sees that all its lines are dead; that a line answers the province does not show that the centre works. A line
that nobody measures is left out while another is measured. What is only unknown of a device, or of a mute gateway, does
not colour a centre, nor does a fault of a shared service.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from collector.judge.retired import REASON as OUT_OF_SERVICE
from collector.judge.timeline import ALWAYS, BEGINNING, Segment, Span, Timeline
from collector.judge.vantage import SEEN

_USABLE: Final = ("ok", "degraded")


@dataclass(frozen=True, slots=True)
class Parts:
    """What a centre is judged from, by keys; the first line leads. `planned`: since when a plan holds a subject."""

    lan: Timeline
    lines: Mapping[str, Timeline]
    devices: Mapping[str, Timeline]
    agents: Mapping[str, Timeline] = field(default_factory=dict)
    planned: Mapping[str, int] = field(default_factory=dict)

    def measured(self, at: int) -> dict[str, Segment]:
        """The lines that somebody measures at a moment, or was to measure by then."""
        every = {key: self.lines[key].at(at) for key in sorted(self.lines)}
        now = {key: segment for key, segment in every.items() if segment.reason != OUT_OF_SERVICE}
        return {key: s for key, s in now.items() if not s.says(BEGINNING) or self.planned.get(key, ALWAYS) <= at}

    def edges(self, span: Span) -> list[int]:
        """Every moment within `span` at which any of it changes, its beginning included."""
        every = (self.lan, *self.lines.values(), *self.devices.values(), *self.agents.values())
        found = {segment.at for part in every for segment in part.starting(span.start, span.end)}
        found |= {self.planned[key] for key in self.lines if span.start <= self.planned.get(key, ALWAYS) <= span.end}
        return sorted(found | {span.start})


def judge_centre(*, before: Timeline, span: Span, parts: Parts) -> list[Segment]:
    """The states that begin within `span`, from those of the centre's subjects."""
    timeline = Timeline((before.at(span.start - 1), *(_state(at, parts) for at in parts.edges(span))))
    return list(timeline.starting(span.start, span.end))


def _state(at: int, parts: Parts) -> Segment:
    network, now = parts.lan.at(at), parts.measured(at)
    usable = [segment for segment in now.values() if segment.state in _USABLE and segment.reason != SEEN]
    if not usable:
        return _without_line(at, parts, now)
    broken = [key for key, segment in now.items() if segment.state == "down"]
    if broken and broken[0] == next(iter(now)):
        return _of(at, Segment(at, "degraded", "on_backup"), broken[0], now[broken[0]])
    others = {key: parts.devices[key].at(at) for key in sorted(parts.devices)}
    for key, segment in (("lan", network), *now.items(), *others.items()):
        if segment.state in ("down", "degraded"):
            return _of(at, Segment(at, "degraded", "own_fault"), key, segment)
    return Segment(at, "ok", None, {}, usable[0].evidence, usable[0].policy)


def _without_line(at: int, parts: Parts, now: Mapping[str, Segment]) -> Segment:
    """No line is known to be usable from the centre: down where that is proved, else not measured."""
    if not now:
        heard = [s for key in parts.agents if not (s := parts.agents[key].at(at)).says(BEGINNING)]
        if parts.lines and heard:
            return Segment(at, "unknown", "nobody_measures", policy=heard[0].policy)
        return replace(BEGINNING, at=at)
    network = parts.lan.at(at)
    if network.state == "down":
        return _of(at, Segment(at, "down", "lan_down"), "lan", network)
    for key, segment in now.items():
        if segment.reason == SEEN:
            return _of(at, Segment(at, "unknown", "line_answers"), key, segment)
    unknown = next((segment for segment in now.values() if segment.state == "unknown"), None)
    if unknown is not None:
        reason = str(unknown.detail.get("box") or unknown.reason)
        return Segment(at, "unknown", reason, {}, unknown.evidence, unknown.policy)
    key, segment = next(iter(now.items()))
    return _of(at, Segment(at, "down", "no_line"), key, segment)


def _of(at: int, segment: Segment, key: str, cause: Segment) -> Segment:
    detail: dict[str, str | float | int] = {"subject": key}
    if cause.reason:
        detail["reason"] = cause.reason
    return replace(segment, at=at, detail=detail, evidence=cause.evidence, policy=cause.policy)
