"""Power: a centre lost all its lines at once while its box fell silent and measured nothing more.

A machine that started anew within the outage confirms it, and so does one that ran on its battery when it began;
neighbours on other carriers that lost everything at the same time make it the power of an area.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence

from alerts.api.facts import Confidence, Evidence, Said, Value, Verdict
from alerts.correlate.case import Case
from alerts.correlate.found import MOST_EVIDENCE, Found, Rule, left_behind, of_boot, of_runs, shared_end
from alerts.correlate.gone import Gone, times_gone
from alerts.correlate.ground import group_of
from alerts.correlate.runs import ALWAYS, Run
from alerts.correlate.site import Site, measured_inside


def find(case: Case) -> Iterator[Found]:
    """First what neighbours share, then one for each centre; last what only a battery tells of."""
    every = [one for site in case.sites.values() for one in times_gone(case, site)]
    every.sort(key=lambda one: (one.from_ms, one.site.centre))
    by_area: dict[str, list[Gone]] = {}
    for one in every:
        by_area.setdefault(one.site.stand.area, []).append(one)
    shared: set[Run] = set()
    for area, near_by in sorted(by_area.items()):
        for members in _neighbours(case, near_by) if area else ():
            shared |= {run for one in members for run in one.runs}
            yield _of_area(case, area, members)
    for one in every:
        if one.power and not shared & set(one.runs):
            yield _of_centre(case, one)
    for site in case.sites.values():
        yield from _on_battery(case, site)


# --- one centre -----------------------------------------------------------------------------------------------------


def _of_centre(case: Case, one: Gone) -> Found:
    groups = {group_of(line) for line in one.site.stand.lines if line.subject in {run.subject for run in one.lost}}
    sure: Confidence = "certain" if one.confirmed else "likely" if len(groups) > 1 else "possible"
    values: dict[str, Value] = {
        "centre": f"centre:{one.site.centre}", "since_ms": one.from_ms, "count": len(one.lost),
    }  # fmt: skip
    ended = None if one.end_ms >= ALWAYS else one.end_ms
    verdict = Verdict(
        f"power:{one.site.centre}", "power", "power", "down", one.from_ms, ended, case.labels(one.runs),
        (one.site.centre,),
        Said("verdict.power_confirmed" if one.confirmed else "verdict.power", values), _evidence([one]), sure,
        visit=False,
    )  # fmt: skip
    behind = {run for run in one.lost if left_behind(run, ended, case.together_ms, case.now_ms)}
    key = "power_record" if one.gap else "power_confirmed" if one.confirmed else "power"
    return Found(verdict, tuple(run for run in one.runs if run not in behind), Said(f"why.{key}", values))


def _evidence(members: Sequence[Gone]) -> tuple[Evidence, ...]:
    boots = [of_boot(one.boot) for one in members if one.boot is not None]
    return (*of_runs(run for one in members for run in one.runs), *boots)[:MOST_EVIDENCE]


# --- an area --------------------------------------------------------------------------------------------------------


def _neighbours(case: Case, every: Sequence[Gone]) -> Iterator[list[Gone]]:
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


def _enough(case: Case, members: Sequence[Gone]) -> bool:
    """So many whose lines are lost, over several carriers or each of them told to be without power by itself; or most
    boxes of the area, as long as no more is known."""
    seen = [one for one in members if one.sure]
    if len({one.site.centre for one in seen if one.confirmed or one.power}) >= case.limits.power_centres:
        return True
    carriers = {line.carrier for one in seen for line in one.site.stand.lines}
    if len({one.site.centre for one in seen}) >= case.limits.power_centres and len(carriers) > 1:
        return True
    boxes = case.ground.by_area.get(members[0].site.stand.area, frozenset())
    centres = {one.site.centre for one in members}
    leads = {one.site.stand.lead.carrier for one in members if one.site.stand.lead is not None}
    return len(centres) >= max(case.limits.power_centres, case.limits.carrier_share * len(boxes)) and len(leads) > 1


def _of_area(case: Case, area: str, members: Sequence[Gone]) -> Found:
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
    lost = site.lost_with(silence)
    if any(measured_inside(run) for run in lost):
        return Said("why.power_measured")
    return Said("why.power_alone" if len(lost) == len(site.lines()) == 1 else "why.power_unseen")


RULE = Rule("power", find, why_not)
