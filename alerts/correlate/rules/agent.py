"""Agent: the measuring software or its box, while the lines answer: silent for long, a clock that is off, a full spool.

An official's PC is off at night and on holidays: it is told of after days only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from alerts.api.facts import Said, Value, Verdict
from alerts.correlate.case import Case, silent_runs
from alerts.correlate.found import Found, Rule, of_runs
from alerts.correlate.runs import Run
from alerts.correlate.site import Site

_SAID: Final = frozenset({"batch_conflict", "clock_skew", "cloned", "disk_low", "spool_old"})


def find(case: Case) -> Iterator[Found]:
    """Conditions that agents have, then silences of boxes, of the province's own agents, and of PCs."""
    for site in case.sites.values():
        for run in case.free([*site.every("agent:", "degraded", "down")]):
            key = f"verdict.agent_{run.reason}" if run.reason in _SAID else "verdict.agent_ill"
            yield _found(site, run, key, "why.agent_reports")
        for run in case.free(site.silences):
            if site.lasting(run) and not site.undecided(run) and _all_answered(site, run):
                yield _found(site, run, "verdict.agent_silent", "why.agent_silent")
        yield from _others(case, site)


def _others(case: Case, site: Site) -> Iterator[Found]:
    patience = {"vantage": case.limits.agent_silent_s, "pc": case.limits.pc_silent_s}
    for agent in site.stand.others:
        for run in case.free(silent_runs(site.of(agent.subject))):
            if run.lasts_ms(site.now_ms) >= 1000 * patience.get(agent.role, case.limits.pc_silent_s):
                yield _found(site, run, f"verdict.agent_silent_{agent.role}", "why.agent_long")


def _all_answered(site: Site, silence: Run) -> bool:
    """Whether the lines answered meanwhile, as far as anybody looks at them, at least one. What was lost long before
    or after is another trouble."""
    lines = site.lines()
    if any(run.from_ms <= silence.from_ms + site.together_ms for run in site.lost_with(silence)):
        return False
    before = _before_losses(site, silence)
    return bool(lines) and site.lasting(before) and any(site.answered(line, before) for line in lines)


def _before_losses(site: Site, silence: Run) -> Run:
    """As much of a silence as came before any line was lost in it."""
    later = (run.from_ms for run in site.every("line:", "down") if silence.from_ms < run.from_ms < silence.end_ms)
    first = min(later, default=None)
    return silence if first is None else replace(silence, to_ms=first)


def _found(site: Site, run: Run, key: str, why: str) -> Found:
    values: dict[str, Value] = {
        "agent": run.subject, "centre": f"centre:{site.centre}", "since_ms": run.from_ms,
        "lasts_s": run.lasts_ms(site.now_ms) / 1000,
    }  # fmt: skip
    own_room = not site.stand.lines
    verdict = Verdict(
        run.subject, "agent", "agent", run.state, run.from_ms, run.to_ms, (run.subject,),
        (site.centre,), Said(key, values), of_runs([run]), "likely" if run.state == "unknown" else "certain",
        visit=False,
    )  # fmt: skip
    return Found(verdict, (run,), Said(why, {**values, "count": 0 if own_room else len(site.lines())}))


def why_not(case: Case, found: Found) -> Said:
    """It was heard; or it was not, and its line neither; or not for long enough."""
    site = case.site_of(found)
    if site is None:
        return Said("why.agent_several")
    silence = site.silent_with(found.verdict.since_ms)
    if silence is None:
        return Said("why.agent_heard")
    if site.lost_with(silence):
        return Said("why.agent_line_lost")
    return Said("why.agent_too_early", {"lasts_s": case.limits.agent_silent_s})


RULE = Rule("agent", find, why_not)
