"""Who measures by the reflector: lines of centres with video conferences, or all; nobody where none is set."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from agent.probes.quality import Settings as ProbeSettings
from agent.work import plan as agents_plan
from collector.hub import Hub
from collector.measure.ticket import KEY_FILE, load_key
from collector.planning.command import read_rows
from collector.reflector.announcing import announce
from collector.settings import Address
from tests.support import planned
from wire.messages import PlanItem
from wire.reflecting import pass_of, passes_key

REFLECTOR = Address("reflector.example.vn", 8462)
DEVICES = "key,centre,kind\nVC-1,07375-1,video_conference\nPC-1,07330-1,pc\n"
LINES = (
    planned.LINES + "07375-1/a,internet,vnpt,,default\n07375-1/b,tslcd,vnpt,,interface:eth1\n"
    "07375-1/c,mobile,viettel,,interface:wwan0\n07375-1/d,tslcd,vnpt,,none\n07330-1/a,internet,viettel,,default\n"
)


def province(hub: Hub, folder: Path, *, devices: str = DEVICES) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "devices.csv").write_text(devices, "utf-8")
    planned.province(hub, folder, lines=LINES)


def set_reflector(hub: Hub, address: Address | None, *, everywhere: bool = False) -> bool:
    hub.settings = replace(hub.settings, reflector=address, reflector_everywhere=everywhere)
    return announce(hub)


def measured(hub: Hub, agent: str) -> list[PlanItem]:
    return [item for item in planned.items(hub, agent) if item.probe == "quality"]


def test_without_a_reflector_nobody_measures(hub: Hub, tmp_path: Path) -> None:
    province(hub, tmp_path / "p")
    agent = planned.enrol(hub).agent
    assert not set_reflector(hub, None)
    assert measured(hub, agent) == []
    assert not (hub.settings.home / KEY_FILE).exists(), "nor is a key made for nothing"


def test_the_lines_of_a_centre_with_video_conferences_are_measured_and_no_others(hub: Hub, tmp_path: Path) -> None:
    province(hub, tmp_path / "p")
    here, elsewhere = planned.enrol(hub).agent, planned.enrol(hub, "07330-1").agent
    assert set_reflector(hub, REFLECTOR)
    found = measured(hub, here)
    assert [(i.subject, i.target, i.period_s, i.settings.get("interface")) for i in found] == [
        ("line:07375-1/a", "reflector", 900.0, None), ("line:07375-1/b", "reflector", 900.0, "eth1"),
    ]  # fmt: skip
    assert measured(hub, elsewhere) == []
    told = {row.subject: row.why for row in read_rows(hub, here) if row.period_s is None}
    assert "mobile" in told["line:07375-1/c"]


def test_each_agent_has_a_pass_of_its_own_that_the_reflector_knows(hub: Hub, tmp_path: Path) -> None:
    province(hub, tmp_path / "p")
    set_reflector(hub, REFLECTOR, everywhere=True)
    agents = [planned.enrol(hub, centre).agent for centre in ("07375-1", "07330-1")]
    key = passes_key(load_key(hub.settings.home / KEY_FILE))
    for agent in agents:
        item = measured(hub, agent)[0]
        assert item.settings["ticket"] == pass_of(key, agent).text()
        assert item.settings["reflector"] == str(REFLECTOR)
        given = {name for name in item.settings if name in ProbeSettings.__struct_fields__}
        assert given == set(item.settings), "the probe knows every one of its settings"


def test_what_an_agent_is_given_is_a_plan_it_takes(hub: Hub, tmp_path: Path) -> None:
    province(hub, tmp_path / "p")
    set_reflector(hub, REFLECTOR)
    items = planned.items(hub, planned.enrol(hub).agent)
    assert len(items) <= agents_plan.MAX_ITEMS
    assert all(item.deadline_s < item.period_s for item in items)


def test_plans_follow_the_setting_and_stay_while_it_stays(hub: Hub, tmp_path: Path) -> None:
    province(hub, tmp_path / "p")
    agent = planned.enrol(hub).agent
    assert set_reflector(hub, REFLECTOR)
    before = planned.versions(hub, agent)
    assert not set_reflector(hub, REFLECTOR)
    assert planned.versions(hub, agent) == before
    assert set_reflector(hub, replace(REFLECTOR, port=9000))
    assert {item.settings["reflector"] for item in measured(hub, agent)} == {"reflector.example.vn:9000"}
    assert set_reflector(hub, None)
    assert measured(hub, agent) == []


def test_plans_follow_the_devices_of_the_inventory(hub: Hub, tmp_path: Path) -> None:
    province(hub, tmp_path / "p")
    set_reflector(hub, REFLECTOR)
    agent = planned.enrol(hub).agent
    province(hub, tmp_path / "p", devices=DEVICES.replace("video_conference", "ups"))
    assert measured(hub, agent) == []


@pytest.mark.parametrize("role", ["pc", "vantage"])
def test_only_a_box_measures(hub: Hub, tmp_path: Path, role: str) -> None:
    province(hub, tmp_path / "p")
    set_reflector(hub, REFLECTOR, everywhere=True)
    agent = planned.enrol(hub, "00000-1" if role == "vantage" else "07375-1", "pc" if role == "pc" else "vantage").agent
    assert measured(hub, agent) == []
