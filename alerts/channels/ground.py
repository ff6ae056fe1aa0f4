"""What a letter tells besides its sentences: where it is, whom to ask for there, which circuit, what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from alerts.api import Incident
from alerts.deliver.message import Message
from collector.api import LineInfo, Place, Reader

MAX_PLACES: Final = 10
_MAP: Final = "https://www.openstreetmap.org/?mlat={lat:.5f}&mlon={lon:.5f}#map=17/{lat:.5f}/{lon:.5f}"


@dataclass(frozen=True, slots=True)
class Ground:
    """What is known when a letter is written. `incident`: with its verdict and evidence; `past`: earlier ones of the
    centre, newest first. `board_url`: what links begin with."""

    now_ms: int
    board_url: str = ""
    incident: Incident | None = None
    past: Sequence[Incident] = ()
    places: Mapping[str, Place] = field(default_factory=dict)
    lines: Mapping[str, Sequence[LineInfo]] = field(default_factory=dict)
    hours: tuple[str, ...] | None = None  # of the one centre, today

    def place(self, message: Message) -> Place | None:
        """Of a message about one centre: that centre."""
        return self.places.get(message.centres[0]) if len(message.centres) == 1 else None

    def line(self, message: Message) -> LineInfo | None:
        """The line it is about: by its cause, else by the circuit that the message names."""
        every = [line for key in message.centres for line in self.lines.get(key, ())]
        cause = self.incident.verdict.cause if self.incident is not None else ""
        by_cause = next((line for line in every if f"line:{line.key.removeprefix('line:')}" == cause), None)
        circuit = message.circuits[0] if len(message.circuits) == 1 else None
        return by_cause or next((line for line in every if circuit and line.circuit == circuit), None)

    def link(self, message: Message) -> str:
        """The whole address of the incident on the board; empty where the settings name no board."""
        if not message.link or message.link.startswith(("https://", "http://")):
            return message.link
        return f"{self.board_url}/{message.link.lstrip('/')}" if self.board_url else ""


def ground_of(
    message: Message,
    reader: Reader,
    *,
    now_ms: int,
    board_url: str = "",
    incident: Incident | None = None,
    past: Sequence[Incident] = (),
) -> Ground:
    """From the collector's door; `incident` and `past` come from the alerts' own."""
    hours = reader.opening(message.centres[0]) if len(message.centres) == 1 else None
    before = [one for one in past if one.id != message.incident]
    return Ground(now_ms, board_url, incident, before, reader.places(), reader.every_line(), hours)


def map_link(place: Place | None) -> str:
    """A map with a mark where the centre is, as far as the inventory knows; empty where it does not."""
    if place is None or place.lat is None or place.lon is None:
        return ""
    return _MAP.format(lat=place.lat, lon=place.lon)
