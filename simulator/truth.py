"""Ground truth: for every cause whose it is, whom it touches, and which states must be judged of that, and when.

Times are UTC milliseconds in event time. An agent and its machine are named after their centre (`agent@07210-1`,
`device@07210-1`): what they are called in the register is only known there, and written beside the truth.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from simulator.causes import CUTS, FLAPPING, Cause, State
from simulator.owners import Planned, owners_of, planned_at
from simulator.province import Province

FILE: Final = "truth.ndjson"

_ENCODER: Final = msgspec.json.Encoder()
_NOT_WELL: Final[tuple[State, ...]] = ("down", "degraded")
_CUT_OFF: Final[tuple[State, ...]] = ("down", "degraded", "unknown")
"""A centre whose first line is cut: what it is depends on what is known of its other lines."""

_TOLD_ONLY: Final = frozenset({"class_lossy", "port_slow"})
"""No state of its own comes of these: they show in numbers by class, and in the stamp of tests."""

_CALLED_S: Final = 300.0
"""When somebody is called for a centre that is not heard: `alerts.agent_silent_s` as it comes with the suite."""

_SILENCING: Final = 2  # power, a stopped agent, a dead network: the centre is not heard, and that is seen at once


@dataclass(frozen=True, slots=True)
class Expected:
    """A subject that must be found in one of these states some time from `from_ms` to `to_ms`."""

    subject: str
    states: tuple[State, ...]
    from_ms: int
    to_ms: int


@dataclass(frozen=True, slots=True)
class Told:
    """A cause and what must come of it; nothing where it is hidden by another, or too short to be judged.

    `owners`: whose it may rightly be called once everything is known. `planned`: all of it lies in a planned stop.
    `timely`: some of it can be told while it lasts; else it is found in what arrives late, and nobody need be called.
    """

    cause: Cause
    expected: tuple[Expected, ...]
    owners: tuple[str, ...] = ()
    planned: bool = False
    timely: bool = True


def tell(causes: Sequence[Cause], province: Province, stops: Sequence[Planned] = ()) -> list[Told]:
    """The truth of all causes, in their order; what lies in a planned stop is expected of nobody."""
    hiding: dict[str, list[Cause]] = {}
    for cause in causes:
        for key in cause.touches:
            hiding.setdefault(_centre(key), []).append(cause)
    return [_told(cause, causes, province, hiding, stops) for cause in causes]


def _told(
    cause: Cause, causes: Sequence[Cause], province: Province, hiding: Mapping[str, Sequence[Cause]],
    stops: Sequence[Planned],
) -> Told:  # fmt: skip
    every = tuple(_expected(cause, province, hiding, ()))
    left = tuple(_expected(cause, province, hiding, stops)) if stops else every
    planned = bool(every) and not left
    owners = ("planned",) if planned else owners_of(cause, causes, province)
    return Told(cause, left, owners, planned, not left or _timely(cause, left, hiding, province, stops))


def _timely(
    cause: Cause, expected: Sequence[Expected], hiding: Mapping[str, Sequence[Cause]], province: Province,
    stops: Sequence[Planned],
) -> bool:  # fmt: skip
    """Whether enough of it falls where its centre can tell, or is seen to be silent by nothing else, announced stops of
    the line it speaks by among it: a cut of another line is seen from the province whatever else holds there."""
    own = _silences(cause, province)
    if cause.its.names == "services" or (cause.kind in {*CUTS, FLAPPING} and not own):
        return True
    shows_ms = 1000 * max(cause.its.shows_s, cause.its.told_s, _CALLED_S if own else 0.0)
    for e in expected:
        others = (c for c in hiding.get(place_of(e.subject), ()) if c is not cause)
        silent = [(c.from_ms, c.to_ms) for c in others if _silences(c, province)]
        if own:
            announced = f"line:{_uplink(place_of(e.subject), province)}"
            silent += [(stop.from_ms, stop.to_ms) for stop in stops if stop.subject == announced]
        if any(last - first >= shows_ms for first, last in without((e.from_ms, e.to_ms), silent)):
            return True
    return False


def _silences(cause: Cause, province: Province) -> bool:
    """Whether the centre of a cause is not heard while it lasts."""
    if cause.its.names == "centres":
        return cause.its.rank <= _SILENCING
    return cause.kind in CUTS - {"failover"} and any(key == _uplink(key, province) for key in cause.touches)


def _expected(
    cause: Cause, province: Province, hiding: Mapping[str, Sequence[Cause]], stops: Sequence[Planned]
) -> Iterator[Expected]:
    for subject, states in _consequences(cause, province):
        others = hiding.get(place_of(subject), ())
        covered = [
            (c.from_ms, c.to_ms) for c in others if c.its.rank < cause.its.rank and _covers(c, subject, province)
        ]
        covered += planned_at(stops, cause, place_of(subject), province)
        shows_s = cause.its.shows_s * _run_s(subject, province)
        for first, last in without((cause.from_ms, cause.to_ms), covered):
            if last - first >= shows_s * 1000:
                yield Expected(subject, states, first, last)


def _run_s(subject: str, province: Province) -> float:
    """Seconds from one run to the next of a shared system; for all else times are told in seconds."""
    kind, _, key = subject.partition(":")
    return province.services[key.partition("@")[0]].period_s if kind == "service" else 1.0


def _consequences(cause: Cause, province: Province) -> Iterator[tuple[str, tuple[State, ...]]]:
    """Subjects and the states that are right for them while nothing worse happens there."""
    for key in cause.touches:
        if cause.its.names == "services":
            yield f"service:{key}", _NOT_WELL
            yield from ((f"service:{key}@{centre}", _NOT_WELL) for centre in province.sites)
        elif cause.its.names == "lines":
            yield from _of_line(cause.kind, key, province)
        else:
            yield from _of_centre(cause.kind, key)


def _of_line(kind: str, key: str, province: Province) -> Iterator[tuple[str, tuple[State, ...]]]:
    if kind in _TOLD_ONLY:
        return
    cut = kind in CUTS or kind == FLAPPING
    yield f"line:{key}", ("down",) if cut else ("degraded",)
    centre = _centre(key)
    if province.sites[centre].lines[0].key == key:
        yield f"centre:{centre}", _CUT_OFF if cut and kind != "failover" else ("degraded",)


def _of_centre(kind: str, centre: str) -> Iterator[tuple[str, tuple[State, ...]]]:
    if kind == "power":
        yield f"lan:{centre}", ("unknown",)
        yield f"centre:{centre}", ("unknown", "down")
    elif kind == "agent_stopped":
        yield f"lan:{centre}", ("unknown",)
    elif kind == "lan":
        yield f"lan:{centre}", ("down",)
        yield f"centre:{centre}", _CUT_OFF
    elif kind == "disk_full":
        yield f"device@{centre}", ("degraded",)
    elif kind == "clock_skew":
        yield f"agent@{centre}", ("degraded",)


def _covers(cause: Cause, subject: str, province: Province) -> bool:
    """Whether a cause at the same centre hides what another does to a subject."""
    if cause.its.names != "lines":
        return True
    kind, _, key = subject.partition(":")
    if kind == "line":
        return key in cause.touches or _uplink(key, province) in cause.touches
    return _uplink(place_of(subject), province) in cause.touches


def _uplink(key: str, province: Province) -> str:
    site = province.sites.get(_centre(key))
    return site.lines[0].key if site is not None and site.lines else ""


def place_of(subject: str) -> str:
    """The centre of a subject; empty for a shared system."""
    if "@" in subject:
        return subject.partition("@")[2]
    kind, _, key = subject.partition(":")
    return "" if kind == "service" else _centre(key)


def _centre(key: str) -> str:
    return key.partition("/")[0]


def without(span: tuple[int, int], covered: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """What is left of a span where others cover it."""
    left: list[tuple[int, int]] = []
    begin, end = span
    for first, last in sorted(covered):
        if last <= begin or first >= end:
            continue
        if first > begin:
            left.append((begin, first))
        begin = max(begin, last)
    if begin < end:
        left.append((begin, end))
    return left


# --- to a file ------------------------------------------------------------------------------------------------------


def lines(truth: Iterable[Told]) -> Iterator[bytes]:
    """A line of JSON for each cause."""
    for told in truth:
        cause = told.cause
        yield _ENCODER.encode({
            "id": cause.id, "kind": cause.kind, "owner": cause.its.owner, "owners": told.owners,
            "from_ms": cause.from_ms, "to_ms": cause.to_ms, "severity": cause.severity, "unit": cause.its.unit,
            "touches": cause.touches, "expected": told.expected,
        })  # fmt: skip


def append(path: Path, head: Mapping[str, object], truth: Iterable[Told]) -> None:
    """Write one run behind those before it: its head first, then its causes."""
    with path.open("ab") as file:
        for line in (_ENCODER.encode(head), *lines(truth)):
            file.write(line + b"\n")
