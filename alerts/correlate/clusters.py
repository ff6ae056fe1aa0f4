"""Clusters: which have to be looked at again where something became known, and which one a verdict belongs to."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from alerts.api.facts import Verdict
from alerts.correlate.case import centre_of
from alerts.correlate.picture import Picture
from alerts.correlate.rules.province import silent_everywhere

SHARED: Final = "shared"
"""The cluster of shared systems, and of what befalls everything at once."""


def cluster_of(picture: Picture, subject: str) -> str:
    """The cluster that a subject belongs to."""
    centre = centre_of(picture, subject)
    stand = picture.topology.ground.stands.get(centre)
    if stand is not None:
        return stand.cluster
    return centre or SHARED


def touched(picture: Picture, subjects: Collection[str]) -> frozenset[str]:
    """The clusters that have to be looked at again where something became known of these subjects.

    `correlate(picture, touched(picture, subjects))` gives all verdicts of those clusters, and none of any other has
    changed: put them in place of the verdicts whose `home` is among them. Subjects of planned stops count as well.
    Where everything at once was silent until now and an agent is among them, it is all clusters: see `everywhere`.
    """
    found: set[str] = set()
    for subject in subjects:
        kind, _, key = subject.partition(":")
        if kind == "service":
            found |= {SHARED, cluster_of(picture, subject)}
            if "@" not in key:
                found |= {cluster_of(picture, seen) for seen in picture.spells if seen.startswith(f"{subject}@")}
        elif kind in {"area", "carrier"}:
            found |= set(picture.topology.ground.clusters)
        else:
            found.add(cluster_of(picture, subject))
            if subject in picture.topology.agents:
                found.add(SHARED)  # which can tell of everything at once
    agents = any(subject in picture.topology.agents for subject in subjects)
    return frozenset(found | set(picture.topology.ground.clusters) if agents and everywhere(picture) else found)


def everywhere(picture: Picture) -> bool:
    """Whether everything at once is, or lately was, silent: what one box tells then concerns all clusters."""
    return bool(silent_everywhere(picture))


def home(picture: Picture, verdict: Verdict) -> str:
    """The cluster of a verdict."""
    if verdict.rule in {"service", "province"}:
        return SHARED
    centre = verdict.centres[0] if verdict.centres else centre_of(picture, verdict.subjects[0])
    stand = picture.topology.ground.stands.get(centre)
    return stand.cluster if stand is not None else centre or SHARED
