"""A cause as the score pleads for it: which incidents are about it, and for how long they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from simulator.causes import Cause
from simulator.ground import Event, Incident
from simulator.province import Province
from simulator.truth import Told, place_of

EARLY_MS: Final = 5_000
TAIL_MS: Final = 1_200_000
"""How long after its end a cause still explains what is judged: windows of a quarter of an hour, late data."""

_RETURNS: Final = frozenset({"reopened", "returned"})

FOREVER_MS: Final = 2**62

Span = tuple[int, int]


def past_of(story: Iterable[Event]) -> list[Span]:
    """When an incident held before its fault returned."""
    found = []
    for event in story:
        values = {} if event.said is None else event.said.values
        first, last = values.get("was_since_ms"), values.get("was_ended_ms")
        if event.what in _RETURNS and isinstance(first, int) and isinstance(last, int):
            found.append((first, last))
    return found


class Plea:
    """A cause with the subjects that are its own, and the keys an incident may be named by. `past`: by incident, when
    it held before its fault returned."""

    def __init__(
        self, told: Told, names: Mapping[str, str], province: Province, past: Mapping[str, Sequence[Span]]
    ) -> None:
        self._past = past
        self.told, self.cause = told, told.cause
        own = [names.get(key, key) for key in _own(told.cause, province)]
        self.own, self.keys = frozenset(own), frozenset([*own, *_keys(told.cause, province)])
        self.named = frozenset(_keys(told.cause, province)) or self.own
        self.centres = (
            {key.partition("/")[0] for key in self.cause.touches} if told.cause.its.names != "services" else set()
        )
        self.spans = [(e.from_ms, e.to_ms) for e in told.expected] or [(self.cause.from_ms, self.cause.to_ms)]

    def has(self, one: Incident) -> bool:
        """Whether an incident is about this cause."""
        about = one.verdict.cause in self.keys or bool(self.own & set(one.verdict.subjects))
        return about and self.overlap(one) > 0

    def explains(self, one: Incident) -> bool:
        """Whether this cause may be why there is an incident at all."""
        if self.overlap(one) <= 0:
            return False
        if self.cause.its.names == "services":
            systems = {f"service:{key}" for key in self.cause.touches}
            return any(key.partition("@")[0] in systems for key in (one.verdict.cause, *one.verdict.subjects))
        places = {place_of(key) for key in one.verdict.subjects if key.partition(":")[0] in {"centre", "lan", "line"}}
        return bool(self.centres & {*one.verdict.centres, *places})

    def would_own(self, one: Incident) -> bool:
        """Whether an incident is named after this cause and right, though nothing was due of it."""
        due = self.told.expected or self.told.planned
        return not due and one.verdict.cause in self.named and one.verdict.owner in self.told.owners

    def overlap(self, one: Incident) -> int:
        """How long (ms) an incident held while this cause showed, or was an explanation still."""
        last_ms = FOREVER_MS if one.ended_ms is None else max(one.ended_ms, one.since_ms + 1)
        held = [*self._past.get(one.id, ()), (one.since_ms, last_ms)]
        return max(min(last, b + TAIL_MS) - max(first, a - EARLY_MS) for a, b in self.spans for first, last in held)


def _own(cause: Cause, province: Province) -> list[str]:
    if cause.its.names == "services":
        return [f"service:{key}" for key in cause.touches]
    if cause.its.names == "lines":
        return [f"line:{key}" for key in cause.touches]
    own: list[str] = []
    for key in cause.touches:
        if cause.kind == "power":
            own += [f"centre:{key}", f"lan:{key}", *(f"line:{line.key}" for line in province.sites[key].lines)]
        elif cause.kind == "lan":
            own += [f"lan:{key}", f"centre:{key}"]
        else:
            own.append(f"device@{key}" if cause.kind == "disk_full" else f"agent@{key}")
    return own


def _keys(cause: Cause, province: Province) -> list[str]:
    """What its incident is named by, where that is no subject."""
    if cause.kind == "carrier_cut":
        lines = [province.lines[key] for key in cause.touches]
        return sorted({f"carrier:{line.carrier}/{line.group}" for line in lines} | {f"carrier:{lines[0].carrier}"})
    if cause.kind == "power":
        areas = {province.sites[key].area for key in cause.touches}
        return sorted({f"power:{key}" for key in cause.touches} | {f"power:area/{area}" for area in areas})
    return []
