"""Versions of the policy: who set them, what they changed, and the way back."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import select

from collector.api import Actor, NotFound, Threshold
from collector.commands import set_policy
from collector.hub import Hub
from collector.judging import thresholds as words
from collector.judging.policy import PolicyError, keep_policy, parse_policy, read_policy_file
from collector.judging.thresholds import Change, changes, thresholds, written
from collector.judging.versions import read_version, read_versions
from collector.reading.reader import HubReader
from collector.store import tables
from tests.support.handclock import HandClock

RAW, NAME = read_policy_file(None)
POLICY = parse_policy(RAW, NAME)
SLOWER = RAW.replace(b"rtt_s = 0.05", b"rtt_s = 0.08")
LAN = Actor("Trần Thị Lan", "session")


def test_a_version_says_from_when_on_and_who_set_it_and_leaves_an_audit_row(hub: Hub, clock: HandClock) -> None:
    first = clock.wall
    hub.store.writer.do(lambda conn: keep_policy(conn, raw=RAW, name=NAME, now_ms=first))
    clock.wall += 60_000
    made = set_policy(hub, LAN, SLOWER, "slower.toml")
    assert (made.number, made.before, made.from_ms) == (2, 1, first + 60_000)
    held = HubReader(hub).policies()
    assert [(v.number, v.from_ms, v.set_by) for v in held] == [(2, first + 60_000, "Trần Thị Lan"), (1, first, "")]
    assert held[0].body == SLOWER.decode()
    with hub.store.reading() as conn:
        (row,) = conn.execute(select(tables.audit).where(tables.audit.c.action == "policy"))
    assert (row.actor, row.via, row.object) == ("Trần Thị Lan", "session", "policy:2")
    assert json.loads(row.detail) == {"before": 1, "source": "slower.toml"}


def test_going_back_is_a_new_version_with_the_old_text(hub: Hub) -> None:
    set_policy(hub, LAN, SLOWER, "slower.toml")
    with hub.store.reading() as conn:
        old = read_version(conn, 1)
    made = set_policy(hub, LAN, old.body.encode(), "version 1")
    assert (made.number, made.before) == (3, 2)
    held = HubReader(hub).policies()
    assert held[0].body == held[2].body
    assert held[0].thresholds == held[2].thresholds


def test_the_file_is_kept_first_where_a_policy_is_set_before_any_judge_ran(hub: Hub) -> None:
    assert set_policy(hub, LAN, SLOWER, "slower.toml").number == 2
    # The judge starts, and finds its file as it was.
    kept = hub.store.writer.do(lambda conn: keep_policy(conn, raw=RAW, name=NAME, now_ms=hub.clock.wall_ms()))
    assert kept == 2


def test_a_file_that_is_changed_back_and_forth_is_a_new_version_each_time(hub: Hub) -> None:
    def start_with(raw: bytes) -> int:
        return hub.store.writer.do(lambda conn: keep_policy(conn, raw=raw, name=NAME, now_ms=hub.clock.wall_ms()))

    other = RAW.replace(b"rtt_s = 0.05", b"rtt_s = 0.07")
    assert start_with(RAW) == 1
    assert set_policy(hub, LAN, other, "other.toml").number == 2
    assert [start_with(RAW), start_with(other), start_with(RAW)] == [2, 2, 3]


def test_an_example_that_comes_anew_with_the_software_does_not_overrule_a_person(hub: Hub) -> None:
    def start_with(raw: bytes, *, example: bool) -> int:
        now_ms = hub.clock.wall_ms()
        return hub.store.writer.do(lambda conn: keep_policy(conn, raw=raw, name=NAME, now_ms=now_ms, example=example))

    newer = RAW.replace(b"loss = 0.02", b"loss = 0.03")
    assert [start_with(RAW, example=True), start_with(newer, example=True)] == [1, 2]  # nobody had set anything
    assert set_policy(hub, LAN, SLOWER, "slower.toml").number == 3
    assert [start_with(RAW, example=True), start_with(newer, example=True)] == [3, 3]
    assert start_with(RAW, example=False) == 4


@pytest.mark.parametrize(
    "raw", [pytest.param(RAW, id="the same text"), pytest.param(RAW + b"\n# a remark\n", id="only a remark")]
)
def test_where_no_threshold_differs_nothing_is_set(hub: Hub, raw: bytes) -> None:
    hub.store.writer.do(lambda conn: keep_policy(conn, raw=RAW, name=NAME, now_ms=1))
    made = set_policy(hub, LAN, raw, "same.toml")
    assert (made.number, made.before) == (1, 1)
    with hub.store.reading() as conn:
        assert conn.execute(select(tables.audit)).all() == []


def test_a_policy_that_contradicts_itself_names_every_key_and_is_not_set(hub: Hub) -> None:
    raw = RAW.replace(b"cut_s = 60", b"cut_s = 600").replace(b"min_trains = 18", b"min_trains = 99")
    with pytest.raises(PolicyError) as refused:
        set_policy(hub, LAN, raw, "bad.toml")
    for key in ("time.cut_s", "time.decide_within_s", "lan.min_trains", "lan.window_s", "line.min_trains"):
        assert key in str(refused.value)
    assert HubReader(hub).policies() == []


def test_a_version_that_is_not_there_is_not_found(hub: Hub) -> None:
    with hub.store.reading() as conn, pytest.raises(NotFound, match="policy list"):
        read_version(conn, 7)


def test_the_list_is_bounded_and_a_new_version_changes_the_revision(hub: Hub) -> None:
    reader = HubReader(hub)
    set_policy(hub, LAN, SLOWER, "slower.toml")
    before = reader.revision()
    set_policy(hub, LAN, RAW, "back.toml")
    assert reader.revision() != before
    assert [v.number for v in reader.policies(1)] == [3]
    assert reader.policies(-1) == []
    with hub.store.reading() as conn:
        assert [v.number for v in read_versions(conn, 2)] == [3, 2]


# --- in words -------------------------------------------------------------------------------------------------------


def test_every_threshold_has_words_and_every_word_a_threshold() -> None:
    assert [t.key for t in thresholds(POLICY)] == list(words.WORDS)


def test_changes_say_old_and_new() -> None:
    old, new = thresholds(POLICY), thresholds(parse_policy(SLOWER, "slower"))
    assert changes(old, old) == []
    rtt = Change("line.rtt_s", Threshold("line.rtt_s", 0.05, "s"), Threshold("line.rtt_s", 0.08, "s"))
    assert changes(old, new) == [rtt]
    assert [(c.key, c.old is None, c.new is None) for c in changes(old, old[1:])] == [(old[0].key, False, True)]
    assert [(c.key, c.old is None, c.new is None) for c in changes(old[1:], old)] == [(old[0].key, True, False)]


@pytest.mark.parametrize(
    ("key", "text"),
    [
        pytest.param("line.rtt_s", "50 ms", id="short"),
        pytest.param("time.decide_within_s", "200 s", id="seconds"),
        pytest.param("line.window_s", "15 min", id="minutes"),
        pytest.param("time.hold_at_most_s", "1 h", id="hours"),
        pytest.param("line.loss", "2 %", id="share"),
        pytest.param("lan.port_bps", "not judged", id="switched off"),
        pytest.param("agent.disk_free_bytes", "104.858 MB", id="bytes"),
        pytest.param("device.temperature_c", "90 °C", id="degrees"),
        pytest.param("device.on_battery", "yes", id="switch"),
        pytest.param("line.lost_trains", "3 trains", id="trains"),
        pytest.param("device.good", "2 times", id="times"),
        pytest.param("time.stale_periods", "3 periods", id="periods"),
    ],
)
def test_a_value_is_written_with_its_unit(key: str, text: str) -> None:
    assert written(next(t for t in thresholds(POLICY) if t.key == key)) == text
