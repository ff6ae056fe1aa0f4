"""Which parts of which centres are at rest, and what of a centre is to be judged for facts that came in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from collector.judge.facts import Fact
from collector.judge.rest import Rest
from collector.judge.settling import Part, Settled
from collector.register.places import Place

Keys = frozenset[str]


@dataclass(slots=True)
class Rests:
    """Forgotten with the place, the policy, or when anything but plain facts touches a part."""

    _known: dict[str, tuple[Place, dict[Keys, Rest]]] = field(default_factory=dict)

    def sorted(self, place: Place, parts: Sequence[Part], facts: Sequence[Fact]) -> tuple[list[Part], list[Part]]:
        """The parts of a place that these facts of it disturb, and those that took some of them in and stay."""
        known, keys = self._of(place), {fact.subject for fact in facts}
        disturbed: list[Part] = []
        rested: list[Part] = []
        for part in (part for part in parts if not keys.isdisjoint(part.keys)):
            rest = known.get(part.keys)
            met = "behind" if rest is None else rest.meets(facts)
            (rested if met == "rest" else disturbed).append(part)
            if met == "behind":
                known.pop(part.keys, None)
        return disturbed, rested

    def undisturbed_before(self, place: Place) -> frozenset[Keys]:
        """The parts of a place of which nothing is judged otherwise before what touched it."""
        return frozenset(self._of(place))

    def due_ms(self, place: Place, part: Part, cut_ms: int) -> int | None:
        """When a part that is at rest goes stale as it stands; None where nothing of it is measured."""
        rest = self._of(place).get(part.keys)
        return rest.due_ms(cut_ms) if rest is not None else None

    def forget(self, centre: str, parts: Iterable[Part] | None = None) -> None:
        """These parts of a centre are judged again; None: all of it."""
        if parts is None:
            self._known.pop(centre, None)
        elif centre in self._known:
            for part in parts:
                self._known[centre][1].pop(part.keys, None)

    def note(self, place: Place, settled: Settled, edge: int) -> None:
        """A part was judged; remember it where it is at rest."""
        pace = settled.part.pace
        if settled.span.end >= edge:
            since = edge - pace.back_ms - pace.ahead_ms
            rest = Rest.of(settled.case, settled.timelines, since, settled.span.end)
            if rest is not None:
                self._of(place)[settled.part.keys] = rest

    def _of(self, place: Place) -> dict[Keys, Rest]:
        known = self._known.get(place.centre)
        if known is None or known[0] is not place:
            known = self._known[place.centre] = (place, {})
        return known[1]
