"""Where the parts of a policy contradict each other: each may be sound by itself and the whole cannot be kept."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collector.judging.policy import Bandwidth, Policy


def contradictions(p: Policy) -> Iterator[str]:
    """What is wrong with a policy as a whole, one sentence each."""
    decide = f"time.decide_within_s = {p.time.decide_within_s:g} s"
    for kind, trains in (("lan", p.lan), ("line", p.line)):
        rows = max(trains.lost_trains, trains.good_trains)
        if rows * trains.period_s > p.time.decide_within_s:
            key = "lost_trains" if rows == trains.lost_trains else "good_trains"
            yield f"{kind}.{key}: {rows} trains of {kind}.period_s = {trains.period_s:g} s do not fit into {decide}"
        if trains.min_trains * trains.period_s > trains.window_s:
            room = f"{kind}.window_s = {trains.window_s:g} s"
            yield f"{kind}.min_trains: {trains.min_trains} trains of {kind}.period_s do not fit into {room}"
    if max(p.device.failed, p.device.good) * p.device.period_s > p.time.decide_within_s:
        key = "failed" if p.device.failed >= p.device.good else "good"
        yield f"device.{key}: so many in a row, device.period_s = {p.device.period_s:g} s, do not fit into {decide}"
    if p.lan.loss > p.line.loss:  # a line is asked through the lan: its loss holds that of the lan
        lan, line = f"lan.loss = {p.lan.loss:g}", f"line.loss = {p.line.loss:g}"
        yield f"{lan} is over {line}: what the lan loses would be called the line's"
    if p.time.cut_s >= p.time.decide_within_s:
        yield f"{decide} must be longer than time.cut_s = {p.time.cut_s:g} s"
    if p.time.hold_at_most_s < p.time.stale_periods * max(p.lan.period_s, p.line.period_s, p.device.period_s):
        yield "time.hold_at_most_s is shorter than time.stale_periods periods: everything would be stale at once"
    if p.line.egress_s > p.time.decide_within_s:
        yield f"line.egress_s = {p.line.egress_s:g} s does not fit into {decide}"
    yield from _untestable(p.bandwidth)


def _untestable(b: Bandwidth) -> Iterator[str]:
    if b.test_s >= b.slot_s:
        yield f"bandwidth.test_s = {b.test_s:g} s must be shorter than bandwidth.slot_s = {b.slot_s:g} s"
    sizes = ("test_bytes", "day_bytes", "day_most_bytes")
    for less, more in pairwise(sizes):
        if getattr(b, less) > getattr(b, more):
            yield f"bandwidth.{less} = {getattr(b, less):.0f} is over bandwidth.{more} = {getattr(b, more):.0f}"
