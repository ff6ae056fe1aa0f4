"""Clusters: what has to be looked at again where something became known, or where only time went by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from alerts.api.facts import Verdict
from alerts.correlate.case import centre_of
from alerts.correlate.picture import Picture, Spell
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
    return {SHARED, *picture.topology.ground.clusters} if silent_everywhere(picture) else {SHARED}


def home(picture: Picture, verdict: Verdict) -> str:
    """The cluster of a verdict."""
    if verdict.rule in {"service", "province"}:
        return SHARED
    centre = verdict.centres[0] if verdict.centres else centre_of(picture, verdict.subjects[0])
    stand = picture.topology.ground.stands.get(centre)
    return stand.cluster if stand is not None else centre or SHARED


def stirred(picture: Picture, after_ms: int) -> frozenset[str]:
    """The clusters of which time alone may have changed a verdict since `after_ms`, nothing new being known: a silence
    grew old enough to be the agent's, a flapping line was quiet for long enough, a planned stop began or ended."""
    limits = picture.limits
    waits = [1000 * s for s in (
        limits.settle_s, limits.together_s, limits.together_s + limits.settle_s, limits.agent_silent_s,
        2 * limits.agent_silent_s, limits.flap_hold_s, limits.pc_silent_s, 2 * limits.late_s,
    )]  # fmt: skip
    found = {
        cluster_of(picture, key)
        for key, spells in picture.spells.items()
        if any(after_ms < moment <= picture.now_ms for spell in spells for moment in _moments(spell, waits))
    }
    edges = (at for windows in picture.planned.values() for w in windows for at in (w.from_ms, w.end_ms))
    if any(after_ms < at + wait <= picture.now_ms for at in edges for wait in (0, *waits)):
        found |= {SHARED, *picture.topology.ground.clusters}
    return frozenset(found)


def _moments(spell: Spell, waits: Iterable[float]) -> Iterator[float]:
    """When a spell may come to mean something else."""
    edges = (
        (spell.from_ms, spell.recorded_ms) if spell.to_ms is None else (spell.from_ms, spell.recorded_ms, spell.to_ms)
    )
    for wait in waits:
        for edge in edges:
            yield edge + wait
