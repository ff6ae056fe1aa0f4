"""Plans follow the register and the inventory, on both databases: drawn anew when it matters, and only then."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import insert, select

from collector.api import NotAllowed
from collector.commands import CLI, create_join_code, revoke_agent
from collector.hub import Hub
from collector.planning.replanning import replan
from collector.reading.reader import HubReader
from collector.store import tables
from tests.support.handclock import HandClock
from tests.support.planned import (
    CENTRES,
    LINES,
    THREE_LINES,
    enrol,
    items,
    owners,
    province,
    service,
    told,
    undo,
    versions,
)  # fmt: skip


def test_an_import_reaches_the_plans_and_its_undo_takes_it_out_again(hub: Hub, tmp_path: Path) -> None:
    box = enrol(hub).agent
    assert told(hub, box, "reach") == [("lan:07375-1", "gateway"), ("line:07375-1/a", "collector")]
    before = items(hub, box)
    province(hub, tmp_path / "p", services=service())
    assert told(hub, box, "reach")[1:] == [("line:07375-1/a", "collector"), ("line:07375-1/b", "collector")]
    assert told(hub, box, "service") == [("service:portal@07375-1", "https://portal.example.vn/")]
    assert [item.settings for item in items(hub, box) if item.probe == "dns"] == [{"name": "portal.example.vn"}]
    undo(hub)
    assert items(hub, box) == before


def test_what_stays_keeps_its_id_and_what_changes_nothing_makes_no_version(hub: Hub, tmp_path: Path) -> None:
    box = enrol(hub).agent
    ids = {(item.subject, item.probe, item.target): item.id for item in items(hub, box)}
    province(hub, tmp_path / "p", services=service())
    assert ids.items() <= {(i.subject, i.probe, i.target): i.id for i in items(hub, box)}.items()
    now = versions(hub, box)
    assert hub.store.writer.do(lambda conn: replan(conn, None, hub.clock.wall_ms())) == []
    province(hub, tmp_path / "p", services=service() + 'note = "x"\n')
    enrol(hub, role="pc")
    assert versions(hub, box) == now


def test_every_version_is_kept_with_the_time_it_was_in_force(hub: Hub, clock: HandClock, tmp_path: Path) -> None:
    box = enrol(hub).agent
    first = clock.wall_ms()
    clock.forward(60_000)
    province(hub, tmp_path / "p")
    query = select(tables.plan.c.from_ms, tables.plan.c.to_ms).where(tables.plan.c.agent == box)
    with hub.store.reading() as conn:
        rows = [tuple(row) for row in conn.execute(query.order_by(tables.plan.c.version))]
    assert rows == [(first, first + 60_000), (first + 60_000, None)]


def test_a_service_has_a_subject_at_each_centre_and_a_shared_one(hub: Hub, tmp_path: Path) -> None:
    box, other = enrol(hub).agent, enrol(hub, "07330-1").agent
    province(hub, tmp_path / "p", services=service() + service("off", on=False))
    assert owners(hub, ["service"]) == {
        "service:portal@07375-1": ("07375-1", box), "service:portal@07330-1": ("07330-1", other),
        "service:portal": ("", None),
    }  # fmt: skip
    labels = {info.key: info.label for info in HubReader(hub).subjects() if info.kind == "service"}
    assert set(labels.values()) == {"portal"}


def test_a_service_that_is_switched_off_is_asked_no_more_and_keeps_its_history(hub: Hub, tmp_path: Path) -> None:
    box = enrol(hub).agent
    province(hub, tmp_path / "p", services=service() + service("other"))
    row = {
        "subject": "service:portal@07375-1", "at_ms": 1, "from_state": "unknown", "to_state": "ok", "detail": "{}",
        "policy_version": 1, "evidence": "[]", "recorded_ms": 1,
    }  # fmt: skip
    hub.store.writer.do(lambda conn: conn.execute(insert(tables.flip).values(row)).close())
    province(hub, tmp_path / "p", services=service(on=False) + service("other", on=False))
    assert told(hub, box, "service") == []
    assert owners(hub, ["service"]) == {"service:portal@07375-1": ("07375-1", None)}


def test_the_second_box_takes_over_when_the_first_is_revoked(hub: Hub, tmp_path: Path) -> None:
    province(hub, tmp_path / "p", services=service())
    first, second = enrol(hub).agent, enrol(hub).agent
    theirs = [(i.subject, i.probe) for i in items(hub, first)[1:]]
    assert [item.probe for item in items(hub, second)] == ["pc"]
    revoke_agent(hub, CLI, first)
    assert [(i.subject, i.probe) for i in items(hub, second)[1:]] == theirs
    assert {name for key, (centre, name) in owners(hub).items() if centre == "07375-1"} == {second}
    with hub.store.reading() as conn:
        over = conn.scalars(select(tables.plan.c.agent).where(tables.plan.c.to_ms.is_(None)))
        assert first not in set(over), "what it would have measured is missed by nobody"


def test_a_centre_that_comes_moves_the_plans_of_others_only_where_their_period_changes(
    hub: Hub, tmp_path: Path
) -> None:
    rows = "".join(f"{10_000 + n}-1,Trung tâm {n}\n" for n in range(20))
    province(hub, tmp_path / "p", lines=LINES, centres=CENTRES + rows, services=service(budget=20))
    box = enrol(hub).agent
    periods = []
    for n in range(12):
        enrol(hub, f"{10_000 + n}-1")
        periods.append(next(item.period_s for item in items(hub, box) if item.probe == "service"))
    assert periods[:4] == [120.0] * 4, "five centres fit: 8 requests a run, 20 a minute"
    assert periods == sorted(periods)
    assert 60 * 13 * 8 / periods[-1] <= 20
    assert versions(hub, box) == len(set(periods))


def test_a_vantage_measures_from_the_province_and_takes_no_line_from_its_box(hub: Hub, tmp_path: Path) -> None:
    province(hub, tmp_path / "p", services=service())
    box, vantage = enrol(hub).agent, enrol(hub, "00000-2", "vantage").agent
    assert told(hub, vantage)[1:] == [
        ("service:portal@00000-2", "https://portal.example.vn/"), ("line:07375-1/a", "192.0.2.1"),
        ("line:07375-1/b", "192.0.2.2"),
    ]  # fmt: skip
    assert owners(hub)["line:07375-1/a"] == ("07375-1", box)
    assert owners(hub)["service:portal@00000-2"] == ("00000-2", vantage)
    revoke_agent(hub, CLI, vantage)
    assert owners(hub)["line:07375-1/a"] == ("07375-1", box)


def test_where_a_vantage_and_a_box_share_a_room_each_service_is_asked_once(hub: Hub, tmp_path: Path) -> None:
    province(hub, tmp_path / "p", services=service())
    box, vantage = enrol(hub, "00000-1").agent, enrol(hub, "00000-1", "vantage").agent
    assert (told(hub, box, "service"), len(told(hub, vantage, "service"))) == ([], 1)
    assert told(hub, box, "reach") == [("lan:00000-1", "gateway"), ("line:00000-1/a", "collector")]


def test_a_vantage_does_not_stand_at_a_centre(hub: Hub) -> None:
    with pytest.raises(NotAllowed, match="00000-2"):
        create_join_code(hub, "07375-1", "vantage", name_vi="Trung tâm")


def test_a_line_that_left_the_inventory_is_measured_no_more(hub: Hub, tmp_path: Path) -> None:
    province(hub, tmp_path / "p")
    box = enrol(hub).agent
    province(hub, tmp_path / "p", lines=THREE_LINES.replace("07375-1/b,tslcd,vnpt,192.0.2.2,interface:eth1\n", ""))
    assert ("line:07375-1/b", "collector") not in told(hub, box)
    assert owners(hub)["line:07375-1/b"] == ("07375-1", None)


def test_a_shared_subject_without_a_centre_upsets_no_question(hub: Hub, tmp_path: Path) -> None:
    province(hub, tmp_path / "p", services=service())
    enrol(hub)
    reader = HubReader(hub)
    standings = reader.standings()
    assert standings["service:portal"].reason == "never_measured"
    assert reader.standings("")["service:portal"] == standings["service:portal"]
    assert set(reader.overview().standings) == {"07375-1", "07330-1"}
    assert [info.key for info in reader.subjects("")] == ["service:portal"]
    assert reader.observations("service:portal", 1) == []
    assert reader.history("service:portal", ["motcua_service_total_seconds"], 0, 1_000) == []
    assert reader.latest("") == []
