"""What a planned stop may be about besides centres, lines and agents: a shared system, a carrier, an area.

These have no state of their own in the register, so their keys are looked up in the inventory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection

from collector.api import LineInfo, NotFound, Place, SubjectInfo, Window
from collector.inventory.keeping import held

KINDS: Final = ("service", "carrier", "area")
_FOUND_IN: Final = {"service": ("services", ""), "carrier": ("lines", "carrier"), "area": ("centres", "area")}


def is_wide(key: str) -> bool:
    """Whether a key names a shared system, a carrier or an area, and no single place's view of one."""
    return key.partition(":")[0] in KINDS and "@" not in key


def known(conn: Connection, key: str) -> str:
    """The key, where the inventory knows it. Raises NotFound, naming what there is."""
    kind, _, name = key.partition(":")
    table, column = _FOUND_IN[kind]
    rows = held(conn, (table,))[table]
    there = {str(body.get(column, "")) for body in rows.values()} - {""} if column else set(rows)
    if name not in there:
        some = ", ".join(sorted(there)[:8]) or "none: import an inventory first"
        raise NotFound(f"there is no {kind} {name!r} in the inventory; there are {some}")
    return key


@dataclass(frozen=True, slots=True)
class Town:
    """What lies in which area, and which carrier has which line."""

    places: Mapping[str, Place] = field(default_factory=dict)
    lines: Mapping[str, Sequence[LineInfo]] = field(default_factory=dict)

    def around(self, info: SubjectInfo) -> Iterable[str]:
        """The keys that may explain a subject's trouble, the nearest first."""
        yield info.key
        yield f"agent:{info.agent}"
        yield f"centre:{info.centre}"
        if info.kind == "service":
            yield info.key.partition("@")[0]
        if info.kind == "line":
            yield from (f"carrier:{one.carrier}" for one in self.lines.get(info.centre, ()) if one.key == info.key)
        place = self.places.get(info.centre)
        if place is not None and place.area:
            yield f"area:{place.area}"


def explaining(windows: Mapping[str, Window], info: SubjectInfo, town: Town) -> Window | None:
    """The planned stop that explains a subject's trouble, if one does."""
    return next((windows[key] for key in town.around(info) if key in windows), None)
