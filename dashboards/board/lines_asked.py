"""What a reader asked of the page of all lines by its address; what cannot be meant falls back to the plain page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from collector.api import LineRank, Unproved
from dashboards.board.asked import MAX_PAGE
from dashboards.board.order import fold

_WORD: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


@dataclass(frozen=True, slots=True)
class AskedLines:
    """One carrier, kind, area and group, or all; a text to look for; one page of the list. Empty: all."""

    carrier: str = ""
    kind: str = ""
    area: str = ""
    only: str = ""  # a group, or `unproved`
    q: str = ""
    page: int = 1

    def turned(self, page: int) -> AskedLines:
        """The same on another page."""
        return replace(self, page=page)

    def wants(self, rank: LineRank, area: str, group: str, unproved: Unproved | None, find: str) -> bool:
        """Whether a line was asked for."""
        if self.only == "unproved":
            grouped = unproved is not None and not unproved.why
        else:
            grouped = self.only in {"", group}
        same = self.carrier in {"", rank.carrier} and self.kind in {"", rank.kind} and self.area in {"", area}
        return grouped and same and self.q in find

    @property
    def narrowed(self) -> bool:
        return any((self.carrier, self.kind, self.area, self.only, self.q))


def asked_lines(query: Mapping[str, str]) -> AskedLines:
    """Read it out of an address."""

    def word(name: str) -> str:
        told = query.get(name, "")
        return told if _WORD.fullmatch(told) else ""

    page = query.get("page", "")
    return AskedLines(
        word("carrier"),
        word("kind"),
        word("area"),
        word("only"),
        fold(query.get("q", "")),
        max(1, min(int(page), MAX_PAGE)) if page.isascii() and page.isdecimal() and len(page) < 6 else 1,
    )
