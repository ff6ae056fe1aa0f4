"""Line: one line of a centre, or all that one cable of a carrier brings there: down, lossy, slow, full, too little.

What only the province saw of a silent centre waits until its other lines had the time to be lost as well. Where none
can tell line from power, the line is told once the centre was dark for `agent_silent_s`: somebody has to look.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from alerts.api.facts import Owner, Said, Value, Verdict
from alerts.correlate.case import Case
from alerts.correlate.found import Found, Rule, of_runs, span_of
from alerts.correlate.ground import LineAt, group_of
from alerts.correlate.runs import Run
from alerts.correlate.site import Site, measured_inside

_SAID: Final = frozenset({
    "below_contract", "dns_failed", "dns_slow", "line_full", "loss", "port_slow", "slow",
})  # fmt: skip
_OWNERS: Final[dict[str, Owner]] = {"below_contract": "carrier", "port_slow": "device"}
"""A line that does not give what was paid for is its carrier's; a port that runs too slowly belongs to a machine."""

_TRAVEL: Final = frozenset({"loss", "slow", "port_slow"})


def find(case: Case) -> Iterator[Found]:
    """Of every centre what is down, then what is degraded and no aftermath of something else."""
    for site in case.sites.values():
        for runs in _together(case, site):
            if all(measured_inside(run) for run in runs) or not _in_doubt(site, runs):
                yield _down(case, site, runs)
            elif site.lasting(_unheard(site, runs)):
                yield _down(case, site, runs, doubt=True)
        for run in case.free([*site.every("line:", "degraded")]):
            if not site.aftermath(run):
                yield _degraded(site, run)


def _together(case: Case, site: Site) -> Iterator[list[Run]]:
    """Lines of one group that went down together."""
    by_group: dict[str, list[Run]] = {}
    for line in site.stand.lines:
        for run in case.free(site.of(line.subject).get("down", ())):
            by_group.setdefault(group_of(line) or line.subject, []).append(run)
    for _, runs in sorted(by_group.items()):
        held: list[Run] = []
        for run in sorted(runs, key=lambda run: (run.from_ms, run.subject)):
            if held and run.from_ms > held[0].from_ms + site.together_ms:
                yield held
                held = []
            held.append(run)
        if held:
            yield held


def _in_doubt(site: Site, runs: Sequence[Run]) -> bool:
    """Whether, by what the province saw alone, it may still be the power: no line answers, or not for certain yet."""
    first_ms = runs[0].from_ms
    silence = site.silent_with(first_ms)
    if silence is None:
        return not site.stand.boxes  # a box that was silent long before tells nothing of the power
    if silence.to_ms is not None and site.boots and site.booted(silence) is None:
        return False
    if _stays_behind(site, runs, silence):
        return False
    others = [line for line in site.lines() if line.subject not in {run.subject for run in runs}]
    if not any(site.answered(line, silence) for line in others):
        return True
    wait_ms = 1000 * (site.limits.together_s + site.limits.settle_s)
    return silence.to_ms is None and site.now_ms < first_ms + wait_ms


def _stays_behind(site: Site, runs: Sequence[Run], silence: Run) -> bool:
    """Whether another line that was lost together with these has been back for long: so is the power."""
    until_ms = min(site.now_ms, *(run.end_ms for run in runs)) - site.together_ms
    return any(run.end_ms < until_ms for run in site.lost_with(silence) if run not in runs)


def _unheard(site: Site, runs: Sequence[Run]) -> Run:
    """The time without any word of a centre: the silence of its box; where it has none, the loss itself."""
    return site.silent_with(runs[0].from_ms) or runs[0]


def _down(case: Case, site: Site, runs: Sequence[Run], *, doubt: bool = False) -> Found:
    """`doubt`: it may be the power as well; the line is the likelier, and its people are those who can look."""
    since, ended = span_of(runs)
    subjects = {run.subject for run in runs}
    silence = site.silent_with(since)
    hidden = [silence] if silence is not None and silence not in case.taken and _speaks_by(site, subjects) else []
    inside = any(measured_inside(run) for run in runs)
    leading = min(runs, key=lambda run: (run.subject != _lead(site), run.subject))
    values: dict[str, Value] = {
        "line": leading.subject, "centre": f"centre:{site.centre}", "since_ms": since, "count": len(runs),
    }  # fmt: skip
    key = "down_inside" if inside else "down_doubt" if doubt else "down_outside"
    verdict = Verdict(
        leading.subject, "line", "line", "down", since, ended,
        tuple(dict.fromkeys([leading.subject, *sorted(subjects), *case.labels(hidden)])), (site.centre,),
        Said(f"verdict.line_{key}" if len(runs) == 1 else f"verdict.lines_{key}", values),
        of_runs([*runs, *hidden]), "certain" if inside else "possible" if doubt else "likely", visit=True,
    )  # fmt: skip
    return Found(verdict, (*runs, *hidden), Said(f"why.line_{key}", values))


def _lead(site: Site) -> str:
    lead: LineAt | None = site.stand.lead
    return lead.subject if lead is not None else ""


def _speaks_by(site: Site, lines: set[str]) -> bool:
    """Whether its box speaks by one of these lines, or has no other."""
    return _lead(site) in lines or all(line.subject in lines for line in site.lines())


def _degraded(site: Site, run: Run) -> Found:
    reason = run.reason if run.reason in _SAID else "degraded"
    values: dict[str, Value] = {
        "line": run.subject, "centre": f"centre:{site.centre}", "since_ms": run.from_ms,
    }  # fmt: skip
    verdict = Verdict(
        run.subject, "line", _OWNERS.get(reason, "line"), "degraded", run.from_ms, run.to_ms, (run.subject,),
        (site.centre,), Said(f"verdict.line_{reason}", values), of_runs([run]), "certain", visit=reason in _TRAVEL,
    )  # fmt: skip
    return Found(verdict, (run,), Said("why.line_degraded", values))


def why_not(case: Case, found: Found) -> Said:
    """None was lost alone; or it may as well have been the power."""
    site = case.site_of(found)
    if site is None:
        return Said("why.line_several", {"count": len(found.verdict.centres)})
    silence = site.silent_with(found.verdict.since_ms)
    lost = site.lost_with(silence) if silence is not None else []
    if not lost:
        return Said("why.line_none")
    return Said("why.line_all" if len(lost) > 1 else "why.line_doubt", {"count": len(lost)})


RULE = Rule("line", find, why_not)
