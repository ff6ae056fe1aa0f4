"""A centre: whether a line of it is usable, by evidence; then whether its own things are well.

Down needs evidence that no line is usable. A box that is silent makes the centre not measured: unknown, unless the
province sees that all its lines are dead; that a line answers the province does not show that the centre works. A line
that nobody measures is left out while another is measured, and one that cannot be measured always. What is only unknown
of a device, or of a mute gateway, does not colour a centre, nor does a fault of a shared service. It runs on a backup
where the line that leads is down, or where its traffic is known to leave by another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from collector.judge.egress import Backups, Carried
from collector.judge.findings import NOT_MEASURABLE
from collector.judge.retired import REASON as OUT_OF_SERVICE
from collector.judge.timeline import ALWAYS, BEGINNING, Segment, Span, Timeline
from collector.judge.vantage import SEEN

_USABLE: Final = ("ok", "degraded")
_LEFT_OUT: Final = (OUT_OF_SERVICE, NOT_MEASURABLE)


@dataclass(frozen=True, slots=True)
class Parts:
    """What a centre is judged from, by keys; the first line leads. `planned`: since when a plan holds a subject;
    `backups`: by which line its traffic left."""

    lan: Timeline
    lines: Mapping[str, Timeline]
    devices: Mapping[str, Timeline]
    agents: Mapping[str, Timeline] = field(default_factory=dict)
    planned: Mapping[str, int] = field(default_factory=dict)
    backups: Backups = field(default_factory=Backups)

    def measured(self, at: int) -> dict[str, Segment]:
        """The lines that somebody measures at a moment, or was to measure by then."""
        every = {key: self.lines[key].at(at) for key in sorted(self.lines)}
        now = {key: segment for key, segment in every.items() if segment.reason not in _LEFT_OUT}
        return {key: s for key, s in now.items() if not s.says(BEGINNING) or self.planned.get(key, ALWAYS) <= at}

    def edges(self, span: Span) -> list[int]:
        """Every moment within `span` at which any of it changes, its beginning included."""
        every = (self.lan, *self.lines.values(), *self.devices.values(), *self.agents.values())
        found = {segment.at for part in every for segment in part.starting(span.start, span.end)}
        found |= {self.planned[key] for key in self.lines if span.start <= self.planned.get(key, ALWAYS) <= span.end}
        found |= {change.at for change in self.backups.changes if span.start <= change.at <= span.end}
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
    lead = next(iter(now))
    backup = parts.backups.at(at, lead)
    if backup is not None or now[lead].state == "down":
        return _on_backup(at, lead, now, backup)
    others = {key: parts.devices[key].at(at) for key in sorted(parts.devices)}
    for key, segment in (("lan", network), *now.items(), *others.items()):
        if segment.state in ("down", "degraded"):
            return _of(at, Segment(at, "degraded", "own_fault"), key, segment)
    return Segment(at, "ok", None, {}, usable[0].evidence, usable[0].policy)


def _on_backup(at: int, lead: str, now: Mapping[str, Segment], backup: Carried | None) -> Segment:
    """The line that leads does not carry the traffic; `backup`, or the first other that is usable, does."""
    told = _of(at, Segment(at, "degraded", "on_backup"), lead, now[lead])
    line = backup.line if backup else next(key for key, segment in now.items() if segment.state in _USABLE)
    return replace(told, detail={**told.detail, "line": line or ""} | ({"address": backup.address} if backup else {}))


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
    return _dead(at, parts, now)


def _dead(at: int, parts: Parts, now: Mapping[str, Segment]) -> Segment:
    """Every line that is measured is down; where the centre is heard all the same, by one that nobody measures."""
    key, segment = next(iter(now.items()))
    backup = parts.backups.at(at, key)
    if backup is not None and backup.line not in now and any(a.at(at).state in _USABLE for a in parts.agents.values()):
        return _on_backup(at, key, now, backup)
    return _of(at, Segment(at, "down", "no_line"), key, segment)


def _of(at: int, segment: Segment, key: str, cause: Segment) -> Segment:
    detail: dict[str, str | float | int] = {"subject": key}
    if cause.reason:
        detail["reason"] = cause.reason
    return replace(segment, at=at, detail=detail, evidence=cause.evidence, policy=cause.policy)
