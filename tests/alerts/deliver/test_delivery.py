"""The outbox against a real server and both databases: sent once, tried again, left alone, dropped, dead."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import update

from alerts.api import Said
from alerts.deliver import rows
from alerts.dispatch import Audience
from alerts.tables import outbox
from collector.api import Duty
from tests.support.delivering import OFFICER, SETTINGS, TEAM, Bench, letters
from tests.support.mailing import Receiver, Reply, receiving
from tests.support.telling import NOW_MS, incident

HOUR_MS = 3_600_000


def test_a_call_goes_out_once_and_is_put_on_record(bench: Bench, server: Receiver) -> None:
    case = bench.open()
    bench.put(case)
    bench.put(case)
    bench.step(turns=3)
    (left,) = letters(server)
    assert (left.key, left.address) == (f"{case.id}/call/0/team:vnpt-bac", "vnpt-bac@example.com")
    row = bench.only()
    assert (row["state"], row["answer"], row["sent_ms"], row["tries"]) == ("sent", "taken-1", NOW_MS, 1)
    assert bench.stage(case) == "notified"
    assert bench.story(case) == [Said("deliver.told.call", {"audience": "team:vnpt-bac", "channel": "mail"})]


def test_a_message_waits_for_its_time(bench: Bench, server: Receiver) -> None:
    bench.put(bench.open(), due_ms=NOW_MS + 20_000)
    assert bench.step() == 20.0
    assert server.came == []
    bench.step(20)
    assert bench.states() == ["sent"]


def test_every_channel_of_a_route_gets_a_letter_with_a_key_of_its_own(bench: Bench) -> None:
    with receiving((200, {}, b"")) as one, receiving((500, {}, b"")) as other:
        bench.settle(
            f'[channels.a]\nkind="people"\nurl="{one.url}"\n[channels.b]\nkind="people"\nurl="{other.url}"\n'
            '[routes."team:*"]\nchannels=["a","b"]\n'
        )
        bench.put(bench.open())
        bench.step()
        keys = [left.key for left in (*letters(one), *letters(other))]
    assert [key.rpartition("/")[2] for key in keys] == ["team:vnpt-bac", "b"]
    assert sorted(map(str, bench.states())) == ["sent", "waiting"]


@pytest.mark.parametrize(
    ("settings", "state", "says"),
    [
        pytest.param("", "dropped", "sets up no channel", id="nothing is set up"),
        pytest.param(
            '[channels.a]\nkind="log"\n[routes.officer]\nchannels=["a"]\n', "dead", "write a route for team:vnpt-bac",
            id="no route",
        ),
        pytest.param(
            '[channels.a]\nkind="log"\n[routes."team:*"]\nchannels=[]\n', "dropped", "nobody is told", id="told nothing"
        ),
    ],
)  # fmt: skip
def test_who_cannot_be_reached_is_said(bench: Bench, settings: str, state: str, says: str) -> None:
    bench.settle(settings)
    bench.put(bench.open())
    bench.step()
    row = bench.only()
    assert row["state"] == state
    assert says in str(row["error"])


# --- what fails -----------------------------------------------------------------------------------------------------


def test_a_passing_fault_is_tried_again_later_and_later_with_the_same_key(bench: Bench) -> None:
    answers: list[Reply] = [*((503, {}, b"") for _ in range(3)), (200, {}, b"ok")]
    with receiving(lambda _came: answers.pop(0)) as server:
        bench.settle(SETTINGS.format(url=server.url, kind="people"))
        bench.put(bench.open())
        pauses = []
        for _ in range(4):
            bench.step()
            row = bench.only()
            pauses.append((int(str(row["due_ms"])) - bench.clock.wall) / 1000)
            bench.clock.wall = max(bench.clock.wall, int(str(row["due_ms"])))
        assert row["state"] == "sent"
    assert len({left.key for left in letters(server)}) == 1
    assert len(server.came) == 4
    assert [7 <= pauses[0] <= 15, 15 <= pauses[1] <= 30, 30 <= pauses[2] <= 60] == [True] * 3


def test_a_permanent_fault_is_a_dead_letter_at_once_and_may_be_tried_again(bench: Bench) -> None:
    answers: list[Reply] = [(400, {}, b"")]
    with receiving(lambda _came: answers.pop(0) if answers else (200, {}, b"ok")) as server:
        bench.settle(SETTINGS.format(url=server.url, kind="people"))
        bench.put(bench.open(stage="acknowledged"))
        bench.step()
        dead = bench.only()
        assert (dead["state"], "400" in str(dead["error"])) == ("dead", True)
        bench.step(3_600)
        assert len(server.came) == 1
        key = str(dead["key"])
        assert bench.store.writer.do(lambda conn: rows.revive(conn, [key, "unknown"], bench.clock.wall)) == 1
        bench.step()
    assert bench.states() == ["sent"]


def test_what_fails_for_a_day_is_given_up(bench: Bench) -> None:
    with receiving((500, {}, b"")) as server:
        bench.settle(SETTINGS.format(url=server.url, kind="people"))
        bench.put(bench.open(stage="acknowledged"))
        bench.step()
        bench.step(86_401)
    row = bench.only()
    assert (row["state"], str(row["error"]).startswith("given up after 2 tries")) == ("dead", True)


def test_a_server_that_asks_for_patience_is_left_alone_even_by_the_next_process(bench: Bench) -> None:
    answers: list[Reply] = [(429, {"retry-after": "600"}, b"")]
    with receiving(lambda _came: answers.pop(0) if answers else (200, {}, b"ok")) as server:
        bench.settle(SETTINGS.format(url=server.url, kind="people"))
        bench.put(bench.open())
        bench.step()
        other = bench.open(incident(key="01J0000000000000000000000B", number=8))
        bench.restart()
        bench.put(other)
        bench.step()
        bench.step(599)
        assert len(server.came) == 1
        assert "left alone" in str(bench.rows()[1]["error"])
        bench.step(2)
        bench.step(30)
    assert (len(server.came), bench.states()) == (3, ["sent", "sent"])


def test_a_server_that_hangs_holds_up_nobody_else(bench: Bench) -> None:
    from threading import Event

    let_go = Event()

    def hang(_came: object) -> tuple[int, dict[str, str], bytes]:
        let_go.wait(10)
        return 200, {}, b""

    with receiving(hang) as slow, receiving((200, {}, b"")) as quick:
        bench.settle(
            f'[channels.slow]\nkind="people"\nurl="{slow.url}"\n[channels.quick]\nkind="people"\nurl="{quick.url}"\n'
            '[routes."team:*"]\nchannels=["slow"]\n[routes.officer]\nchannels=["quick"]\n'
        )
        bench.delivery._patience_s = 0.3
        case = bench.open()
        bench.put(case)
        bench.put(case, audience=OFFICER)
        bench.step(turns=3)
        assert (len(slow.came), len(quick.came)) == (1, 1)
        assert sorted(map(str, bench.states())) == ["sending", "sent"]
        let_go.set()
        bench.delivery._rounds.wait(5)
    assert bench.states() == ["sent", "sent"]


def test_what_a_dead_process_had_claimed_goes_again_after_its_lease_and_not_before(
    bench: Bench, server: Receiver
) -> None:
    bench.put(bench.open())
    claimed = update(outbox).values(state="sending", channel="mail", tries=1, lease_until_ms=NOW_MS + 60_000)
    bench.store.writer.do(lambda conn: conn.execute(claimed))
    bench.step(59)
    assert server.came == []
    bench.step(1)
    assert (bench.states(), len(server.came)) == (["sent"], 1)


def test_a_message_whose_channel_is_gone_from_the_settings_is_a_dead_letter(bench: Bench, server: Receiver) -> None:
    bench.put(bench.open(), due_ms=NOW_MS + 60_000)
    bench.step()
    bench.settle('[channels.other]\nkind="log"\n[routes."*"]\nchannels=["other"]\n')
    bench.step(60)
    row = bench.only()
    assert (row["state"], "no channel mail" in str(row["error"])) == ("dead", True)


def test_settings_with_a_mistake_leave_the_last_good_ones_in_force(bench: Bench, server: Receiver) -> None:
    bench.step()
    bench.settle("[channels.mail\n")
    bench.put(bench.open())
    bench.step()
    assert bench.states() == ["sent"]


# --- what is not needed any more ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "states"),
    [
        pytest.param({"closed_ms": NOW_MS, "ended_ms": NOW_MS, "stage": "closed"}, ["dropped"], id="closed"),
        pytest.param({"ended_ms": NOW_MS - 700_000}, ["dropped"], id="over for long"),
        pytest.param({"ended_ms": NOW_MS - 1_000}, ["waiting"], id="just over: it may come back"),
        pytest.param({"stage": "acknowledged"}, ["sent"], id="taken on: still told once"),
    ],
)
def test_a_call_about_what_is_over_is_dropped(
    bench: Bench, server: Receiver, changed: dict[str, object], states: list[str]
) -> None:
    case = bench.open()
    bench.put(case)
    bench.change(case, **changed)
    bench.step()
    assert bench.states() == states
    if states == ["dropped"]:
        assert bench.only()["error"] == "it was over before it was sent"


def test_who_never_heard_of_it_is_not_told_that_it_is_over(bench: Bench, server: Receiver) -> None:
    case = bench.open()
    bench.put(case, due_ms=NOW_MS + 5_000)
    bench.put(case, "recovered")
    bench.step()
    assert bench.states() == ["waiting", "waiting"]
    bench.change(case, closed_ms=NOW_MS, ended_ms=NOW_MS, stage="closed")
    bench.step(20)
    bench.step(20)
    assert (bench.states(), server.came) == (["dropped", "dropped"], [])


@pytest.mark.parametrize("kind", ["recovered", "correction"])
def test_who_heard_of_it_is_told_how_it_went_on(bench: Bench, server: Receiver, kind: str) -> None:
    case = bench.open()
    bench.put(case)
    bench.step()
    bench.change(case, closed_ms=NOW_MS, ended_ms=NOW_MS, stage="closed")
    bench.put(case, kind)  # type: ignore[arg-type]  # one of the two above
    bench.step(1)
    assert [left.kind for left in letters(server)] == ["call", kind]


def test_a_muted_incident_is_silent_until_its_time(bench: Bench, server: Receiver) -> None:
    case = bench.open(muted_until_ms=NOW_MS + HOUR_MS)
    bench.put(case)
    bench.step(3_599)
    assert (server.came, bench.only()["error"]) == ([], "muted")
    bench.step(1)
    assert len(server.came) == 1


@pytest.mark.parametrize(
    ("kind", "came"), [pytest.param("people", 0, id="people"), pytest.param("webhook", 1, id="a machine")]
)
def test_nobody_is_woken_in_quiet_hours(bench: Bench, kind: str, came: int) -> None:
    with receiving((200, {}, b"{}")) as server:
        bench.settle(SETTINGS.format(url=server.url, kind=kind) + 'quiet = "14:30-15:30"\n')
        bench.put(bench.open())  # it is 15:00
        bench.step()
        assert len(server.came) == came
        bench.step(1_799)
        assert len(server.came) == came
        bench.step(1)
        assert len(server.came) == 1


# --- digests --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "kinds"),
    [pytest.param(4, ["call"] * 4, id="four by themselves"), pytest.param(5, ["digest"], id="five as one")],
)
def test_many_messages_at_once_are_one(bench: Bench, server: Receiver, count: int, kinds: list[str]) -> None:
    cases = bench.many(count)
    for case in cases:
        bench.put(case)
    bench.step(turns=2)
    assert [left.kind for left in letters(server)] == kinds
    assert set(bench.states()) == {"sent"}
    assert [bench.stage(case) for case in cases] == ["notified"] * count
    assert all(len(bench.story(case)) == 1 for case in cases)
    if kinds == ["digest"]:
        assert letters(server)[0].title == "5 tin về sự cố"
        assert all(f"#{case.number}" in letters(server)[0].text for case in cases)


def test_what_comes_after_a_digest_is_gathered_for_the_next(bench: Bench, server: Receiver) -> None:
    cases = bench.many(9)
    for case in cases[:5]:
        bench.put(case)
    bench.step()
    for case in cases[5:7]:
        bench.put(case)
    bench.step(60)
    assert len(server.came) == 1
    bench.put(cases[7], audience=OFFICER)
    bench.step(1)
    assert len(server.came) == 2, "somebody else is not kept waiting"
    bench.put(cases[8])
    bench.step(600)
    assert sorted(left.kind for left in letters(server)) == ["call", "call", "call", "call", "digest"]


def test_a_digest_that_fails_is_tried_again_whole_and_may_be_revived(bench: Bench) -> None:
    answers: list[Reply] = [(503, {}, b""), (400, {}, b""), (200, {}, b"")]
    with receiving(lambda _came: answers.pop(0)) as server:
        bench.settle(SETTINGS.format(url=server.url, kind="people"))
        for case in bench.many(6):
            bench.put(case)
        bench.step()
        assert set(bench.states()) == {"waiting"}
        bench.step(60)
        assert set(bench.states()) == {"dead"}
        (key,) = [str(row["key"]) for row in bench.rows() if row["kind"] == "digest"]
        bench.store.writer.do(lambda conn: rows.revive(conn, [key], bench.clock.wall))
        bench.step(300)
    assert set(bench.states()) == {"sent"}
    assert {left.key for left in letters(server)} == {key}


# --- escalation -----------------------------------------------------------------------------------------------------


def test_a_call_that_nobody_takes_on_is_taken_to_the_next_and_then_to_the_officer(
    bench: Bench, server: Receiver
) -> None:
    bench.world.turns = [
        Duty("vnpt-bac", name, "", NOW_MS - HOUR_MS, NOW_MS + 24 * HOUR_MS) for name in ("An", "Bình")
    ]  # fmt: skip
    bench.world.open_on = {"07210-1": [(NOW_MS, NOW_MS + HOUR_MS), (NOW_MS + 10 * HOUR_MS, NOW_MS + 14 * HOUR_MS)]}
    case = bench.open()
    bench.put(case)
    bench.step()
    bench.step(1_799)
    assert [left.kind for left in letters(server)] == ["call"]
    bench.step(31, turns=2)
    bench.step(HOUR_MS / 1000, turns=2)  # doors closed in the meantime
    assert [row["audience"] for row in bench.rows()] == ["team:vnpt-bac", "team:vnpt-bac"]
    bench.step(9 * HOUR_MS / 1000, turns=2)
    assert [(left.kind, left.key.rpartition("/")[2]) for left in letters(server)] == [
        ("call", "team:vnpt-bac"), ("escalation", "team:vnpt-bac"), ("escalation", "officer"),
    ]  # fmt: skip
    assert "Bình" in letters(server)[1].text
    bench.step(HOUR_MS / 1000, turns=2)
    assert len(server.came) == 3
    assert [said.key.rpartition(".")[2] for said in bench.story(case)] == ["call", "escalation", "escalation"]


def test_whoever_took_it_on_is_not_called_again_and_the_call_was_answered(bench: Bench, server: Receiver) -> None:
    case = bench.open()
    bench.put(case)
    bench.step()
    bench.change(case, stage="acknowledged")
    bench.step(HOUR_MS / 1000, turns=2)
    assert (bench.states(), len(server.came)) == (["answered"], 1)


def test_a_team_that_no_message_reaches_is_said_to_the_officer_at_once(bench: Bench) -> None:
    with receiving(lambda came: (200 if b"/officer" in came.body else 400, {}, b"")) as server:
        bench.settle(SETTINGS.format(url=server.url, kind="people"))
        bench.put(bench.open())
        bench.step()
        bench.step(31)
    assert bench.states() == ["dead", "sent"]
    assert "Không gửi được tin tới tổ" in letters(server)[1].text


DEPUTY = """
[routes.deputy]
channels = ["mail"]
[routes.deputy.addresses]
mail = "deputy@example.com"
"""


@pytest.mark.parametrize("named", [pytest.param(DEPUTY, id="named"), pytest.param("", id="nobody is named")])
def test_what_only_the_officer_was_called_about_goes_to_the_deputy_once_where_there_is_one(
    bench: Bench, server: Receiver, named: str
) -> None:
    bench.settle((bench.home / "alerts.toml").read_text("utf-8") + named)
    bench.world.open_on = {"07210-1": [(NOW_MS, NOW_MS + HOUR_MS), (NOW_MS + 10 * HOUR_MS, NOW_MS + 14 * HOUR_MS)]}
    case = bench.open()
    bench.put(case, audience=OFFICER)
    bench.step()
    bench.step(1_799)
    assert [left.kind for left in letters(server)] == ["call"]
    bench.step(31, turns=2)
    bench.step(20 * HOUR_MS / 1000, turns=2)
    said = [(left.kind, left.address) for left in letters(server)]
    assert said == [("call", "officer@example.com"), *([("escalation", "deputy@example.com")] if named else [])]
    if named:
        assert "Cán bộ theo dõi chưa nhận việc" in letters(server)[1].text
        told = [Said("deliver.told_officer.call", {"channel": "mail"})]
        assert bench.story(case) == [*told, Said("deliver.told_deputy.escalation", {"channel": "mail"})]


# --- notices --------------------------------------------------------------------------------------------------------


def shared(bench: Bench) -> tuple[object, Callable[[], list[str]]]:
    case = incident()
    told = replace(case, verdict=replace(case.verdict, owner="service", affected=("07375-1",), centres=(), visit=False))
    return bench.open(told), lambda: [n.text_vi for n in bench.world.notices.get("07375-1", {}).values()]


def test_a_centre_is_told_by_a_notice_that_ends_with_the_incident(bench: Bench) -> None:
    case, shown = shared(bench)
    centre = Audience("centre:07375-1")
    bench.put(case, audience=centre)  # type: ignore[arg-type]  # an incident
    bench.step()
    assert shown() == ["Bắt đầu: 14:59"]
    bench.change(case, ended_ms=NOW_MS, closed_ms=NOW_MS, stage="closed")  # type: ignore[arg-type]  # as above
    bench.put(case, "recovered", audience=centre)  # type: ignore[arg-type]  # as above
    bench.step(1)
    assert (shown(), bench.states()) == ([], ["sent", "sent"])


def test_a_centre_with_a_route_of_its_own_gets_a_letter_too_and_the_route_of_all_is_not_meant(
    bench: Bench, server: Receiver
) -> None:
    case, _ = shared(bench)
    bench.put(case, audience=Audience("centre:07375-1"))  # type: ignore[arg-type]  # an incident
    bench.step()
    assert [row["channel"] for row in bench.rows()] == ["centre"]
    bench.settle((bench.home / "alerts.toml").read_text("utf-8") + '[routes."centre:07375-1"]\nchannels = ["mail"]\n')
    bench.put(case, audience=Audience("centre:07375-1"), turn="1")  # type: ignore[arg-type]  # as above
    bench.step(1)
    assert [row["channel"] for row in bench.rows()] == ["centre", "centre", "mail"]
    assert len(server.came) == 1


# --- figures --------------------------------------------------------------------------------------------------------


def test_figures_tell_what_waits_and_what_nobody_will_get(bench: Bench) -> None:
    answers: list[Reply] = [(200, {}, b""), (400, {}, b""), (503, {}, b"")]
    with receiving(lambda _came: answers.pop(0)) as server:
        bench.settle(SETTINGS.format(url=server.url, kind="people"))
        for case in bench.many(3):
            bench.put(case)
        bench.step()
    bench.clock.forward(100_000)

    def value(name: str, **labels: str) -> float | None:
        return bench.registry.get_sample_value(f"motcua_alerts_{name}", labels)

    states = [value("outbox_messages", state=state) for state in ("waiting", "sent", "dead", "dropped")]
    assert states == [1.0, 1.0, 1.0, 0.0]
    assert value("sent_total", channel="mail") == 1.0
    assert value("failed_total", channel="mail", how="permanent") == 1.0
    assert value("failed_total", channel="mail", how="passing") == 1.0
    assert 80 < (value("outbox_oldest_seconds") or 0.0) < 100


def test_a_revised_key_tells_its_incident_kind_turn_and_audience(bench: Bench) -> None:
    bench.put(replace(bench.open(), revisions=2, reopened=1), "correction", TEAM)
    assert str(bench.only()["key"]).split("/")[1:] == ["correction", "2", "team:vnpt-bac"]
