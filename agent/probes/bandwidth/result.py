"""What a test that came to its end is worth: its stamp, and its numbers. Pure."""

from __future__ import annotations

from typing import Final

from agent.probes.bandwidth import look as looking
from agent.probes.bandwidth.order import WAYS, Course, Findings, Way
from agent.probes.trains import median
from wire.messages import Value

CPU_FULL: Final = 0.9
HELD: Final = 0.05
"""From this share of a direction on that this machine did not let the test do what was due, the figure is not the
line's. Beside six processes that never rest on two cores it was 4.5 % at most, and the figures still right."""

PORT_FULL: Final = 0.9
FOREIGN_RATIO: Final = 0.03
"""Counters and our own count differ by headers of other sizes and by what is on its way: so much is not foreign."""


def stamp_of(found: Findings, other_bytes_s: float, port_bps: float | None) -> str:
    """`valid`, or the first of what held the test back: cpu_bound, nic_bound, contaminated, server_bound."""
    courses = list(found.courses.items())
    if any(_cpu_bound(course) for _, course in courses):
        return "cpu_bound"
    if port_bps is not None and any(course.bps >= PORT_FULL * port_bps for _, course in courses):
        return "nic_bound"
    if any(
        _foreign(way, course) > max(other_bytes_s * course.seconds, FOREIGN_RATIO * course.moved)
        for way, course in courses
    ):
        return "contaminated"
    if any(course.server_core is not None and course.server_core >= CPU_FULL for _, course in courses):
        return "server_bound"
    return "valid"


def values_of(found: Findings, stamp: str) -> list[Value]:
    """The numbers of a test; its speeds under its stamp."""
    values = [Value("motcua_line_test_bytes", float(found.used)), Value("motcua_line_test_cpu_ratio", _cpu(found))]
    if found.idle_rtts:
        values.append(Value("motcua_line_idle_rtt_seconds", median(found.idle_rtts)))
    for way in WAYS:
        if way in found.courses:
            values += _course_values(way, found.courses[way], stamp)
    return values


def _course_values(way: Way, course: Course, stamp: str) -> list[Value]:
    bounds = {"bps": course.bps, "low_bps": course.low, "high_bps": course.high}
    values = [Value(f"motcua_line_{way}_{name}", bps, stamp) for name, bps in bounds.items() if bps is not None]
    if course.rtts:
        loaded = median(course.rtts)
        values.append(Value("motcua_line_loaded_rtt_seconds", loaded, way))
        values.append(Value("motcua_line_responsiveness_hertz", 1 / loaded, way))
    values.append(Value("motcua_line_test_seconds", course.seconds, way))
    values.append(Value("motcua_line_test_streams_count", float(course.streams), way))
    return values


def _cpu(found: Findings) -> float:
    return max((looking.between(c.before, c.after).cpu_ratio for c in found.courses.values()), default=0.0)


def _cpu_bound(course: Course) -> bool:
    """All processors busy, or the one that our thread runs on, or it was let run too late."""
    machine = looking.between(course.before, course.after).cpu_ratio
    held = course.held_s >= HELD * course.seconds
    return machine >= CPU_FULL or course.own_cpu_s >= CPU_FULL * course.seconds or held


def _foreign(way: Way, course: Course) -> float:
    """Bytes that the interface carried beside the test; 0 without counters."""
    carried = looking.between(course.before, course.after)
    counted = carried.received if way == "download" else carried.sent
    return 0.0 if counted is None else counted - course.moved
