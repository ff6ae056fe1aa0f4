"""What somebody who goes to a centre needs: circuit, contact, the way there, its last faults, neighbours cut off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from alerts.api import Incident
from alerts.api import Reader as Alerts
from collector.api import LineInfo, Place, Reader
from dashboards.board.incidents.rows import Row, Teller
from dashboards.board.names import centre_href
from dashboards.board.order import collation_key

SITES_SHOWN: Final = 12
FAULTS_SHOWN: Final = 3
NEIGHBOURS_NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class Site:
    """One centre of an incident. `lines`: those that it concerns, all of the centre's where it names none."""

    key: str
    name: str
    place: Place | None
    opening: tuple[str, ...] | None
    lines: list[LineInfo]
    faults: list[Row]
    neighbours: str
    neighbours_down: int

    @property
    def href(self) -> str:
        return centre_href(self.key)

    @property
    def geo(self) -> str:
        """For the map of the phone; empty where nobody knows."""
        if self.place is None or self.place.lat is None or self.place.lon is None:
            return ""
        return f"geo:{self.place.lat},{self.place.lon}?q={self.place.lat},{self.place.lon}"


class Sites:
    """What is asked of the centres of one page's incidents."""

    def __init__(self, alerts: Alerts, reader: Reader, teller: Teller) -> None:
        self._alerts, self._reader, self._teller = alerts, reader, teller

    def of(self, held: Incident, most: int = SITES_SHOWN) -> list[Site]:
        """The centres where somebody waits for this incident, in the order of the alphabet."""
        teller = self._teller
        named = {key: teller.namer.centre(key, teller.words) for key in held.verdict.centres}
        ordered = sorted(named, key=lambda key: (collation_key(named[key]), key))[:most]
        return [self._site(held, key, named[key]) for key in ordered]

    @cached_property
    def _down(self) -> Mapping[str, Sequence[str]]:
        """Centres that are cut off now, by area; a centre without an area has no neighbours."""
        found: dict[str, list[str]] = {}
        places = self._reader.places()
        for key, standing in self._reader.overview().standings.items():
            if standing.state == "down" and key in places and places[key].area:
                found.setdefault(places[key].area, []).append(key)
        return found

    def _site(self, held: Incident, key: str, name: str) -> Site:
        place = self._reader.places().get(key)
        own = self._reader.every_line().get(key, ())
        concerned = [line for line in own if line.key in held.verdict.subjects]
        before = [one for one in self._alerts.of_centre(key, FAULTS_SHOWN + 1) if one.id != held.id]
        near = self._down.get(place.area, ()) if place is not None else ()
        down = [one for one in near if one not in held.verdict.centres]
        return Site(
            key=key,
            name=name,
            place=place,
            opening=self._reader.opening(key),
            lines=concerned or list(own),
            faults=[self._teller.row(one) for one in before[:FAULTS_SHOWN]],
            neighbours=self._teller.places(down, NEIGHBOURS_NAMED),
            neighbours_down=len(down),
        )
