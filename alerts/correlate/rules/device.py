"""Device: a machine that does not answer while the network does, or that reports a condition of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from alerts.api.facts import Said, Value, Verdict
from alerts.correlate.case import Case
from alerts.correlate.found import Found, Rule, of_runs
from alerts.correlate.runs import Run
from alerts.correlate.site import Site

_FROM_AFAR: Final = frozenset({"disk_low", "memory_low", "on_battery"})
"""Conditions that nobody has to travel for."""

_SAID: Final = _FROM_AFAR | {"temperature"}


def find(case: Case) -> Iterator[Found]:
    """One for every time a machine was not well."""
    for site in case.sites.values():
        for run in case.free([*site.every("device:", "down", "degraded")]):
            yield _found(site, run)


def _found(site: Site, run: Run) -> Found:
    reason = run.reason if run.reason in _SAID else run.state
    values: dict[str, Value] = {"device": run.subject, "centre": f"centre:{site.centre}", "since_ms": run.from_ms}
    last = run.spells[-1].detail
    if run.reason in {"disk_low", "memory_low"}:
        values["used_share"] = last.get("value", 0.0)
    verdict = Verdict(
        run.subject, "device", "device", run.state, run.from_ms, run.to_ms, (run.subject,), (site.centre,),
        Said(f"verdict.device_{reason}", values), of_runs([run]), "certain", visit=run.reason not in _FROM_AFAR,
    )  # fmt: skip
    return Found(verdict, (run,), Said("why.device", values))


def why_not(case: Case, found: Found) -> Said:
    """No machine of the centre reported anything."""
    site = case.site_of(found)
    if site is None:
        return Said("why.device_several")
    return Said("why.device_other" if any(site.every("device:", "down", "degraded")) else "why.device_well")


RULE = Rule("device", find, why_not)
