"""From a picture to verdicts: the rules asked in their order, of everything or of clusters alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from alerts.api.facts import Verdict
from alerts.correlate.case import Runs, case_of, stops_of, told
from alerts.correlate.clusters import SHARED, cluster_of
from alerts.correlate.found import Found, considered
from alerts.correlate.picture import Picture
from alerts.correlate.rules import RULES
from alerts.correlate.runs import Covered


def correlate(picture: Picture, only: Collection[str] | None = None, *, why: bool = True) -> list[Verdict]:
    """Every verdict of a picture, those that began first first; `only`: those of these clusters; `why`: with what was
    `considered`, which people ask for and nothing is decided by."""
    return [found.verdict for found in explain(picture, only, why=why)]


def explain(picture: Picture, only: Collection[str] | None = None, *, why: bool = True) -> list[Found]:
    """The same, each with the runs that it explains."""
    shared, covered = _shared(picture)
    case = case_of(picture, _subjects(picture, only), shared, leads=only is None or SHARED in only)
    case.covered += covered if case.leads else []
    every: list[Found] = []
    for rule in RULES:
        for found in rule.find(case):
            case.take(found)
            if found.told:
                every.append(found)
    done = [Found(considered(case, found, RULES), found.runs, found.why) for found in every] if why else every
    return sorted(done, key=lambda found: (found.verdict.since_ms, found.verdict.cause))


def _shared(picture: Picture) -> tuple[Mapping[str, Runs], list[Covered]]:
    """How the shared systems are, only those that are not well; and what of that was planned."""
    stops = stops_of(picture)
    found: dict[str, Runs] = {}
    covered: list[Covered] = []
    for key in picture.spells:
        if key.startswith("service:") and "@" not in key:
            runs, within = told(picture, key, "", stops)
            covered += within
            if runs:
                found[key] = runs
    return found, covered


def _subjects(picture: Picture, only: Collection[str] | None) -> Iterable[str]:
    """What belongs to places; the shared systems themselves are looked at apart."""
    every = (key for key in picture.spells if "@" in key or not key.startswith("service:"))
    return every if only is None else (key for key in every if cluster_of(picture, key) in only)
