"""What dispatch knows of a province: who does what where, who is on duty, how busy they are, when people are served."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from collector.api import Duty, LineInfo, Place, Reader, Team

Span = tuple[int, int]
"""From and to before, UTC milliseconds."""


@dataclass(frozen=True, slots=True)
class Town:
    """One state of the province.

    `lines` by centre; `rota`: the turns of a team that are not over, by their beginning; `load`: open incidents by
    team. `opens(centre, from_ms, to_ms)`: when a centre serves people, in order; None where nobody told.
    """

    places: Mapping[str, Place] = field(default_factory=dict)
    lines: Mapping[str, Sequence[LineInfo]] = field(default_factory=dict)
    teams: Sequence[Team] = ()
    rota: Mapping[str, Sequence[Duty]] = field(default_factory=dict)
    load: Mapping[str, int] = field(default_factory=dict)
    opens: Callable[[str, int, int], Sequence[Span] | None] = lambda _centre, _from_ms, _to_ms: None


def town_of(reader: Reader, at_ms: int, load: Mapping[str, int]) -> Town:
    """The province as the collector has it. `load`: open incidents by team, which only the alerts know."""
    return Town(
        places=reader.places(),
        lines=reader.every_line(),
        teams=reader.teams(),
        rota=reader.rota(at_ms),
        load=load,
        opens=reader.open_spans,
    )


def steady(town: Town) -> Town:
    """The same town, its calendar asked once for each schedule: a carrier's cut concerns a hundred centres of one."""
    known: dict[tuple[str, int, int], Sequence[Span] | None] = {}

    def opens(centre: str, from_ms: int, to_ms: int) -> Sequence[Span] | None:
        place = town.places.get(centre)
        if place is None or not place.hours:
            return None
        key = (place.hours, from_ms, to_ms)
        if key not in known:
            known[key] = town.opens(centre, from_ms, to_ms)
        return known[key]

    return replace(town, opens=opens)
