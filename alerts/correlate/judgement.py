"""From a picture to verdicts: the rules asked in their order, of everything or of clusters alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from alerts.api.facts import Verdict
from alerts.correlate.case import Case, Runs, case_of, centre_of, stops_of, told
from alerts.correlate.found import Found, considered
from alerts.correlate.picture import Picture
from alerts.correlate.rules import RULES
from alerts.correlate.runs import Covered

SHARED: Final = "shared"
"""The cluster of shared systems, and of what befalls everything at once."""


def correlate(picture: Picture, only: Collection[str] | None = None) -> list[Verdict]:
    """Every verdict of a picture, those that began first first; `only`: those of these clusters."""
    return [found.verdict for found in explain(picture, only)]


def explain(picture: Picture, only: Collection[str] | None = None) -> list[Found]:
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
    done = [Found(considered(case, found, RULES), found.runs, found.why) for found in every]
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


def cluster_of(picture: Picture, subject: str) -> str:
    """The cluster that a subject belongs to."""
    centre = centre_of(picture, subject)
    stand = picture.topology.ground.stands.get(centre)
    if stand is not None:
        return stand.cluster
    return centre or SHARED


def touched(picture: Picture, subjects: Iterable[str]) -> frozenset[str]:
    """The clusters that have to be looked at again where something became known of these subjects.

    `correlate(picture, touched(picture, subjects))` gives all verdicts of those clusters, and none of any other has
    changed: put them in place of the verdicts whose `home` is among them. Subjects of planned stops count as well.
    """
    found: set[str] = set()
    for subject in subjects:
        kind, _, key = subject.partition(":")
        if kind == "service":
            system = f"service:{key.partition('@')[0]}"
            found |= {SHARED, *(cluster_of(picture, s) for s in picture.spells if s.startswith(f"{system}@"))}
        elif kind in {"area", "carrier"}:
            found |= set(picture.topology.ground.clusters)
        else:
            found.add(cluster_of(picture, subject))
            if subject in picture.topology.agents:
                found |= _everything(picture)
    return frozenset(found)


def _everything(picture: Picture) -> set[str]:
    """All clusters while everything at once is silent; else the shared one alone, which can tell."""
    case = Case(picture, {}, {}, [])
    mass = any(found.told for found in next(rule for rule in RULES if rule.name == "province").find(case))
    return {SHARED, *picture.topology.ground.clusters} if mass else {SHARED}


def home(picture: Picture, verdict: Verdict) -> str:
    """The cluster of a verdict."""
    if verdict.rule in {"service", "province"}:
        return SHARED
    centre = verdict.centres[0] if verdict.centres else centre_of(picture, verdict.subjects[0])
    stand = picture.topology.ground.stands.get(centre)
    return stand.cluster if stand is not None else centre or SHARED
