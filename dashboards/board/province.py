"""The province page's facts: one tile a centre, counts, open things. Little work a tile: there may be 3,321."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

from collector.api import STATES, Centre, Reader, Standing, State, SubjectInfo
from dashboards.board.names import centre_href, centre_name
from dashboards.board.order import collation_key, fold, short_name
from dashboards.board.sentences import fault_name, fault_words, province_line, province_title
from dashboards.board.things import Thing, open_things, root
from dashboards.board.words import Words

THINGS_SHOWN: Final = 8
_RANK: Final = {state: place for place, state in enumerate(STATES)}


@dataclass(frozen=True, slots=True)
class Tile:
    """One centre: its name, state, and for what is not well a few words why."""

    key: str
    name: str
    title: str
    find: str
    href: str
    state: State
    text: str
    standing: Standing | None


@dataclass(frozen=True, slots=True)
class Province:
    title: str
    line: str
    counts: dict[State, int]
    tiles: list[Tile]
    total: int
    things: list[Thing]
    more_things: int
    as_of_ms: int | None
    q: str


def look(reader: Reader, words: Words, q: str = "") -> Province:
    """All centres as they stand now; only those whose name contains `q` (tone marks do not matter) become tiles."""
    now_ms = reader.now_ms()
    centres = {centre.key: centre for centre in reader.centres()}
    subjects, standings = reader.subjects(), reader.standings()
    faults = _faults(subjects, standings)
    tiles = [_tile(centre, standings, faults.get(centre.key, []), words) for centre in centres.values()]
    counts: dict[State, int] = dict(Counter(tile.state for tile in tiles))
    things = open_things(centres, subjects, standings)
    as_of_ms = max((s.as_of_ms for s in standings.values() if s.as_of_ms is not None), default=None)
    wanted = fold(q)
    shown = _distinct([tile for tile in tiles if wanted in tile.find], words)
    return Province(
        title=province_title(counts, words, only=tiles[0].name if len(tiles) == 1 else None),
        line=province_line(counts, things, as_of_ms, now_ms=now_ms, words=words),
        counts=counts,
        tiles=sorted(shown, key=lambda tile: (_RANK[tile.state], collation_key(tile.name), tile.key)),
        total=len(tiles),
        things=things[:THINGS_SHOWN],
        more_things=max(0, len(things) - THINGS_SHOWN),
        as_of_ms=as_of_ms,
        q=q,
    )


def _faults(
    subjects: list[SubjectInfo], standings: dict[str, Standing]
) -> dict[str, list[tuple[SubjectInfo, Standing]]]:
    found: dict[str, list[tuple[SubjectInfo, Standing]]] = {}
    for info in subjects:
        standing = standings.get(info.key)
        if standing is not None and standing.state != "ok" and info.kind != "centre":
            found.setdefault(info.centre, []).append((info, standing))
    return found


def _tile(
    centre: Centre, standings: dict[str, Standing], faults: list[tuple[SubjectInfo, Standing]], words: Words
) -> Tile:
    standing = standings.get(f"centre:{centre.key}")
    state: State = "unknown" if standing is None else standing.state
    name = centre_name(centre, words)
    return Tile(
        key=centre.key,
        name=short_name(name),
        title=name,
        find=f"{fold(name)} {centre.key}",
        href=centre_href(centre.key),
        state=state,
        text="" if state == "ok" else _why(standing, faults, words),
        standing=standing,
    )


def _why(standing: Standing | None, faults: list[tuple[SubjectInfo, Standing]], words: Words) -> str:
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
    return Tile(tile.key, name, tile.title, tile.find, tile.href, tile.state, tile.text, tile.standing)
