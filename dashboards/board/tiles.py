"""The tiles of the province as HTML. There may be 3,321: each is drawn once, and a browser that holds them all already
is not sent them again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import escape

from dashboards.board.areas import Area
from dashboards.board.province import Province, Tile
from dashboards.board.words import Words

PLACE: Final = "<!--tiles-->"
HEADER: Final = "motcua-tiles"

Draw = Callable[[Tile, Words], str]


@dataclass(frozen=True, slots=True)
class Drawn:
    """HTML, and a digest of it by which a browser says what it holds. Nothing where the page has no tiles."""

    html: str = ""
    digest: str = ""

    def put(self, page: str, held: str | None = None) -> str:
        """The page with its tiles in their place; without them, and marked so, where the browser holds these."""
        if not self.digest or held != self.digest:
            return page.replace(PLACE, self.html)
        mark = f'data-tiles="{self.digest}"'
        return page.replace(f"{mark}>{PLACE}", f"{mark} data-same>")


def draw(p: Province, words: Words, one: Draw) -> Drawn:
    """The tiles one after another; where they are many, under the names of their states."""
    if p.dense:
        parts = [_heading(words(f"counter.{state}"), len(tiles)) + _all(tiles, words, one) for state, tiles in p.groups]
    else:
        parts = [_all(p.tiles, words, one)]
    html = "".join(parts)
    return Drawn(html, hashlib.sha256(html.encode()).hexdigest()[:16])


def draw_groups(groups: Sequence[tuple[Area, list[Tile]]], words: Words, one: Draw) -> Drawn:
    """The tiles under the names of their areas, each with what is not well in it."""
    parts = [_heading(area.name, len(tiles), _bad(area, words)) + _all(tiles, words, one) for area, tiles in groups]
    html = "".join(parts)
    return Drawn(html, hashlib.sha256(html.encode()).hexdigest()[:16])


def _bad(area: Area, words: Words) -> str:
    said = [f"{count} {words(f'state.{state}')}" for state, count in area.bad]
    return f" · {', '.join(said)}" if said else ""


def _all(tiles: list[Tile], words: Words, one: Draw) -> str:
    return "\n".join([one(tile, words) for tile in tiles])


def _heading(text: str, count: int, more: str = "") -> str:
    return f'<h3 class="group">{escape(text)} <span>{count}{escape(more)}</span></h3>'
