"""A centre: whether a line of it is usable, by evidence; then whether its own things are well.

Down needs evidence that no line is usable. A box that is silent makes the centre not measured: unknown, never down.
What is only unknown of a device, or of a mute gateway, does not colour it, nor does a fault of a shared service.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from collector.judge.retired import REASON as OUT_OF_SERVICE
from collector.judge.timeline import BEGINNING, Segment, Span, Timeline

_USABLE = ("ok", "degraded")


def judge_centre(
    *, before: Timeline, span: Span, lan: Timeline, lines: Mapping[str, Timeline], devices: Mapping[str, Timeline]
) -> list[Segment]:
    """The states that begin within `span`, from those of the centre's subjects by their keys; the first line leads."""
    parts = (lan, *lines.values(), *devices.values())
    edges = {segment.at for part in parts for segment in part.starting(span.start, span.end)} | {span.start}
    found = [_state(at, lan, lines, devices) for at in sorted(edges)]
    timeline = Timeline((before.at(span.start - 1), *found))
    return list(timeline.starting(span.start, span.end))


def _state(at: int, lan: Timeline, lines: Mapping[str, Timeline], devices: Mapping[str, Timeline]) -> Segment:
    network = lan.at(at)
    every = {key: lines[key].at(at) for key in sorted(lines)}
    now = {key: segment for key, segment in every.items() if segment.reason != OUT_OF_SERVICE}
    if not any(segment.state in _USABLE for segment in now.values()):
        return _without_line(at, network, now)
    broken = [key for key, segment in now.items() if segment.state == "down"]
    if broken and broken[0] == next(iter(now)):
        return _of(at, Segment(at, "degraded", "on_backup"), broken[0], now[broken[0]])
    others = {key: devices[key].at(at) for key in sorted(devices)}
    for key, segment in (("lan", network), *now.items(), *others.items()):
        if segment.state in ("down", "degraded"):
            return _of(at, Segment(at, "degraded", "own_fault"), key, segment)
    first = next(segment for segment in now.values() if segment.state in _USABLE)
    return Segment(at, "ok", None, {}, first.evidence, first.policy)


def _without_line(at: int, network: Segment, now: Mapping[str, Segment]) -> Segment:
    """No line is known to be usable: down where that is proved, else not measured."""
    if not now:
        return replace(BEGINNING, at=at)
    if network.state == "down":
        return _of(at, Segment(at, "down", "lan_down"), "lan", network)
    unknown = next((segment for segment in now.values() if segment.state == "unknown"), None)
    if unknown is not None:
        return Segment(at, "unknown", unknown.reason, {}, unknown.evidence, unknown.policy)
    key, segment = next(iter(now.items()))
    return _of(at, Segment(at, "down", "no_line"), key, segment)


def _of(at: int, segment: Segment, key: str, cause: Segment) -> Segment:
    detail: dict[str, str | float | int] = {"subject": key}
    if cause.reason:
        detail["reason"] = cause.reason
    return replace(segment, at=at, detail=detail, evidence=cause.evidence, policy=cause.policy)
