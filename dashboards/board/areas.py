"""Areas of a province: how many centres stand how in each, worst first. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from dashboards.board.looks import LOOKS, Look
from dashboards.board.order import NAMES_KEPT, Key, collation_key, fold, short_name
from dashboards.board.words import Words


@dataclass(frozen=True, slots=True)
class Area:
    """One area; `slug` is what the inventory calls it, empty for centres without one."""

    slug: str
    name: str
    counts: Mapping[Look, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def bad(self) -> list[tuple[Look, int]]:
        """What is not well in it, worst first."""
        return [(state, self.counts[state]) for state in LOOKS if state != "ok" and self.counts.get(state)]


def areas_of(centres: Iterable[tuple[str, str, Look]], words: Words) -> list[Area]:
    """From (slug, name, state) of every centre. Empty where the inventory names no area."""
    counts: dict[str, dict[Look, int]] = {}
    spelt: dict[str, str] = {}
    for slug, name, state in centres:
        held = counts.setdefault(slug, {})
        held[state] = held.get(state, 0) + 1
        if slug and slug not in spelt and seat(name) == slug:
            spelt[slug] = short_name(name)  # an area is called after its seat, which tells the tone marks
    if not set(counts) - {""}:
        return []
    found = [Area(slug, spelt.get(slug) or spoken(slug, words), held) for slug, held in counts.items()]
    return sorted(found, key=_rank)


@lru_cache(maxsize=NAMES_KEPT)
def seat(name: str) -> str:
    """What an area would be called in the inventory whose seat has this name: Phường Bắc Giang → bac-giang."""
    return fold(short_name(name)).replace(" ", "-")


def _rank(area: Area) -> tuple[int, int, int, Key]:
    """Where the most is wrong comes first."""
    down, degraded, unknown = (-area.counts.get(state, 0) for state in LOOKS[:3])
    return down, degraded, unknown, collation_key(area.name)


def spoken(slug: str, words: Words) -> str:
    """An area that is called after none of its centres: its id, as it is written."""
    return slug.replace("-", " ").title() if slug else words("areas.none")
