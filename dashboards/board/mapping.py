"""The map of the province as SVG: a point for each centre, the worst on top, areas and a scale beneath. No tiles of
anybody: it works without the internet, without a script, and on paper (docs/decisions/0018)."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from markupsafe import escape

from collector.api import Place
from dashboards.board.areas import Area
from dashboards.board.looks import LOOKS, Look
from dashboards.board.order import NAMES_KEPT
from dashboards.board.province import Tile
from dashboards.board.sentences import capital
from dashboards.board.tiles import Drawn
from dashboards.board.words import Lang, Words, catalogue

WIDTH: Final = 1000.0
MARGIN: Final = 46.0
_TALLEST: Final = 1.5  # of its width: a long country is drawn as wide as it is then
_SIZE: Final[Mapping[Look, int]] = {"down": 17, "degraded": 16, "unknown": 14, "planned": 14, "ok": 9}
_KM_ROUND: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500)
_KM_PER_DEGREE: Final = 111.32
_OVER: Final = {look: -place for place, look in enumerate(LOOKS)}  # what is drawn last lies on top


@dataclass(frozen=True, slots=True)
class Ground:
    """Where degrees are on the drawing, by the projection of Mercator."""

    west: float
    north: float  # of Mercator
    scale: float
    height: float
    km: float  # length of one unit of the drawing in the middle of it
    known: dict[tuple[float, float], tuple[float, float]] = field(default_factory=dict, compare=False, repr=False)

    def at(self, lat: float, lon: float) -> tuple[float, float]:
        found = self.known.get((lat, lon))
        if found is None:
            x = MARGIN + (math.radians(lon) - self.west) * self.scale
            found = round(x, 1), round(MARGIN + (self.north - _mercator(lat)) * self.scale, 1)
            self.known[lat, lon] = found
        return found


@dataclass(frozen=True, slots=True)
class Map:
    """What the page of the map shows beside its points."""

    height: float
    hulls: list[tuple[str, str]]  # of areas: name, path
    labels: list[tuple[str, float, float]]
    bar_km: int
    bar: float  # how long that many kilometres are
    placeless: int  # centres without a place
    estimated: int  # centres placed in the middle of their commune


def _mercator(lat: float) -> float:
    return math.log(math.tan(math.pi / 4 + math.radians(lat) / 2))


def ground_of(places: Iterable[Place]) -> Ground | None:
    """The drawing that holds all these places; None where none has any."""
    known = tuple((place.lat, place.lon) for place in places if place.lat is not None and place.lon is not None)
    return _ground(known) if known else None


@lru_cache(maxsize=4)  # places move with an import, and the map is asked for all day
def _ground(places: tuple[tuple[float, float], ...]) -> Ground:
    known = [(max(-85.0, min(85.0, lat)), lon) for lat, lon in places]
    xs, ys = [math.radians(lon) for _, lon in known], [_mercator(lat) for lat, _ in known]
    across, down = max(xs) - min(xs), max(ys) - min(ys)
    free = WIDTH - 2 * MARGIN
    scale = min(free / max(across, 1e-4), (free * _TALLEST) / max(down, 1e-4))
    middle = (max(lat for lat, _ in known) + min(lat for lat, _ in known)) / 2
    km = math.degrees(1 / scale) * _KM_PER_DEGREE * math.cos(math.radians(middle))
    west = min(xs) - (free / scale - across) / 2
    return Ground(west, max(ys), scale, round(2 * MARGIN + down * scale, 1), km)


def survey(tiles: Sequence[Tile], places: Mapping[str, Place], areas: Sequence[Area], ground: Ground) -> Map:
    """Areas as the ground their centres stand on, and how far is how much."""
    at: dict[str, list[tuple[float, float]]] = {}
    found = [places[tile.key] for tile in tiles if tile.key in places]
    for place in found:
        if place.lat is not None and place.lon is not None:
            at.setdefault(place.area, []).append(ground.at(place.lat, place.lon))
    named = [(area.name, at[area.slug]) for area in areas if area.slug and area.slug in at]
    bar_km = next((km for km in _KM_ROUND if km / ground.km >= 90), _KM_ROUND[-1])
    placed = sum(len(points) for points in at.values())
    return Map(
        height=ground.height,
        hulls=[(name, _around(tuple(points))) for name, points in named],
        labels=[(name, *_above(points)) for name, points in named],
        bar_km=bar_km,
        bar=round(bar_km / ground.km, 1),
        placeless=len(tiles) - placed,
        estimated=sum(1 for place in found if place.located == "area_centroid"),
    )


def draw(tiles: Sequence[Tile], places: Mapping[str, Place], ground: Ground, words: Words) -> Drawn:
    """The points, what is well first, so that what is not lies on top of it. Each is a link with its words."""
    parts = []
    for tile in sorted(tiles, key=lambda tile: _OVER[tile.state]):
        place = places.get(tile.key)
        if place is None or place.lat is None or place.lon is None:
            continue
        parts.append(_point(tile, ground.at(place.lat, place.lon), words.lang))
    html = "\n".join(parts)
    return Drawn(html, hashlib.sha256(html.encode()).hexdigest()[:16])


@lru_cache(maxsize=NAMES_KEPT)
def _point(tile: Tile, at: tuple[float, float], lang: Lang) -> str:
    size, title, (x, y), words = _SIZE[tile.state], escape(tile.title), at, catalogue(lang)
    said = words(f"state.{tile.state}") + (f": {capital(tile.text)}" if tile.text else "")
    return (
        f'<a class="pt {tile.state}" id="p{tile.key}" href="{tile.href}" data-find="{title} {tile.key}"'
        f' transform="translate({x:g} {y:g})"><title>{title} · {escape(said)}</title>'
        f'<use href="#s-{tile.state}" x="{-size / 2:g}" y="{-size / 2:g}" width="{size}" height="{size}"/></a>'
    )


def hull(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The corners around points (Andrew's monotone chain)."""
    ordered = sorted(set(points))
    if len(ordered) < 3:
        return ordered

    def half(some: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
        chain: list[tuple[float, float]] = []
        for point in some:
            while len(chain) > 1 and _turn(chain[-2], chain[-1], point) <= 0:
                chain.pop()
            chain.append(point)
        return chain[:-1]

    return half(ordered) + half(reversed(ordered))


def _turn(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


@lru_cache(maxsize=512)
def _around(points: tuple[tuple[float, float], ...]) -> str:
    return _path(hull(points))


def _path(corners: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in corners) + "z"


def _above(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Where the name of an area stands: over its northernmost point, in the middle of its width."""
    xs = [x for x, _ in points]
    return round((min(xs) + max(xs)) / 2, 1), round(min(y for _, y in points) - 12, 1)
