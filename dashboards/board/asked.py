"""What a reader asked of a page by its address; what cannot be meant falls back to the plain page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from dashboards.board.looks import LOOKS, Look

MAX_PAGE: Final = 9_999


@dataclass(frozen=True, slots=True)
class Asked:
    """Of the province: a name to look for, one look or all, tiles or a page of the list."""

    q: str = ""
    state: Look | None = None
    listed: bool = False
    page: int = 1


def asked_of(query: Mapping[str, str]) -> Asked:
    """Read it out of an address."""
    state, page = query.get("state"), query.get("page", "")
    return Asked(
        q=query.get("q", ""),
        state=next((known for known in LOOKS if known == state), None),
        listed=query.get("view") == "list",
        page=max(1, min(int(page), MAX_PAGE)) if page.isascii() and page.isdecimal() and len(page) < 6 else 1,
    )
