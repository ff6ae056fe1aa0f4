"""Province: most boxes fell silent at once, in every area and over every carrier: the fault is on this side."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from alerts.api.facts import Said, Value, Verdict
from alerts.correlate.case import Case, silent_runs
from alerts.correlate.found import Found, Rule, of_runs, shared_end
from alerts.correlate.picture import Picture
from alerts.correlate.runs import Run, runs_of

_PLACES: Final = 2
"""Of one area, or of one carrier, it would be the power or that carrier."""


def find(case: Case) -> Iterator[Found]:
    """One for every time that most of all was silent."""
    for group in silent_everywhere(case.picture):
        begun = {(run.subject, run.from_ms) for run in group.values()}
        own = (run for site in case.sites.values() for run in site.silences if (run.subject, run.from_ms) in begun)
        yield Found(_verdict(case, group), tuple(own), Said("why.province", {"count": len(group)}), told=case.leads)


def _verdict(case: Case, group: Mapping[str, Run]) -> Verdict:
    runs = sorted(group.values(), key=lambda run: (run.from_ms, run.subject))
    values: dict[str, Value] = {"since_ms": runs[0].from_ms, "count": len(group)}
    return Verdict(
        "province:silence", "province", "province", "unknown", runs[0].from_ms,
        shared_end(runs, case.limits.carrier_share, case.together_ms), case.labels(runs), (),
        Said("verdict.province", values), of_runs(runs), "likely", visit=False, affected=tuple(sorted(group)),
    )  # fmt: skip


def silent_everywhere(picture: Picture) -> list[dict[str, Run]]:
    """The silences, by centre, of each time that most boxes of every area and of every carrier fell silent together."""
    ground, limits = picture.topology.ground, picture.limits
    places = [*ground.by_area.values(), *ground.by_carrier.values()]
    if min(len(ground.by_area), len(ground.by_carrier)) < _PLACES:
        return []
    boxes = [stand.boxes[0].subject for stand in ground.stands.values() if stand.boxes]
    known = [box for box in boxes if box in picture.spells]
    if len(known) < limits.carrier_share * max(map(len, places)):
        return []
    silences = _silences(picture, known)
    found: list[dict[str, Run]] = []
    n = 0
    while n < len(silences):
        last_ms = silences[n].from_ms + 1000 * limits.together_s
        end = bisect_right(silences, last_ms, key=lambda run: run.from_ms)
        group = {_centre(picture, run): run for run in silences[n:end]}
        most = len(group) >= limits.carrier_share * max(map(len, places))
        if most and all(len(place & group.keys()) >= limits.carrier_share * len(place) for place in places):
            found.append(group)
            n = end
        else:
            n += 1
    return found


def _silences(picture: Picture, boxes: Iterable[str]) -> list[Run]:
    """The silences of these, in order of time."""
    every = (runs_of(picture.spells[box], picture.limits, picture.now_ms) for box in boxes)
    return sorted((run for runs in every for run in silent_runs(runs)), key=lambda run: (run.from_ms, run.subject))


def _centre(picture: Picture, run: Run) -> str:
    return picture.topology.agents[run.subject].centre


def why_not(case: Case, found: Found) -> Said:
    """Others were heard."""
    return Said("why.province_heard")


RULE = Rule("province", find, why_not)
