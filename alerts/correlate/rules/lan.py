"""Lan: the centre's own network, as its box found it, now or when what it had measured arrived.

While the box is silent and a line answers, officials' PCs that fell silent with it point at the network as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from alerts.api.facts import Said, Value, Verdict
from alerts.correlate.case import Case, silent_runs
from alerts.correlate.found import Found, Rule, of_runs, span_of
from alerts.correlate.runs import Run
from alerts.correlate.site import Site

_SAID: Final = frozenset({"loss", "port_slow", "wifi_weak"})


def find(case: Case) -> Iterator[Found]:
    """One for every time the network was down or degraded."""
    for site in case.sites.values():
        lan = site.of(site.lan)
        for run in case.free([*lan.get("down", ()), *lan.get("degraded", ())]):
            yield _found(case, site, run)
        for silence in case.free(site.silences):
            pcs = _fell_silent_too(site, silence)
            if pcs and not site.undecided(silence) and any(site.answered(line, silence) for line in site.lines()):
                yield _by_company(site, silence, pcs)


def _found(case: Case, site: Site, run: Run) -> Found:
    span = site.together_ms
    hidden = [s for s in case.free(site.silences) if run.state == "down" and s.overlaps(run.from_ms - span, run.end_ms)]
    tail = [r for r in site.every("line:", "degraded") if _tail(site, r, run)]
    since, ended = span_of([run])
    values: dict[str, Value] = {"centre": f"centre:{site.centre}", "since_ms": since}
    key = f"verdict.lan_{run.reason if run.reason in _SAID else run.state}"
    verdict = Verdict(
        site.lan, "lan", "lan", run.state, since, ended, case.labels([run, *hidden]), (site.centre,),
        Said(key, values), of_runs([run, *hidden]), "certain", visit=True,
    )  # fmt: skip
    return Found(verdict, (run, *hidden, *tail), Said("why.lan", values))


def _tail(site: Site, line: Run, lan: Run) -> bool:
    """Whether a line was short of well only as the network came back: its resolver had just failed."""
    span = site.together_ms
    begun = lan.from_ms <= line.from_ms <= lan.end_ms + span
    return lan.state == "down" and begun and line.lasts_ms(site.now_ms) <= span


def _fell_silent_too(site: Site, silence: Run) -> list[Run]:
    """Silences of PCs that began with the box's; none where any PC was heard all the while."""
    pcs = [agent for agent in site.stand.others if agent.role == "pc"]
    every = [run for pc in pcs for run in silent_runs(site.of(pc.subject))]
    fell = [run for run in every if abs(run.from_ms - silence.from_ms) <= site.together_ms]
    gone = {run.subject for run in every if run.overlaps(silence.from_ms, silence.end_ms)}
    return fell if len(gone) == len(pcs) else []


def _by_company(site: Site, silence: Run, pcs: list[Run]) -> Found:
    values: dict[str, Value] = {
        "centre": f"centre:{site.centre}", "since_ms": silence.from_ms, "count": len(pcs) + 1,
    }  # fmt: skip
    runs = (silence, *pcs)
    verdict = Verdict(
        site.lan, "lan", "lan", "down", silence.from_ms, silence.to_ms, tuple(r.subject for r in runs),
        (site.centre,), Said("verdict.lan_company", values), of_runs(runs), "likely", visit=True,
    )  # fmt: skip
    return Found(verdict, runs, Said("why.lan_company", values))


def why_not(case: Case, found: Found) -> Said:
    """It answered, or nobody could ask it."""
    site = case.site_of(found)
    if site is None:
        return Said("why.lan_several")
    verdict = found.verdict
    unasked = any(run.overlaps(verdict.since_ms, run.end_ms) for run in site.of(site.lan).get("unknown", ()))
    return Said("why.lan_unasked" if unasked or site.silent_with(verdict.since_ms) else "why.lan_answers")


RULE = Rule("lan", find, why_not)
