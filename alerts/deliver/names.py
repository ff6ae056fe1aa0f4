"""What messages call things: the names of the inventory, read once for a round of letters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property

from alerts.api.words import Lang
from collector.api import Centre, LineInfo, Reader, SystemInfo, Team

Pair = tuple[str, str]
"""Vietnamese, English."""


class InventoryNames:
    """Implements `alerts.api.words.Names`. What the inventory does not know is called by its key."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def name(self, key: str, lang: Lang) -> str:
        kind, _, own = key.partition(":")
        way = self._ways.get(kind)
        pair = None if way is None else way(own)
        return own if pair is None else pair[lang == "en"] or pair[0] or own

    @cached_property
    def _ways(self) -> Mapping[str, Callable[[str], Pair | None]]:
        return {
            "centre": self._centre, "lan": self._centre, "line": self._line, "service": self._service,
            "system": self._service, "team": self._team, "carrier": _carrier, "area": _spaced,
        }  # fmt: skip

    @cached_property
    def _centres(self) -> dict[str, Centre]:
        return {one.key: one for one in self._reader.centres()}

    @cached_property
    def _lines(self) -> dict[str, LineInfo]:
        return {line.key: line for lines in self._reader.every_line().values() for line in lines}

    @cached_property
    def _systems(self) -> dict[str, SystemInfo]:
        return {one.id: one for one in self._reader.systems()}

    @cached_property
    def _teams(self) -> dict[str, Team]:
        return {one.key: one for one in self._reader.teams()}

    def _centre(self, own: str) -> Pair | None:
        found = self._centres.get(own)
        return None if found is None else (found.name_vi, found.name_en)

    def _line(self, own: str) -> Pair | None:
        """Without its centre: sentences say where."""
        line = self._lines.get(f"line:{own}")
        if line is None:
            return None
        sign = f"{_carrier(line.carrier)[0]} {own.rpartition('/')[2]}"
        return sign, sign

    def _service(self, own: str) -> Pair | None:
        system, _, centre = own.partition("@")
        found, at = self._systems.get(system), self._centre(centre)
        if found is None:
            return None
        return (found.name_vi, found.name_en) if at is None else (
            f"{found.name_vi}, {at[0]}", f"{found.name_en}, {at[1]}",
        )  # fmt: skip

    def _team(self, own: str) -> Pair | None:
        found = self._teams.get(own)
        return None if found is None else (found.name_vi, found.name_en)


def _carrier(own: str) -> Pair:
    """`vnpt` is written as its people write it: VNPT; longer ones as a name."""
    first = own.partition("/")[0]
    sign = first.upper() if len(first) <= 4 else first.capitalize()
    return sign, sign


def _spaced(own: str) -> Pair:
    text = " ".join(part.capitalize() for part in own.split("-"))
    return text, text
