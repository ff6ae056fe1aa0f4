"""When time alone may change what is said of a cluster, nothing new being known: the next such moment of each.

Every rule that looks at the clock has its moment here: a silence grew old enough to be the agent's, a flapping line was
quiet for long enough, a line came to have answered for half of a silence, a planned stop began or ended.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Final

from alerts.correlate.case import silent_runs, stops_of, told
from alerts.correlate.clusters import cluster_of, touched
from alerts.correlate.ground import Stand
from alerts.correlate.limits import Limits
from alerts.correlate.picture import Picture
from alerts.correlate.runs import Run
from collector.api import Window

TIMED: Final = frozenset({"settle_s", "together_s", "flap_hold_s", "late_s", "agent_silent_s", "pc_silent_s"})
"""Limits that a rule holds against the time that it is: each stands in a moment below."""

UNTIMED: Final = frozenset({"grace_s", "reopen_s", "flap_window_s"})
"""Limits that are only held against times of spells, or by the reconciliation, which names its own moments."""

Stops = Callable[[str, str], Sequence[Window]]


def stirs(picture: Picture, only: Collection[str] | None = None) -> dict[str, int]:
    """The next moment after the picture's at which time alone may change a verdict of these clusters, or of any.

    A cluster that waits for nothing is left out. A moment may come for nothing; none is missing.
    """
    found: dict[str, int] = {}

    def may_be(name: str, at_ms: int) -> None:
        if picture.now_ms < at_ms < found.get(name, at_ms + 1):
            found[name] = at_ms

    for name, keys in _by_cluster(picture, only).items():
        for at_ms in _of_cluster(picture, keys):
            may_be(name, at_ms)
    for subject, windows in picture.planned.items():
        for name in _reached(picture, subject, only):
            for at_ms in _of_stops(picture.limits, windows):
                may_be(name, at_ms)
    return found


def _by_cluster(picture: Picture, only: Collection[str] | None) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key in picture.spells:
        name = cluster_of(picture, key)
        if only is None or name in only:
            found.setdefault(name, []).append(key)
    return found


def _reached(picture: Picture, subject: str, only: Collection[str] | None) -> frozenset[str]:
    """The clusters that planned stops of a subject may concern."""
    names = touched(picture, [subject])
    return names if only is None else names & frozenset(only)


def _of_stops(limits: Limits, windows: Iterable[Window]) -> Iterator[int]:
    """A stop cuts spells: where it begins and ends, others begin and end, with all that they wait for."""
    own = _waits("line", "", limits) | _waits("agent", "box", limits) | _waits("service", "", limits)
    waits = {0, _ms(limits.settle_s), _ms(limits.together_s), _ms(limits.flap_hold_s), _ms(limits.pc_silent_s)} | own
    for window in windows:
        for edge in (window.from_ms, window.end_ms):
            for wait in waits:
                yield edge + wait
                yield edge + wait + 1


def _of_cluster(picture: Picture, keys: Sequence[str]) -> Iterator[int]:
    """The moments of what is not well in a cluster; where nothing goes on, only those of what may flap."""
    stopped = sum(map(len, picture.planned.values()))  # each may cut a spell in two
    flaps, hold = picture.limits.flaps, _ms(picture.limits.flap_hold_s)
    goes_on = False
    for key in keys:
        spells = picture.spells[key]
        flapping = len(spells) + stopped >= flaps
        goes_on = goes_on or flapping or any(spell.to_ms is None for spell in spells)
        for spell in spells:
            yield spell.from_ms  # by a clock that is ahead
            if flapping and spell.to_ms is not None:
                yield spell.to_ms + hold
    if goes_on:
        for key in keys:
            yield from _of_subject(picture, key)
        yield from _answers(picture, keys)


def _of_subject(picture: Picture, key: str) -> Iterator[int]:
    kind, agent = key.partition(":")[0], picture.topology.agents.get(key)
    waits = _waits(kind, "" if agent is None else agent.role, picture.limits)
    left = _ms(picture.limits.together_s) + 1 if kind in {"agent", "device", "line"} else None
    for spell in picture.spells[key]:
        for wait in waits:
            yield spell.from_ms + wait
        if kind == "agent":
            yield spell.recorded_ms + _ms(picture.limits.agent_silent_s)
        if spell.to_ms is not None and left is not None:
            yield spell.to_ms + left  # whoever goes on for longer is left behind
        if spell.to_ms is not None and kind == "line":
            yield spell.to_ms + _ms(picture.limits.agent_silent_s)  # a box that is silent for so long behind it


def _waits(kind: str, role: str, limits: Limits) -> frozenset[int]:
    """How long after its beginning a spell may come to mean something else."""
    if kind == "agent":
        patience = limits.agent_silent_s if role in {"box", "vantage"} else limits.pc_silent_s
        return frozenset({_ms(patience), _ms(2 * patience)})
    if kind == "line":  # no aftermath any more; no loss of power any more; somebody has to look, where no box stands
        own = {_ms(limits.together_s) + 1, _ms(limits.together_s + limits.settle_s), _ms(limits.agent_silent_s)}
        return frozenset(own)
    return frozenset({_ms(2 * limits.late_s)} if kind == "service" else ())


def _answers(picture: Picture, keys: Sequence[str]) -> Iterator[int]:
    """When a line comes to have answered for half of a silence that goes on, or no longer."""
    stops = stops_of(picture)
    for key in keys:
        agent = picture.topology.agents.get(key)
        stand = None if agent is None else picture.topology.ground.stands.get(agent.centre)
        if stand is not None and stand.boxes and stand.boxes[0].subject == key:
            for silence in silent_runs(told(picture, key, stand.centre, stops)[0]):
                if silence.to_ms is None:
                    yield from _halves(picture, stand, silence, stops)


def _halves(picture: Picture, stand: Stand, silence: Run, stops: Stops) -> Iterator[int]:
    for line in stand.lines:
        if line.subject not in picture.spells:
            continue
        dark_ms, since_ms = 0, None
        for run in told(picture, line.subject, stand.centre, stops)[0].get("unknown", ()):
            begun_ms = max(run.from_ms, silence.from_ms)
            if run.to_ms is None:
                since_ms = begun_ms
            else:
                dark_ms += max(0, run.to_ms - begun_ms)
        if since_ms is None:
            yield silence.from_ms + 2 * dark_ms
        else:
            yield 2 * (since_ms - dark_ms) - silence.from_ms + 1


def _ms(seconds: float) -> int:
    return round(1000 * seconds)
