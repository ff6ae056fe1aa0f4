"""Unknown: something is wrong and the evidence does not tell whose it is; the candidates are named.

A box that is silent while nothing was seen from the province, or not yet; lines lost of which only the province tells;
a system that one centre alone sees ill while its line is fine.
"""

from __future__ import annotations

from collections.abc import Iterator

from alerts.api.facts import Owner, Said, Value, Verdict
from alerts.correlate.case import OWN_ROOMS, Case
from alerts.correlate.found import Found, Rule, of_runs, span_of
from alerts.correlate.rules.service import ILL
from alerts.correlate.runs import ALWAYS, Run
from alerts.correlate.site import Site


def find(case: Case) -> Iterator[Found]:
    """What no other rule spoke of."""
    for site in case.sites.values():
        for silence in case.free(site.silences):
            yield _silent(case, site, silence)
        for run in case.free([*site.every("line:", "down")]):
            yield _lost(case, site, run)
        yield from _alone(case, site)


def _silent(case: Case, site: Site, silence: Run) -> Found:
    lost = list(case.free(site.lost_with(silence)))
    answer = any(site.answered(line, silence) for line in site.lines())
    candidates: tuple[Owner, ...] = ("power", "line", "lan", "agent")
    key = "silent"
    if lost:
        candidates, key = ("power", "line"), "silent_lost"
    elif answer:
        candidates, key = ("agent", "lan", "power", "line"), "silent_answers"
    values: dict[str, Value] = {"centre": f"centre:{site.centre}", "since_ms": silence.from_ms, "count": len(lost)}
    runs = (silence, *lost)
    verdict = Verdict(
        f"centre:{site.centre}", "unknown", "unknown", "unknown", silence.from_ms, silence.to_ms, case.labels(runs),
        (site.centre,), Said(f"verdict.unknown_{key}", values), of_runs(runs), "possible", visit=False,
        candidates=candidates,
    )  # fmt: skip
    return Found(verdict, runs, Said(f"why.unknown_{key}", values))


def _lost(case: Case, site: Site, run: Run) -> Found:
    values: dict[str, Value] = {"line": run.subject, "centre": f"centre:{site.centre}", "since_ms": run.from_ms}
    verdict = Verdict(
        run.subject, "unknown", "unknown", "down", run.from_ms, run.to_ms, (run.subject,), (site.centre,),
        Said("verdict.unknown_lost", values), of_runs([run]), "possible", visit=False, candidates=("line", "power"),
    )  # fmt: skip
    return Found(verdict, (run,), Said("why.unknown_lost", values))


# --- a system that one centre alone sees ill ------------------------------------------------------------------------


def _alone(case: Case, site: Site) -> Iterator[Found]:
    """All systems that a centre sees ill at one time are one trouble."""
    if site.centre.startswith(OWN_ROOMS):
        return
    ill = [
        run
        for run in case.free([*site.every("service:", *ILL)])
        if _settled(site, run) and not _follows(case, site, run)
    ]
    held: list[Run] = []
    for run in sorted(ill, key=lambda run: (run.from_ms, run.subject)):
        if held and run.from_ms > max(one.end_ms for one in held):
            yield _one_place(case, site, held)
            held = []
        held.append(run)
    if held:
        yield _one_place(case, site, held)


def _settled(site: Site, run: Run) -> bool:
    """Whether it lasted long enough for the other centres, who ask in turn, to have seen it too."""
    return run.lasts_ms(site.now_ms) >= 2 * _wide(site)


def _follows(case: Case, site: Site, run: Run) -> bool:
    """Whether the system is ill for all, or the centre's own lines or network were not well around then."""
    system, span = run.subject.partition("@")[0], site.together_ms
    shared = case.shared.get(system, {})
    if any(one.overlaps(run.from_ms - _wide(site), run.end_ms + _wide(site)) for s in ILL for one in shared.get(s, ())):
        return True
    own = [*site.every("line:", *ILL), *site.every("lan:", *ILL), *site.silences]
    return any(one.overlaps(run.from_ms - span, min(run.end_ms, ALWAYS - span) + span) for one in own)


def _wide(site: Site) -> int:
    """A shared system is judged by many who ask in turn: one sees it up to some minutes before or after all."""
    return round(1000 * site.limits.late_s)


def _one_place(case: Case, site: Site, runs: list[Run]) -> Found:
    since, ended = span_of(runs)
    values: dict[str, Value] = {
        "system": runs[0].subject.partition("@")[0], "centre": f"centre:{site.centre}", "since_ms": since,
        "count": len(runs),
    }  # fmt: skip
    verdict = Verdict(
        f"centre:{site.centre}/services", "unknown", "unknown",
        "down" if any(run.state == "down" for run in runs) else "degraded", since, ended, case.labels(runs),
        (site.centre,), Said("verdict.unknown_service", values), of_runs(runs), "possible", visit=False,
        candidates=("service", "lan", "line"),
    )  # fmt: skip
    return Found(verdict, tuple(runs), Said("why.unknown_service", values))


def why_not(case: Case, found: Found) -> Said:
    """The evidence tells whose it is."""
    return Said("why.unknown_enough", {"owner": f"owner:{found.verdict.owner}"})


RULE = Rule("unknown", find, why_not)
