"""The province's centres as they are shown: tiles worst first, tiles by area, or points on a map."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from collector.api import Place, Reader
from dashboards.board.areas import Area, areas_of
from dashboards.board.asked import Asked
from dashboards.board.mapping import Map, ground_of, survey
from dashboards.board.mapping import draw as draw_points
from dashboards.board.province import Province, Tile
from dashboards.board.system_words import system_names
from dashboards.board.tiles import Draw, Drawn, draw, draw_groups
from dashboards.board.words import Words


@dataclass(frozen=True, slots=True)
class Wide:
    """What the page of the province has beside its facts. `map` None: it was not asked for, or nobody is placed."""

    drawn: Drawn
    areas: list[Area]
    map: Map | None = None
    systems: Mapping[str, str] = field(default_factory=dict)  # names by id


def widen(facts: Province, reader: Reader, words: Words, asked: Asked, one: Draw) -> Wide:
    """The view that was asked for, of the centres that were asked for."""
    places = reader.places()
    areas = areas_of(((_area(places, tile.key), tile.title, tile.state) for tile in facts.everyone), words)
    names = system_names(reader.systems(), words)
    if asked.listed:
        return Wide(Drawn(), areas, systems=names)
    if asked.mapped:
        ground = ground_of(places[tile.key] for tile in facts.everyone if tile.key in places)
        if ground is not None:
            seen = survey(facts.everyone, places, areas, ground)
            return Wide(draw_points(facts.tiles, places, ground, words), areas, seen, names)
        return Wide(Drawn(), areas, systems=names)
    if asked.grouped and areas:
        found: dict[str, list[Tile]] = {}
        for tile in facts.tiles:
            found.setdefault(_area(places, tile.key), []).append(tile)
        groups = [(area, found[area.slug]) for area in areas if area.slug in found]
        return Wide(draw_groups(groups, words, one), areas, systems=names)
    return Wide(draw(facts, words, one), areas, systems=names)


def _area(places: Mapping[str, Place], key: str) -> str:
    place = places.get(key)
    return place.area if place is not None else ""
