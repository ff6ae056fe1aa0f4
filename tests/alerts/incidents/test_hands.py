"""An incident in people's hands: stages, words, links, complaints, and the questions about them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import Connection, insert, select, update

import alerts
from alerts.api import Commands, NotFound, Reader, Refused, Stage
from alerts.incidents import links
from alerts.tables import complaint, outbox
from collector.api import Actor
from collector.hub import Hub
from collector.inventory import importing
from tests.support.handclock import HandClock
from tests.support.incidents import HOUR, MINUTE, Province, S, line

LAN = Actor("Lan", "session")


@pytest.fixture
def province(hub: Hub, clock: HandClock) -> Province:
    made = Province(hub, clock)
    made.settle()
    return made


@pytest.fixture
def reader(province: Province) -> Reader:
    return alerts.reader(province.desk)


@pytest.fixture
def acts(province: Province) -> Commands:
    return alerts.commands(province.desk)


@pytest.fixture
def fallen(province: Province, clock: HandClock) -> Province:
    """Line 1 has been down for a minute, and incident 1 says so."""
    province.flip(line(1), "down", clock.wall)
    clock.forward(MINUTE)
    province.loop().step()
    return province


def mended(province: Province, clock: HandClock, *, for_ms: int = 2 * MINUTE) -> None:
    province.flip(line(1), "ok", clock.wall)
    clock.forward(for_ms)
    province.loop().step()


# --- stages ----------------------------------------------------------------------------------------------------------


def test_a_person_takes_it_on_goes_there_and_repairs_it_and_measurements_close_it(
    fallen: Province, acts: Commands, reader: Reader, clock: HandClock
) -> None:
    for stage in ("acknowledged", "on_the_way", "on_site", "repaired"):
        assert acts.move(LAN, "1", stage).stage == stage
    mended(fallen, clock)
    assert reader.incident("1").stage == "closed"
    stages = [(event.stage, event.by) for event in reader.story("1") if event.what == "stage"]
    assert stages == [
        ("acknowledged", "Lan"), ("on_the_way", "Lan"), ("on_site", "Lan"), ("repaired", "Lan"), ("closed", ""),
    ]  # fmt: skip


def test_repaired_by_word_alone_says_what_is_still_bad_and_stays(
    fallen: Province, acts: Commands, reader: Reader, clock: HandClock
) -> None:
    acts.move(LAN, "1", "repaired", text="đã thay cáp")
    last = reader.story("1")[-1]
    assert last.said is not None
    assert (last.said.key, last.said.values["subject"], last.text) == ("event.still_bad", line(1), "đã thay cáp")
    clock.forward(HOUR)
    fallen.loop().step()
    assert reader.incident("1").stage == "repaired"


@pytest.mark.parametrize(
    ("first", "then", "why"),
    [
        pytest.param(None, "closed", "still down", id="closing against the measurements"),
        pytest.param("on_site", "acknowledged", "not back", id="backwards"),
        pytest.param("on_site", "on_site", "not back", id="the same again"),
        pytest.param(None, "open", "said by a person", id="what only motcua says"),
    ],
)
def test_a_step_that_cannot_be_is_refused_with_its_reason(
    fallen: Province, acts: Commands, first: Stage | None, then: Stage, why: str
) -> None:
    if first is not None:
        acts.move(LAN, "1", first)
    with pytest.raises(Refused, match=why):
        acts.move(LAN, "1", then)


def test_what_is_closed_moves_no_more_until_the_fault_returns(
    fallen: Province, acts: Commands, reader: Reader, clock: HandClock
) -> None:
    acts.move(LAN, "1", "on_site")
    mended(fallen, clock)
    acts.move(LAN, "1", "closed")
    with pytest.raises(Refused, match="closed"):
        acts.move(LAN, "1", "repaired")
    clock.forward(20 * HOUR)
    fallen.flip(line(1), "down", clock.wall)
    clock.forward(30 * S)
    fallen.loop().step()
    again = reader.incident("1")
    assert (again.stage, again.reopened, again.open) == ("open", 1, True)


def test_a_proof_that_nobody_measured_is_none(fallen: Province, acts: Commands) -> None:
    with pytest.raises(NotFound, match="to prove it by"):
        acts.move(LAN, "1", "repaired", proof="nobody/epoch/1/0")


# --- words -----------------------------------------------------------------------------------------------------------


def test_comments_labels_and_mutes_are_events_and_the_last_label_counts(
    fallen: Province, acts: Commands, reader: Reader, clock: HandClock
) -> None:
    assert acts.comment(LAN, "1", "đang chờ vật tư").text == "đang chờ vật tư"
    acts.label(LAN, "1", wrong=True, text="mất điện chứ không phải đứt cáp")
    assert acts.label(LAN, "1", wrong=False).wrong is False
    assert acts.mute(LAN, "1", clock.wall + HOUR).muted_until_ms == clock.wall + HOUR
    assert acts.mute(LAN, "1", None).muted_until_ms is None
    said = [(event.what, event.by) for event in reader.story("1")][1:]
    assert said == [(what, "Lan") for what in ("comment", "wrong", "right", "muted", "muted")]


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(lambda acts: acts.comment(LAN, "1", "  "), id="an empty comment"),
        pytest.param(lambda acts: acts.comment(LAN, "1", "a" * 2_001), id="a long one"),
        pytest.param(lambda acts: acts.mute(LAN, "1", 1), id="muting until the past"),
        pytest.param(lambda acts: acts.link(LAN, "1", team="x", lasts_s=0), id="a link for no time"),
    ],
)
def test_what_cannot_be_meant_is_refused(fallen: Province, acts: Commands, act: Callable[[Commands], object]) -> None:
    with pytest.raises(Refused):
        act(acts)


@pytest.mark.parametrize("key", ["2", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "", "9" * 40])
def test_there_is_no_such_incident(fallen: Province, acts: Commands, reader: Reader, key: str) -> None:
    with pytest.raises(NotFound):
        acts.comment(LAN, key, "x")
    with pytest.raises(NotFound):
        reader.story(key)


def test_a_complaint_joins_the_incident_of_its_centre_and_is_kept_where_there_is_none(
    fallen: Province, acts: Commands, reader: Reader
) -> None:
    joined = acts.slow_now(LAN, "07001-1", "không mở được trang")
    assert joined is not None
    assert (joined.number, acts.slow_now(LAN, "07002-1", "")) == (1, None)
    assert reader.story("1")[-1].text == "không mở được trang"
    with fallen.hub.store.reading() as conn:
        kept = conn.execute(select(complaint.c.centre, complaint.c.incident).order_by(complaint.c.id)).all()
    assert [tuple(row) for row in kept] == [("07001-1", joined.id), ("07002-1", None)]
    with pytest.raises(NotFound):
        acts.slow_now(LAN, "99999-1", "")


def test_dead_letters_are_tried_again_and_no_others(fallen: Province, acts: Commands, reader: Reader) -> None:
    [told] = reader.told("1")
    assert acts.retry(LAN, [told.key]) == 0

    def die(conn: Connection) -> None:
        conn.execute(update(outbox).values(state="dead", error="refused"))

    fallen.hub.store.writer.do(die)
    assert [one.error for one in reader.told(dead=True)] == ["refused"]
    assert acts.retry(LAN, [told.key, "nobody"]) == 1
    assert (reader.told(dead=True), reader.told("1")[0].state) == ([], "waiting")


def test_dead_letters_are_dismissed_by_somebody_and_no_others(fallen: Province, acts: Commands, reader: Reader) -> None:
    [told] = reader.told("1")
    assert acts.dismiss(LAN, [told.key]) == 0
    dead = update(outbox).values(state="dead", error="refused")
    fallen.hub.store.writer.do(lambda conn: conn.execute(dead).rowcount)
    assert acts.dismiss(LAN, [told.key, "nobody"]) == 1
    left = reader.told("1")[0]
    assert (reader.told(dead=True), left.state, left.error) == ([], "dropped", f"dismissed by {LAN.name}: refused")
    assert acts.retry(LAN, [told.key]) == 0


# --- links -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def with_teams(province: Province) -> Province:
    folder = province.hub.settings.home / "teams"
    folder.mkdir()
    (folder / "teams.csv").write_text("key,name_vi,organisation,owns\nvnpt-bac,VNPT Bắc,vnpt,line\n", "utf-8")
    run = importing.prepare(province.hub, folder, lambda *_: None)
    importing.carry_out(province.hub, LAN, run, lambda *_: None)
    return province


def test_a_link_speaks_for_one_team_and_one_incident_until_it_is_over(
    with_teams: Province, fallen: Province, acts: Commands, reader: Reader, clock: HandClock
) -> None:
    token = acts.link(LAN, "1", team="vnpt-bac", lasts_s=3600)
    assert acts.guest(token) == (Actor("team:vnpt-bac", "session"), reader.incident("1").id)
    key = fallen.hub.settings.home / links.KEY_FILE
    assert key.stat().st_mode & 0o777 == 0o600
    clock.forward(HOUR)
    with pytest.raises(Refused, match="over"):
        acts.guest(token)
    with pytest.raises(NotFound, match="team"):
        acts.link(LAN, "1", team="nobody")


def test_a_forged_link_is_refused_whatever_was_changed(with_teams: Province, fallen: Province, acts: Commands) -> None:
    token = acts.link(LAN, "1", team="vnpt-bac")
    payload, _, seal = token.partition(".")
    for n in range(len(token)):
        other = token[:n] + ("A" if token[n] != "A" else "B") + token[n + 1 :]
        if n != len(token) - 1:  # the last character of a seal has bits that say nothing
            with pytest.raises(Refused):
                acts.guest(other)
    for bad in ("", ".", payload, f"{payload}.", f".{seal}", "x" * 10_000, f"{payload}.{'A' * len(seal)}", "é.é"):
        with pytest.raises(Refused):
            acts.guest(bad)


# --- questions -------------------------------------------------------------------------------------------------------


def test_incidents_are_found_by_time_by_centre_and_by_being_open(
    fallen: Province, reader: Reader, clock: HandClock
) -> None:
    start = clock.wall - MINUTE
    assert [one.number for one in reader.open()] == [one.number for one in reader.open("07001-1")] == [1]
    assert reader.open("07002-1") == []
    mended(fallen, clock)
    assert reader.open() == []
    assert [one.number for one in reader.incidents(start, clock.wall)] == [1]
    assert reader.incidents(start - HOUR, start) == []
    assert [one.number for one in reader.of_centre("07001-1")] == [1]
    assert reader.of_centre("07002-1") == []


def test_the_revision_changes_with_whatever_happens_and_not_by_itself(
    fallen: Province, acts: Commands, reader: Reader, clock: HandClock
) -> None:
    before = reader.revision()
    fallen.loop().step()
    assert reader.revision() == before
    acts.comment(LAN, "1", "x")
    after = reader.revision()
    assert after != before
    mended(fallen, clock)
    assert reader.revision() != after


def test_revisions_are_told_with_the_verdict_that_holds_since(
    fallen: Province, reader: Reader, clock: HandClock
) -> None:
    for n in (2, 3):
        fallen.flip(line(n), "down", clock.wall)
    fallen.loop().step()
    [revised] = reader.revised(clock.wall - HOUR, clock.wall + 1)
    assert revised.verdict is not None
    assert (revised.verdict.cause, reader.incident("1").revisions) == ("carrier:vnpt/g", 1)


def test_quality_counts_labels_revisions_and_what_no_incident_explained(
    fallen: Province, acts: Commands, reader: Reader, clock: HandClock
) -> None:
    start = clock.wall - MINUTE
    acts.label(LAN, "1", wrong=True)
    fallen.flip("centre:07001-1", "down", start)
    fallen.flip("centre:07002-1", "down", start)
    clock.forward(10 * MINUTE)
    fallen.flip("centre:07002-1", "ok", clock.wall - MINUTE)
    found = reader.quality(start, clock.wall)
    [score] = found.rules
    assert (score.rule, score.said, score.labelled, score.wrong, score.detect_s) == ("line", 1, 1, 1, 60.0)
    assert found.missed == (("centre:07002-1", start, clock.wall - MINUTE),)


def test_dead_letters_are_counted(fallen: Province, reader: Reader, clock: HandClock) -> None:
    row = {
        "key": "x/call/0/officer", "incident": "x", "kind": "call", "audience": "officer", "channel": "", "address": "",
        "message": "{}", "state": "dead", "created_ms": clock.wall, "due_ms": clock.wall,
    }  # fmt: skip
    fallen.hub.store.writer.do(lambda conn: conn.execute(insert(outbox).values(row)))
    assert reader.quality(clock.wall - HOUR, clock.wall).dead_letters == 1
