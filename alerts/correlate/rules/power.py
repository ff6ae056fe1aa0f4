"""Power: a centre lost all its lines at once while its box fell silent and measured nothing more.

A machine that started anew within the outage confirms it, and so does one that ran on its battery when it began;
neighbours on other carriers that lost everything at the same time make it the power of an area.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from alerts.api.facts import Confidence, Evidence, Said, Value, Verdict
from alerts.correlate.case import Case
from alerts.correlate.found import MOST_EVIDENCE, Found, Rule, left_behind, of_boot, of_runs, shared_end
from alerts.correlate.ground import group_of
from alerts.correlate.picture import Boot
from alerts.correlate.runs import Run, near
from alerts.correlate.site import Site, measured_inside


@dataclass(frozen=True, slots=True, eq=False)
class _Gone:
    """A centre of which nothing was heard or seen any more. `lost`: its lines; not `sure`: they may not be all yet."""

    site: Site
    from_ms: int
    silence: Run | None
    lost: tuple[Run, ...]
    battery: Run | None = None
    boot: Boot | None = None
    sure: bool = True

    @property
    def runs(self) -> tuple[Run, ...]:
        return tuple(run for run in (*self.lost, self.silence, self.battery) if run is not None)

    @property
    def confirmed(self) -> bool:
        return self.battery is not None or self.boot is not None


def find(case: Case) -> Iterator[Found]:
    """First what neighbours share, then one for each centre; last what only a battery tells of."""
    every = [one for site in case.sites.values() for one in _every(case, site)]
    every.sort(key=lambda one: (one.from_ms, one.site.centre))
    by_area: dict[str, list[_Gone]] = {}
    for one in every:
        by_area.setdefault(one.site.stand.area, []).append(one)
    shared: set[Run] = set()
    for area, near_by in sorted(by_area.items()):
        for members in _neighbours(case, near_by) if area else ():
            shared |= {run for one in members for run in one.runs}
            yield _of_area(case, area, members)
    for one in every:
        enough = one.sure and (len(one.lost) > 1 or (one.lost and one.confirmed))
        if enough and not shared & set(one.runs):
            yield _of_centre(case, one)
    for site in case.sites.values():
        yield from _on_battery(case, site)


# --- one centre -----------------------------------------------------------------------------------------------------


def _every(case: Case, site: Site) -> Iterator[_Gone]:
    """Each time that a centre was gone, or may be: its box just fell silent."""
    for silence in case.free(site.silences):
        lost = tuple(case.free(site.lost_with(silence)))
        if lost and dark(site, silence, lost):
            since = min(run.from_ms for run in lost)
            yield _Gone(site, since, silence, lost, site.battery(since), site.booted(silence))
        elif site.undecided(silence) and not any(measured_inside(run) for run in lost):
            since = min((run.from_ms for run in lost), default=silence.from_ms)
            yield _Gone(site, since, silence, lost, site.battery(since), sure=False)
    if not site.stand.boxes:
        yield from _without_box(case, site)


def _without_box(case: Case, site: Site) -> Iterator[_Gone]:
    """Where nobody but the province looks: each time that all of several lines were lost together."""
    left = sorted(case.free(site.every("line:", "down")), key=lambda run: run.from_ms)
    while len(left) > 1:
        lost = [run for run in left if run.from_ms <= left[0].from_ms + case.together_ms]
        if len({run.subject for run in lost}) == len(lost) == len(site.lines()):
            yield _Gone(site, lost[0].from_ms, None, tuple(lost))
            left = left[len(lost) :]
        else:
            left = left[1:]


def dark(site: Site, silence: Run, lost: Sequence[Run]) -> bool:
    """Whether none of its lines answered any more, and its own box measured none of that."""
    if any(measured_inside(run) for run in lost) and site.battery(silence.from_ms) is None:
        return False
    boot = site.booted(silence)
    until_ms = silence.end_ms if boot is None else boot.at_ms  # what was measured after the start contradicts nothing
    if near(site.of(site.lan), "down", silence.from_ms - site.together_ms, until_ms):
        return False
    keys = {run.subject for run in lost}
    return not any(line.subject not in keys and site.answered(line, silence) for line in site.lines())


def gone(site: Site, at_ms: int, group: str) -> bool:
    """Whether a centre lost at that time more than the lines of a group: those outside of it, or its box that speaks by
    another."""
    silence, lead = site.silent_with(at_ms), site.stand.lead
    if silence is None or lead is None:
        return False
    others = [line for line in site.lines() if group_of(line) != group]
    if not others:
        return False
    span = site.together_ms
    lost = [run for line in others if (run := site.lost(line, at_ms - span, at_ms + 2 * span)) is not None]
    if any(measured_inside(run) for run in lost):
        return False
    if len(lost) == len(others):
        return True
    return group_of(lead) != group and site.undecided(silence)


def _of_centre(case: Case, one: _Gone) -> Found:
    groups = {group_of(line) for line in one.site.stand.lines if line.subject in {run.subject for run in one.lost}}
    sure: Confidence = "certain" if one.confirmed else "likely" if len(groups) > 1 else "possible"
    values: dict[str, Value] = {
        "centre": f"centre:{one.site.centre}", "since_ms": one.from_ms, "count": len(one.lost),
    }  # fmt: skip
    end = max(run.end_ms for run in one.lost)
    verdict = Verdict(
        f"power:{one.site.centre}", "power", "power", "down", one.from_ms,
        None if any(run.to_ms is None for run in one.lost) else end, case.labels(one.runs), (one.site.centre,),
        Said("verdict.power_confirmed" if one.confirmed else "verdict.power", values), _evidence([one]), sure,
        visit=False,
    )  # fmt: skip
    return Found(verdict, one.runs, Said("why.power_confirmed" if one.confirmed else "why.power", values))


def _evidence(members: Sequence[_Gone]) -> tuple[Evidence, ...]:
    boots = [of_boot(one.boot) for one in members if one.boot is not None]
    return (*of_runs(run for one in members for run in one.runs), *boots)[:MOST_EVIDENCE]


# --- an area --------------------------------------------------------------------------------------------------------


def _neighbours(case: Case, every: Sequence[_Gone]) -> Iterator[list[_Gone]]:
    """Those of one area that were gone together, over several carriers."""
    left = list(every)
    while len(left) >= case.limits.power_centres:
        last_ms = left[0].from_ms + case.together_ms
        members = left[: bisect_right(left, last_ms, key=lambda one: one.from_ms)]
        if _enough(case, members):
            yield members
            left = left[len(members) :]
        else:
            left = left[1:]


def _enough(case: Case, members: Sequence[_Gone]) -> bool:
    """So many whose lines are lost, over several carriers; or most boxes of the area, as long as no more is known."""
    seen = [one for one in members if one.sure]
    carriers = {line.carrier for one in seen for line in one.site.stand.lines}
    if len({one.site.centre for one in seen}) >= case.limits.power_centres and len(carriers) > 1:
        return True
    boxes = case.ground.by_area.get(members[0].site.stand.area, frozenset())
    centres = {one.site.centre for one in members}
    leads = {one.site.stand.lead.carrier for one in members if one.site.stand.lead is not None}
    return len(centres) >= max(case.limits.power_centres, case.limits.carrier_share * len(boxes)) and len(leads) > 1


def _of_area(case: Case, area: str, members: Sequence[_Gone]) -> Found:
    runs = list(dict.fromkeys(run for one in members for run in (one.lost or one.runs)))
    every = list(dict.fromkeys(run for one in members for run in one.runs))
    ended = shared_end(runs, case.limits.carrier_share, case.together_ms)
    centres = tuple(sorted({one.site.centre for one in members}))
    seen = [one for one in members if one.lost]
    since = min(one.from_ms for one in seen or members)
    sure: Confidence = "certain" if any(one.confirmed for one in members) else "likely" if seen else "possible"
    values: dict[str, Value] = {"area": f"area:{area}", "since_ms": since, "count": len(centres)}
    verdict = Verdict(
        f"power:area/{area}", "power", "power", "down", since, ended, case.labels(every), centres,
        Said("verdict.power_area" if seen else "verdict.power_area_suspected", values), _evidence(members), sure,
        visit=False,
    )  # fmt: skip
    taken = tuple(run for run in every if not left_behind(run, ended, case.together_ms, case.now_ms))
    return Found(verdict, taken, Said("why.power_area", values))


# --- on the battery -------------------------------------------------------------------------------------------------


def _on_battery(case: Case, site: Site) -> Iterator[Found]:
    """A box that runs on its battery, with what went down around it then."""
    devices = {box.device for box in site.stand.boxes}
    for device in sorted(devices & site.runs.keys()):
        for run in case.free(site.of(device).get("degraded", ())):
            if run.reasons == {"on_battery"}:
                span = run.from_ms - site.together_ms, run.end_ms
                down = [
                    r for kind in ("lan:", "line:") for r in site.every(kind, "down") if span[0] <= r.from_ms < span[1]
                ]
                fell = [r for r in site.silences if span[0] <= r.from_ms < span[1]] if down else []
                yield _battery(case, site, run, [*case.free([*down, *fell])])


def _battery(case: Case, site: Site, run: Run, others: Sequence[Run]) -> Found:
    values: dict[str, Value] = {
        "centre": f"centre:{site.centre}", "since_ms": run.from_ms, "count": len(others),
    }  # fmt: skip
    verdict = Verdict(
        f"power:{site.centre}", "power", "power", "down" if others else "degraded", run.from_ms, run.to_ms,
        case.labels([run, *others]), (site.centre,),
        Said("verdict.power_confirmed" if others else "verdict.power_battery", values), of_runs([run, *others]),
        "certain", visit=False,
    )  # fmt: skip
    return Found(verdict, (run, *others), Said("why.power_battery", values))


def why_not(case: Case, found: Found) -> Said:
    """The box was heard, measured it itself, or a line still answered."""
    site = case.site_of(found)
    if site is None:
        return Said("why.power_one_carrier")
    silence = site.silent_with(found.verdict.since_ms)
    if silence is None:
        return Said("why.power_heard")
    answered = next((line for line in site.lines() if site.answered(line, silence)), None)
    if answered is not None:
        return Said("why.power_answers", {"line": answered.subject})
    if any(measured_inside(run) for run in site.lost_with(silence)):
        return Said("why.power_measured")
    return Said("why.power_unseen")


RULE = Rule("power", find, why_not)
