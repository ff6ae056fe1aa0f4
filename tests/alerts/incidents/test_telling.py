"""Who hears what of an act: by whose it was and whose it is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alerts.api import Incident
from alerts.dispatch import Town
from alerts.incidents.drafts import Act, Tell
from alerts.incidents.telling import Teller
from collector.api import Place, Team
from tests.support.telling import NOW_MS, incident, verdict

DESK = Team("tinh", "Tỉnh", "Province", "tinh", (), ("lan",))
TOWN = Town(places={"07282-1": Place()}, lines={}, teams=[DESK], opens=lambda *_: [])
NOBODYS = incident(verdict("agent:x", owner="unknown", subjects=("agent:x",), centres=("07282-1",), visit=True))
LAN = replace(
    NOBODYS, verdict=verdict("lan:07282-1", owner="lan", subjects=("agent:x",), centres=("07282-1",), visit=True)
)
OVER = replace(LAN, ended_ms=NOW_MS - 70_000, stage="closed", closed_ms=NOW_MS)
ENDING = replace(LAN, ended_ms=NOW_MS)
RECOVERED, CORRECTED = Tell("recovered", "0-1"), Tell("correction", "1")


@pytest.mark.parametrize(
    ("was", "now", "tells", "told"),
    [
        pytest.param(
            NOBODYS, OVER, (RECOVERED, CORRECTED),
            [("recovered", "officer"), ("correction", "officer")],
            id="whose it was is known when all is over: the team was never called and hears nothing",
        ),
        pytest.param(
            NOBODYS, ENDING, (CORRECTED,), [("correction", "officer"), ("call", "team:tinh")],
            id="whose it is is known while it lives: the team is called",
        ),
        pytest.param(
            ENDING, OVER, (RECOVERED,), [("recovered", "team:tinh")], id="the team that was called hears of the end"
        ),
        pytest.param(
            LAN, replace(LAN, ended_ms=NOW_MS), (RECOVERED,), [("recovered", "team:tinh")],
            id="an end that waits for a person's word is told to whose it is",
        ),
    ],
)  # fmt: skip
def test_of_an_act_those_hear_who_have_to(
    was: Incident, now: Incident, tells: tuple[Tell, ...], told: list[tuple[str, str]]
) -> None:
    teller = Teller(lambda: TOWN, NOW_MS, None)
    assert [(tell.kind, one.key) for tell, one in teller.told(Act(was, now, (), tells))] == told
