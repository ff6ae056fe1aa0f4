"""What people on site tell joins the incident of their centre, once; where there is none it is kept."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import cast

import pytest
from sqlalchemy import select

from alerts.api import Refused
from alerts.desk import Desk
from alerts.incidents.clerks import Clerks
from alerts.incidents.commands import TableCommands
from alerts.incidents.reading import TableReader
from alerts.tables import complaint
from collector.api import CarriedIn, NotAllowed, Reader, StoredObservation
from collector.hub import Hub
from tests.support.handclock import HandClock
from tests.support.incidents import HOUR, MINUTE, Province, line
from wire.carried import Sight
from wire.messages import Observation


@dataclass
class OnSite:
    """The reader of a province, but for what people on site told."""

    reader: Reader
    told: list[StoredObservation] = field(default_factory=list)
    brought: CarriedIn | None = None

    def __getattr__(self, name: str) -> object:
        return getattr(self.reader, name)

    def complaints(self, since_ms: int) -> list[StoredObservation]:
        return [one for one in self.told if one.at_ms > since_ms]

    def carried(self, _blob: str) -> CarriedIn:
        if self.brought is None:
            raise NotAllowed("the evidence is not from a box of this province")
        return self.brought

    def says(self, centre: str, at_ms: int, text: str = "") -> None:
        detail: dict[str, str | float | int | bool | None] = {"text": text} if text else {}
        o = Observation(0, "complaint", f"centre:{centre}", "clerk", at_ms, 0, 0, "ok", detail=detail)
        self.told = [one for one in self.told if one.observation.subject != o.subject]
        self.told.append(StoredObservation(f"A/E/1/{at_ms}", "A", at_ms, at_ms, False, o))


@dataclass
class Place:
    """Centre 1 has lost its line, and an incident says so; centre 2 is well."""

    desk: Desk
    people: OnSite
    clock: HandClock

    def kept(self) -> list[tuple[str, str, bool]]:
        with self.desk.store.reading() as conn:
            rows = conn.execute(select(complaint.c.centre, complaint.c.text, complaint.c.incident)).all()
        return [(centre, text, held is not None) for centre, text, held in rows]

    def story(self) -> list[tuple[str, str, str]]:
        happened = TableReader(self.desk).story("1")
        return [(one.by, one.said.key if one.said else "", one.text) for one in happened if one.what == "joined"]


@pytest.fixture
def place(hub: Hub, clock: HandClock) -> Place:
    made = Province(hub, clock)
    made.settle()
    made.flip(line(1), "down", clock.wall)
    clock.forward(MINUTE)
    made.loop().step()
    people = OnSite(made.desk.reader)
    return Place(replace(made.desk, reader=cast("Reader", people)), people, clock)


def test_a_clerks_word_joins_the_incident_of_the_centre_once(place: Place) -> None:
    place.people.says("07001-1", place.clock.wall, "chậm lắm")
    for _ in range(2):  # and a new loop, as after a start
        Clerks(place.desk).step()
    assert place.story() == [("clerk", "event.slow_now", "chậm lắm")]
    place.clock.forward(MINUTE)
    place.people.says("07001-1", place.clock.wall)
    Clerks(place.desk).step()
    assert [text for _, _, text in place.story()] == ["chậm lắm", ""]


def test_a_word_from_a_centre_without_an_incident_is_kept(place: Place) -> None:
    place.people.says("07002-1", place.clock.wall - HOUR, "mất mạng")  # it waited while the box was cut off
    Clerks(place.desk).step()
    assert (place.kept(), place.story()) == ([("07002-1", "mất mạng", False)], [])


def test_evidence_that_a_phone_brings_stands_beside_the_incident_once(place: Place) -> None:
    at_ms = place.clock.wall - MINUTE
    bad = Sight("line:07001-1/a", "collector", "fail", "no_answer", at_ms - HOUR, 0)
    place.people.brought = CarriedIn(
        "A", "07001-1", at_ms, None, (bad, Sight("lan:07001-1", "gateway", "ok", "", 0, 0))
    )
    for _ in range(2):
        told, joined = TableCommands(place.desk).carry("blob")
        assert (told.centre, joined is not None and joined.number) == ("07001-1", 1)
    assert [(by, key) for by, key, _ in place.story()] == [("phone", "event.carried")]


def test_evidence_that_is_not_ours_is_refused(place: Place) -> None:
    with pytest.raises(Refused, match="not from a box"):
        TableCommands(place.desk).carry("blob")
    assert place.kept() == []
