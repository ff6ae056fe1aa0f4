"""What a reader asked of a page by its address; what cannot be meant falls back to the plain page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from dashboards.board.looks import LOOKS, Look

MAX_PAGE: Final = 9_999
_AREA: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


@dataclass(frozen=True, slots=True)
class Asked:
    """Of the province: a name to look for, one look or all, one area or all; tiles, a map or a page of the list."""

    q: str = ""
    state: Look | None = None
    listed: bool = False
    page: int = 1
    area: str = ""
    grouped: bool = False  # tiles under the names of their areas
    mapped: bool = False

    def turned(self, page: int) -> Asked:
        """The same on another page."""
        return replace(self, page=page)


def asked_of(query: Mapping[str, str]) -> Asked:
    """Read it out of an address."""
    state, page, area = query.get("state"), query.get("page", ""), query.get("area", "")
    return Asked(
        q=query.get("q", ""),
        state=next((known for known in LOOKS if known == state), None),
        listed=query.get("view") == "list",
        page=max(1, min(int(page), MAX_PAGE)) if page.isascii() and page.isdecimal() and len(page) < 6 else 1,
        area=area if _AREA.fullmatch(area) else "",
        grouped=query.get("group") == "area",
        mapped=query.get("view") == "map",
    )
