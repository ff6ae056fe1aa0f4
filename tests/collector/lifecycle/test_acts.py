"""Moved, renamed, merged, out of service and back: what changes, what stays, and the way back, on both databases."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select, update

from collector.api import Act, Decommission, Merge, Move, NotAllowed, NotFound, Rename, Restore
from collector.commands import CLI, create_join_code, replace_agent, revoke_agent
from collector.hub import Hub
from collector.inventory import importing, keeping
from collector.lifecycle import records
from collector.lifecycle.whom import written
from collector.reading.reader import HubReader
from collector.register.enrolment import BadCode
from collector.store import tables
from tests.support.handclock import HandClock
from tests.support.register import (
    LAN_NGUYEN,
    NEW,
    OLD,
    audited,
    change,
    effects,
    enrolled,
    may_speak,
    owner,
    planned,
    two_centres,
)

ROOT = Path(__file__).parents[3]
PROVINCE = ROOT / "province" / "bac-ninh"


def device_of(hub: Hub, agent: str) -> str:
    with hub.store.reading() as conn:
        return str(conn.scalar(select(tables.agent.c.device).where(tables.agent.c.id == agent)))


def place_of(hub: Hub, key: str) -> str:
    return next(info.centre for info in HubReader(hub).subjects() if info.key == key)


def imported(hub: Hub, path: Path = PROVINCE) -> None:
    run = importing.prepare(hub, path, lambda *_: None)
    importing.carry_out(hub, LAN_NGUYEN, run, lambda *_: None)


# --- moved ----------------------------------------------------------------------------------------------------------


def test_a_box_carried_to_an_empty_centre_leaves_its_line_and_takes_the_one_there(hub: Hub, clock: HandClock) -> None:
    box, other = two_centres(hub)
    change(hub, Decommission(f"agent:{other.agent}", "hỏng"))
    clock.forward(1_000)
    done = change(hub, Move(f"agent:{box.agent}", NEW, "chuyển trụ sở"))
    assert (owner(hub, f"line:{OLD}/a"), owner(hub, f"lan:{OLD}")) == (None, None)
    assert planned(hub, box) == [f"lan:{NEW}", f"line:{NEW}/a"]
    assert [place_of(hub, key) for key in (f"agent:{box.agent}", device_of(hub, box.agent))] == [NEW, NEW]
    assert ("moved", f"agent:{box.agent}") in effects(done)
    assert done.back == f"move agent:{box.agent} {OLD}"
    # What lies in its spool from the old place is still its own to say.
    assert may_speak(hub, box, f"line:{OLD}/a")
    assert audited(hub)[-1] == ("move", f"agent:{box.agent}")


def test_a_box_carried_to_a_house_where_nothing_was_measured_yet_begins_there(hub: Hub) -> None:
    box, _ = two_centres(hub)
    create_join_code(hub, "07399-1", "box", name_vi="Nhà mới")
    change(hub, Move(f"agent:{box.agent}", "07399-1", "x"))
    assert planned(hub, box) == ["lan:07399-1", "line:07399-1/a"]


def test_a_box_carried_to_a_centre_with_a_box_measures_only_itself_there(hub: Hub) -> None:
    box, other = two_centres(hub)
    change(hub, Move(f"agent:{box.agent}", NEW, "x"))
    assert (planned(hub, box), planned(hub, other)) == ([], [f"lan:{NEW}", f"line:{NEW}/a"])


def test_the_box_that_stays_behind_takes_what_the_other_left(hub: Hub) -> None:
    first, second = enrolled(hub, OLD), enrolled(hub, OLD)
    enrolled(hub, NEW)
    assert planned(hub, second) == []
    change(hub, Move(f"agent:{first.agent}", NEW, "x"))
    assert planned(hub, second) == [f"lan:{OLD}", f"line:{OLD}/a"]


def test_a_box_carried_there_and_back_is_where_it_was(hub: Hub, clock: HandClock) -> None:
    box, _ = two_centres(hub)
    before = planned(hub, box)
    change(hub, Move(f"agent:{box.agent}", NEW, "x"))  # both within one millisecond
    change(hub, Move(f"agent:{box.agent}", OLD, "x"))
    assert (planned(hub, box), place_of(hub, f"agent:{box.agent}")) == (before, OLD)


def test_a_line_gets_a_key_of_its_own_there_and_its_old_key_back_at_home(hub: Hub, clock: HandClock) -> None:
    imported(hub)
    box = enrolled(hub, OLD)
    done = change(hub, Move(f"line:{OLD}/a", NEW, "dời tuyến"))
    new = (
        done.effects[-1].subject
        if done.effects[-1].what == "made"
        else next(e.subject for e in done.effects if e.what == "made")
    )
    with hub.store.reading() as conn:
        lines = keeping.held(conn, ["lines"])["lines"]
    assert new.removeprefix("line:") in lines
    assert f"{OLD}/a" not in lines
    assert f"line:{OLD}/a" in {info.key for info in HubReader(hub).subjects(OLD)}
    assert f"line:{OLD}/a" not in planned(hub, box)
    clock.forward(1_000)
    back = change(hub, Move(new, OLD, "trả lại"))
    assert ("restored", f"line:{OLD}/a") in effects(back)
    with hub.store.reading() as conn:
        lines = keeping.held(conn, ["lines"])["lines"]
    assert (f"{OLD}/a" in lines, new.removeprefix("line:") in lines) == (True, False)
    assert f"line:{OLD}/a" in planned(hub, box)


def test_a_vantage_stays_in_the_province_s_own_rooms_and_drops_lines_out_of_service(hub: Hub) -> None:
    imported(hub)
    vantage = enrolled(hub, "00000-2", "vantage")
    assert {f"line:{OLD}/a", f"line:{NEW}/a"} <= set(planned(hub, vantage))
    change(hub, Decommission(f"line:{OLD}/a", "x"))
    change(hub, Decommission(f"centre:{NEW}", "x"))
    assert {f"line:{OLD}/a", f"line:{NEW}/a"} & set(planned(hub, vantage)) == set()
    change(hub, Restore(f"centre:{NEW}"))
    assert f"line:{NEW}/a" in planned(hub, vantage)
    with pytest.raises(NotAllowed, match="room of the province's own"):
        change(hub, Move(f"agent:{vantage.agent}", OLD, "x"))


# --- out of service -------------------------------------------------------------------------------------------------


def test_a_decommissioned_centre_leaves_the_counts_and_its_agents_may_not_speak(hub: Hub, clock: HandClock) -> None:
    box, _ = two_centres(hub)
    reader = HubReader(hub)
    assert set(reader.overview().centres) == {OLD, NEW}
    clock.forward(1_000)
    change(hub, Decommission(f"centre:{OLD}", "giải thể"))
    seen = reader.overview()
    assert (set(seen.centres), set(seen.standings)) == ({NEW}, {NEW})
    assert OLD not in {info.centre for info, _ in seen.troubles}
    assert not may_speak(hub, box)
    (gone,) = [centre for centre in reader.centres() if centre.key == OLD]
    assert gone.retired is not None
    assert (gone.retired.how, gone.retired.from_ms, gone.retired.reason) == ("decommissioned", clock.wall, "giải thể")
    change(hub, Restore(f"centre:{OLD}"))
    assert set(reader.overview().centres) == {OLD, NEW}
    assert may_speak(hub, box, f"line:{OLD}/a")
    assert planned(hub, box) == [f"lan:{OLD}", f"line:{OLD}/a"]


def test_what_was_revoked_for_another_reason_stays_revoked(hub: Hub, clock: HandClock) -> None:
    box, _ = two_centres(hub)
    stolen = enrolled(hub, OLD, "pc")
    revoke_agent(hub, CLI, stolen.agent)
    clock.forward(1_000)
    change(hub, Decommission(f"centre:{OLD}", "x"))
    clock.forward(1_000)
    change(hub, Restore(f"centre:{OLD}"))
    assert (may_speak(hub, box), may_speak(hub, stolen)) == (True, False)


def test_a_decommissioned_line_is_measured_by_nobody_until_it_is_restored(hub: Hub) -> None:
    box, _ = two_centres(hub)
    change(hub, Decommission(f"line:{OLD}/a", "cắt hợp đồng"))
    assert planned(hub, box) == [f"lan:{OLD}"]
    second = enrolled(hub, OLD)
    assert (planned(hub, second), owner(hub, f"line:{OLD}/a")) == ([], None)
    change(hub, Restore(f"line:{OLD}/a"))
    assert owner(hub, f"line:{OLD}/a") is not None


def test_a_replaced_box_measures_until_the_new_one_is_there(hub: Hub, clock: HandClock) -> None:
    box, _ = two_centres(hub)
    code = replace_agent(hub, box.agent)
    assert may_speak(hub, box)
    clock.forward(1_000)
    new = enrolled(hub, "", code=code)
    assert (new.centre, may_speak(hub, box), planned(hub, new)) == (OLD, False, [f"lan:{OLD}", f"line:{OLD}/a"])
    held = {one.subject: one for one in HubReader(hub).chronicle(OLD).retired}
    assert (held[f"agent:{box.agent}"].how, held[f"agent:{box.agent}"].successor) == ("replaced", f"agent:{new.agent}")
    with pytest.raises(NotFound, match="could be replaced"):
        replace_agent(hub, box.agent)


def test_an_import_never_deletes_what_people_took_out_of_service(hub: Hub, tmp_path: Path) -> None:
    imported(hub)
    change(hub, Decommission(f"line:{OLD}/a", "x"))
    (tmp_path / "lines.csv").write_text("key,kind,carrier\n", "utf-8")
    imported(hub, tmp_path)
    assert f"line:{OLD}/a" in {info.key for info in HubReader(hub).subjects(OLD)}


# --- merged ---------------------------------------------------------------------------------------------------------


def test_a_merged_centre_leads_to_the_other_for_codes_old_and_new(hub: Hub, clock: HandClock) -> None:
    box, _ = two_centres(hub)
    given_out = create_join_code(hub, OLD, "pc")
    clock.forward(1_000)
    change(hub, Merge(OLD, NEW, "NQ 388", move_agents=True))
    assert (may_speak(hub, box), place_of(hub, f"agent:{box.agent}")) == (True, NEW)
    assert enrolled(hub, "", "pc", code=given_out).centre == NEW
    assert enrolled(hub, "", "pc", code=create_join_code(hub, OLD, "pc")).centre == NEW
    centres = {centre.key: centre for centre in HubReader(hub).centres()}
    gone = centres[OLD].retired
    assert gone is not None
    assert (gone.how, gone.successor) == ("merged", f"centre:{NEW}")
    assert "Xã Phúc Hoà" in [name.vi for name in centres[NEW].former]
    assert [c.act for c in HubReader(hub).chronicle(NEW).changes] == ["merge"]


def test_mergers_of_mergers_lead_to_the_last(hub: Hub) -> None:
    two_centres(hub)
    enrolled(hub, "07399-1")
    change(hub, Merge(OLD, NEW, "x"))
    change(hub, Merge(NEW, "07399-1", "x"))
    assert enrolled(hub, "", "pc", code=create_join_code(hub, OLD, "pc")).centre == "07399-1"
    change(hub, Restore(f"centre:{NEW}"))
    assert enrolled(hub, "", "pc", code=create_join_code(hub, OLD, "pc")).centre == NEW


def test_without_move_agents_they_may_not_speak_until_the_merger_is_taken_back(hub: Hub, clock: HandClock) -> None:
    box, _ = two_centres(hub)
    change(hub, Merge(OLD, NEW, "x"))
    assert not may_speak(hub, box)
    clock.forward(1_000)
    done = change(hub, Restore(f"centre:{OLD}"))
    assert may_speak(hub, box)
    assert ("stays", f"centre:{NEW}") in effects(done)


def test_a_code_for_a_centre_without_successor_opens_nothing(hub: Hub) -> None:
    two_centres(hub)
    code = create_join_code(hub, OLD, "pc")
    change(hub, Decommission(f"centre:{OLD}", "x"))
    with pytest.raises(BadCode, match="out of service"):
        enrolled(hub, "", "pc", code=code)
    with pytest.raises(NotAllowed, match="out of service"):
        create_join_code(hub, OLD, "pc")


# --- renamed --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("known", [pytest.param(True, id="of an import"), pytest.param(False, id="of a join code")])
def test_a_renamed_centre_keeps_every_name_with_its_time(hub: Hub, clock: HandClock, known: bool) -> None:
    if known:
        imported(hub)
    else:
        enrolled(hub, NEW, name="Phường Lạng Giang")
    for name in ("Phường Một", "Phường Hai"):
        clock.forward(1_000)
        change(hub, Rename(NEW, name, "", "NQ 388"))
    (centre,) = [one for one in HubReader(hub).centres() if one.key == NEW]
    assert (centre.name_vi, [name.vi for name in centre.former]) == ("Phường Hai", ["Phường Một", "Phường Lạng Giang"])
    with hub.store.reading() as conn:
        spans = [(v.from_ms, v.to_ms) for v in keeping.versions(conn, "centres", NEW) if v.to_ms is not None]
    assert spans[0][1] == spans[1][0]


def test_a_name_is_found_whoever_looks_in_whatever_process(hub: Hub, clock: HandClock) -> None:
    two_centres(hub)
    elsewhere = HubReader(hub)
    elsewhere.centres()
    with hub.store.reading() as conn:
        before = records.newest(conn)
    hub._listeners.clear()  # as another process: nobody is woken
    change(hub, Rename(NEW, "Phường Mới", "New", "x"))
    with hub.store.reading() as conn:
        assert records.newest(conn) == before + 1
    assert {centre.key: centre.name_vi for centre in elsewhere.centres()}[NEW] == "Phường Mới"


# --- refused, rehearsed ---------------------------------------------------------------------------------------------

BOX = "<box>"


@pytest.mark.parametrize(
    ("act", "error", "what"),
    [
        pytest.param(Move(f"agent:{BOX}", OLD, "x"), NotAllowed, "at centre 07330-1 already", id="to where it is"),
        pytest.param(Move(f"agent:{BOX}", "99999-1", "x"), NotFound, "no centre 99999-1", id="to nowhere"),
        pytest.param(Move(f"centre:{OLD}", NEW, "x"), NotAllowed, "merge it", id="a centre"),
        pytest.param(Move(f"agent:{BOX}", "x", "x"), NotAllowed, "not a centre's key", id="no key"),
        pytest.param(Merge(OLD, OLD, "x"), NotAllowed, "cannot go into itself", id="into itself"),
        pytest.param(Merge("99999-1", OLD, "x"), NotFound, "no centre 99999-1", id="an unknown one"),
        pytest.param(Restore(f"centre:{OLD}"), NotAllowed, "is in service", id="nothing to restore"),
        pytest.param(Decommission(f"lan:{OLD}", "x"), NotAllowed, "name a centre, a line or an agent", id="a lan"),
        pytest.param(Decommission(f"centre:{OLD}", ""), NotAllowed, "say why", id="no reason"),
        pytest.param(Rename(OLD, "Xã Phúc Hoà", "Xã Phúc Hoà", "x"), NotAllowed, "has this name", id="the same name"),
        pytest.param(Rename(OLD, "=1+1", "x", "x"), NotAllowed, "formula", id="a formula as name"),
        pytest.param(Rename(OLD, "x" * 201, "x", "x"), NotAllowed, "201 characters", id="a long name"),
    ],
)
def test_an_act_that_cannot_be_is_refused_and_changes_nothing(
    hub: Hub, act: Act, error: type[Exception], what: str
) -> None:
    box, _ = two_centres(hub)
    if isinstance(act, Move):
        act = Move(act.subject.replace(BOX, box.agent), act.centre, act.reason)
    with pytest.raises(error, match=what):
        change(hub, act)
    assert audited(hub) == []


@pytest.mark.parametrize("act", [Decommission(f"centre:{OLD}", "x"), Merge(OLD, NEW, "x"), Rename(OLD, "A", "A", "x")])
def test_a_rehearsal_tells_what_would_come_of_it_and_changes_nothing(hub: Hub, act: Act) -> None:
    box, _ = two_centres(hub)
    would = change(hub, act, rehearse=True)
    assert (would.rehearsed, audited(hub), may_speak(hub, box)) == (True, [], True)
    assert effects(change(hub, act)) == effects(would)


def test_twice_out_of_service_is_once(hub: Hub) -> None:
    two_centres(hub)
    change(hub, Decommission(f"centre:{OLD}", "x"))
    for act in (Decommission(f"centre:{OLD}", "x"), Merge(OLD, NEW, "x"), Decommission(f"centre:{OLD}", "y")):
        with pytest.raises(NotAllowed, match="out of service already"):
            change(hub, act)
    with pytest.raises(NotAllowed, match="restore it first"):
        change(hub, Move(f"line:{NEW}/a", OLD, "x"))


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("07375-1", "centre:07375-1"), ("07375-1/a", "line:07375-1/a"),
        ("01ARZ3NDEKTSV4RRFFQ69G5FAV", "agent:01ARZ3NDEKTSV4RRFFQ69G5FAV"), ("line:07375-1/a", "line:07375-1/a"),
    ],
)  # fmt: skip
def test_subjects_as_people_write_them(text: str, key: str) -> None:
    assert written(text) == key


def test_a_clock_set_back_keeps_the_register_whole(hub: Hub, clock: HandClock) -> None:
    box, _ = two_centres(hub)
    hub.store.writer.do(lambda conn: conn.execute(update(tables.agent).values(enrolled_ms=clock.wall + 5_000)).close())
    change(hub, Move(f"agent:{box.agent}", NEW, "x"))
    assert place_of(hub, f"agent:{box.agent}") == NEW
