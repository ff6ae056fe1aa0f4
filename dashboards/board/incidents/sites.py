"""What somebody who goes to a centre needs: circuit, contact, the way there, its last faults, neighbours cut off."""

from __future__ import annotations

from dataclasses import dataclass
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


def sites(alerts: Alerts, reader: Reader, held: Incident, teller: Teller, most: int = SITES_SHOWN) -> list[Site]:
    """The centres where somebody waits for this incident, in the order of the alphabet."""
    named = {key: teller.namer.centre(key, teller.words) for key in held.verdict.centres}
    ordered = sorted(named, key=lambda key: (collation_key(named[key]), key))[:most]
    return [_site(alerts, reader, held, key, teller) for key in ordered]


def _site(alerts: Alerts, reader: Reader, held: Incident, key: str, teller: Teller) -> Site:
    place = reader.places().get(key)
    own = reader.every_line().get(key, ())
    concerned = [line for line in own if line.key in held.verdict.subjects]
    before = [one for one in alerts.of_centre(key, FAULTS_SHOWN + 1) if one.id != held.id]
    down = _neighbours(reader, held, place)
    return Site(
        key=key,
        name=teller.namer.centre(key, teller.words),
        place=place,
        opening=reader.opening(key),
        lines=concerned or list(own),
        faults=[teller.row(one) for one in before[:FAULTS_SHOWN]],
        neighbours=teller.places(down, NEIGHBOURS_NAMED),
        neighbours_down=len(down),
    )


def _neighbours(reader: Reader, held: Incident, place: Place | None) -> list[str]:
    """Other centres of its area that are cut off now."""
    if place is None or not place.area:
        return []
    seen, places = reader.overview(), reader.places()
    return [
        key
        for key, standing in seen.standings.items()
        if standing.state == "down"
        and key not in held.verdict.centres
        and key in places
        and places[key].area == place.area
    ]
