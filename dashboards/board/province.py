"""The province page's facts: one tile a centre, counts, open things. What did not change is not made again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from threading import Lock
from typing import Final

from collector.api import Centre, Overview, Reader, Standing, State, Window
from dashboards.board.asked import Asked
from dashboards.board.looks import LOOKS, Look
from dashboards.board.names import centre_href, centre_name
from dashboards.board.order import NAMES_KEPT, collation_key, fold, short_name
from dashboards.board.sentences import fault_name, fault_words, province_line, province_title
from dashboards.board.things import Fault, Kept, Thing, open_things, root
from dashboards.board.times import minute
from dashboards.board.words import Lang, Words, catalogue

THINGS_SHOWN: Final = 8
PAGE_ROWS: Final = 100
FEW: Final = 12
MANY: Final = 300  # from here on tiles stand close together, under the name of their state
WALL_TILES: Final = 110  # what a wall shows without scrolling
WALL_WORST: Final = 80  # where there are more: the worst ones, with room for why; the others are only counted
_RANK: Final = {look: place for place, look in enumerate(LOOKS)}
_NONE: Final[list[Fault]] = []


@dataclass(frozen=True, slots=True)
class Tile:
    """One centre: its name, how it looks, and for what is not well a few words why. `former`: names it had."""

    key: str
    name: str
    title: str
    find: str
    href: str
    state: Look
    text: str
    former: str = ""


@dataclass(frozen=True, slots=True)
class Whole:
    """The province in one language as of one version of what is known."""

    version: str
    tiles: list[Tile]
    counts: dict[Look, int]
    things: list[Thing]


@dataclass(slots=True)
class Roll:
    """The centres of one register in one language: their tiles by the alphabet without how they are, and with it."""

    centres: Mapping[str, Centre]
    plain: list[Tile]
    made: dict[str, tuple[Standing | None, list[Fault], Tile]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Province:
    title: str
    line: str
    counts: dict[Look, int]
    tiles: list[Tile]  # all that were asked for, worst first
    rows: list[Tile]  # those on this page of the list
    standings: dict[str, Standing]
    measured: dict[str, int]
    total: int
    things: list[Thing]
    more_things: int
    as_of_ms: int | None
    asked: Asked
    pages: int
    unseen: dict[Look, int]  # left out on a wall, by state
    everyone: list[Tile]  # whatever was asked for

    @property
    def few(self) -> bool:
        return len(self.tiles) <= FEW

    @property
    def dense(self) -> bool:
        return len(self.tiles) > MANY

    @property
    def groups(self) -> list[tuple[Look, list[Tile]]]:
        """The tiles by state, worst first."""
        return [(state, found) for state in LOOKS if (found := [tile for tile in self.tiles if tile.state == state])]


class Provinces:
    """Looks at the province, and keeps what it made until something in it changes."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._lock = Lock()
        self._wholes: dict[Lang, Whole] = {}
        self._rolls: dict[Lang, Roll] = {}
        self._things = Kept()

    def look(self, words: Words, asked: Asked, *, wall: bool = False) -> Province:
        """All centres as they stand now. Only those asked for become tiles: of one state, of a name that contains `q`
        (tone marks do not matter)."""
        seen, now_ms = self._reader.overview(), self._reader.now_ms()
        with self._lock:
            whole = self._wholes.get(words.lang)
            if whole is None or whole.version != seen.version:
                whole = self._wholes[words.lang] = self._make(seen, words)
        wanted = fold(asked.q)
        within = self._within(asked.area)
        tiles = whole.tiles
        if wanted or asked.state or within is not None:
            tiles = [
                t
                for t in tiles
                if wanted in t.find and asked.state in {None, t.state} and (within is None or t.key in within)
            ]
        unseen: dict[Look, int] = {}
        if wall and len(tiles) > WALL_TILES:
            asked_for, tiles = tiles, [tile for tile in tiles if tile.state != "ok"][:WALL_WORST]
            unseen = dict(Counter(tile.state for tile in asked_for) - Counter(tile.state for tile in tiles))
        if len(tiles) <= FEW:
            tiles = [_since(tile, seen.standings.get(tile.key), words, now_ms) for tile in tiles]
        pages = max(1, -(-len(tiles) // PAGE_ROWS))
        page = min(asked.page, pages)
        rows = tiles[(page - 1) * PAGE_ROWS : page * PAGE_ROWS] if asked.listed else []
        only = whole.tiles[0].name if len(whole.tiles) == 1 else None
        return Province(
            title=province_title(whole.counts, words, only=only),
            line=province_line(whole.counts, whole.things, seen.as_of_ms, now_ms=now_ms, words=words),
            counts=whole.counts,
            tiles=tiles,
            rows=rows,
            standings=seen.standings,
            measured=self._reader.measured([tile.key for tile in rows]) if rows else {},
            total=len(whole.tiles),
            things=whole.things[:THINGS_SHOWN],
            more_things=max(0, len(whole.things) - THINGS_SHOWN),
            as_of_ms=seen.as_of_ms,
            asked=replace(asked, page=page),
            pages=pages,
            unseen=unseen,
            everyone=whole.tiles,
        )

    def _within(self, area: str) -> set[str] | None:
        """The centres of an area; None where none was asked for."""
        return {key for key, place in self._reader.places().items() if place.area == area} if area else None

    def _make(self, seen: Overview, words: Words) -> Whole:
        faults: dict[str, list[Fault]] = {}
        for fault in seen.troubles:
            if fault[0].key not in seen.paused:
                faults.setdefault(fault[0].centre, []).append(fault)
        roll = self._roll(seen.centres, words)
        by_look: dict[Look, list[Tile]] = {look: [] for look in LOOKS}
        for plain in roll.plain:
            key = plain.key
            now, own = seen.standings.get(key), faults.get(key, _NONE)
            before = roll.made.get(key)
            if before is None or before[0] is not now or before[1] != own:
                before = roll.made[key] = now, own, _tile(plain, now, own, words)
            tile = before[2]
            if key in seen.planned:
                tile = _planned(tile, seen.planned[key], words)
            by_look[tile.state].append(tile)
        return Whole(
            version=seen.version,
            tiles=[tile for look in LOOKS for tile in by_look[look]],
            counts={look: len(tiles) for look, tiles in by_look.items() if tiles},
            things=open_things(seen, self._things),
        )

    def _roll(self, centres: Mapping[str, Centre], words: Words) -> Roll:
        """Named and sorted anew only when the register was read anew."""
        held = self._rolls.get(words.lang)
        if held is None or held.centres is not centres:
            tiles = _distinct([_plain(centre, words.lang) for centre in centres.values()], words)
            tiles.sort(key=lambda tile: (collation_key(tile.name), tile.key))
            held = self._rolls[words.lang] = Roll(centres, tiles)
        return held


def _planned(tile: Tile, stop: Window, words: Words) -> Tile:
    """What a planned stop explains is shown as planned, with its end."""
    return replace(tile, state="planned", text=words("planned.until", at=minute(stop.end_ms, stop.from_ms)))


def _since(tile: Tile, held: Standing | None, words: Words, now_ms: int) -> Tile:
    """Where there is room, what is well says since when."""
    if tile.state != "ok" or held is None:
        return tile
    return replace(tile, text=words("few.ok", at=minute(held.since_ms, now_ms)))


@lru_cache(maxsize=NAMES_KEPT)
def _plain(centre: Centre, lang: Lang) -> Tile:
    """What of a tile does not depend on how its centre is."""
    name = centre_name(centre, catalogue(lang))
    former = " ".join(dict.fromkeys(was.en if lang == "en" else was.vi for was in centre.former))
    find = f"{fold(name)} {centre.key} {fold(former)}".rstrip()
    return Tile(centre.key, short_name(name), name, find, centre_href(centre.key), "unknown", "", former)


def _tile(plain: Tile, standing: Standing | None, faults: list[Fault], words: Words) -> Tile:
    state: State = "unknown" if standing is None else standing.state
    text = "" if state == "ok" else _why(standing, faults, words)
    return replace(plain, state=state, text=text)


def _why(standing: Standing | None, faults: list[Fault], words: Words) -> str:
    """The cause in a few words: what the worst subject of the centre says, else what the centre itself says."""
    if standing is None:
        return words("none_missing")
    causes = [fault for fault in root(faults) if fault[1].state != "unknown"]
    if standing.state == "unknown" or not causes:
        return fault_words(standing, words)
    info, cause = min(causes, key=lambda fault: _RANK[fault[1].state])
    return words.reason(cause.reason) if info.kind == "device" else fault_name(info.kind, cause.state, words)


def _distinct(tiles: list[Tile], words: Words) -> list[Tile]:
    """Two communes of one short name are shown with their rank; two sites of one commune with their key."""
    short = Counter(tile.name for tile in tiles)
    full = Counter(tile.title for tile in tiles)
    return [tile if short[tile.name] == 1 else _fuller(tile, full[tile.title] > 1, words) for tile in tiles]


def _fuller(tile: Tile, keyed: bool, words: Words) -> Tile:
    name = words("centre.site_of", name=tile.title, key=tile.key) if keyed else tile.title
    return replace(tile, name=name)
