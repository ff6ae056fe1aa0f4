"""Shared systems through the door: counted once for all, phases of the newest answer, and the inventory beside them."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, select

from collector.api import Actor, PhaseTimes, Reader, State
from collector.hub import Hub
from collector.inventory.importing import carry_out, prepare, prepare_undo
from collector.reading.reader import HubReader
from collector.reading.systems import parted
from collector.store import tables
from tests.support.handclock import HandClock
from tests.support.measured import ms
from tests.support.town import Town

PROVINCE = Path(__file__).parents[3] / "province" / "bac-ninh"
ACTOR = Actor("Hoà", "cli")
PLACES = ("07210-1", "07228-1", "07246-1", "00000-1")
METRICS = {"dns": 0.02, "connect": 0.03, "tls": 0.05, "ttfb": 0.4, "transfer": 0.1}


@pytest.fixture
def reader(hub: Hub, clock: HandClock) -> Reader:
    """Three centres and a room of the province measure one system; a second one is measured nowhere."""
    clock.wall = ms(0)
    Town(hub).settle()
    keys = [("service:dvcqg", ""), *((f"service:dvcqg@{place}", place) for place in PLACES)]
    rows = [
        {"key": key, "kind": "service", "centre": place, "label": "dvcqg", "agent": None, "created_ms": 0}
        for key, place in keys
    ]
    hub.store.writer.do(lambda conn: conn.execute(insert(tables.subject), rows))
    return HubReader(hub)


def flip(hub: Hub, subject: str, to: State, at: int = 0) -> None:
    reason = None if to == "ok" else "slow"
    row = {
        "subject": subject, "at_ms": ms(at), "from_state": "ok", "to_state": to, "reason": reason,
        "detail": "{}", "policy_version": 1, "evidence": "[]", "recorded_ms": ms(at), "supersedes": None,
    }  # fmt: skip
    hub.store.writer.do(lambda conn: conn.execute(insert(tables.flip), [row]))


def measure(hub: Hub, place: str, values: dict[str, float], *, at: int, of: str = "ipv4") -> None:
    """Points as history writes them: a series for each metric, made with its first point."""

    def job(conn: Connection) -> None:
        for name, value in values.items():
            key = {
                "subject": f"service:dvcqg@{place}",
                "metric": f"motcua_service_{name}_seconds",
                "target": "t",
                "of": of,
            }
            found = select(tables.serie.c.sid).filter_by(**key)
            sid = conn.scalar(found) or conn.scalar(insert(tables.serie).values(key).returning(tables.serie.c.sid))
            conn.execute(insert(tables.raw).values(sid=sid, at_ms=ms(at), value=value))

    hub.store.ts_writer.do(job)


@pytest.mark.parametrize(
    ("key", "found"),
    [
        pytest.param("service:dvcqg", ("dvcqg", ""), id="shared"),
        pytest.param("service:dvcqg@07375-1", ("dvcqg", "07375-1"), id="at a centre"),
        pytest.param("line:07375-1/a", None, id="a line"),
    ],
)
def test_a_subject_tells_its_system_and_place(key: str, found: tuple[str, str] | None) -> None:
    assert parted(key) == found


def test_what_centres_see_is_counted_and_told_apart_from_what_the_province_sees(hub: Hub, reader: Reader) -> None:
    states: tuple[State, ...] = ("down", "degraded", "ok", "degraded")
    for place, state in zip(PLACES, states, strict=True):
        flip(hub, f"service:dvcqg@{place}", state)
    flip(hub, "service:dvcqg", "degraded", at=60)
    view = reader.overview().systems["dvcqg"]
    assert dict(view.counts) == {"down": 1, "degraded": 1, "ok": 1}
    assert (view.total, view.ill) == (3, 2)
    assert view.shared is not None
    assert (view.shared.state, view.shared.since_ms) == ("degraded", ms(60))
    assert {room: held.state for room, held in view.rooms.items()} == {"00000-1": "degraded"}
    flip(hub, "service:dvcqg@07210-1", "ok", at=120)
    assert dict(reader.overview().systems["dvcqg"].counts) == {"degraded": 1, "ok": 2}
    assert dict(view.counts) == {"down": 1, "degraded": 1, "ok": 1}, "what was given away never changes"


def test_a_shared_system_is_no_trouble_of_a_hundred_centres(hub: Hub, reader: Reader) -> None:
    for place in PLACES:
        flip(hub, f"service:dvcqg@{place}", "down")
    flip(hub, "service:dvcqg", "down")
    assert [info.key for info, _ in reader.overview().troubles if info.kind == "service"] == []


def test_each_place_tells_how_it_sees_a_system(hub: Hub, reader: Reader) -> None:
    flip(hub, "service:dvcqg@07228-1", "down", at=30)
    row = {
        "subject": "service:dvcqg@07228-1",
        "probe": "service",
        "target": "t",
        "at_ms": ms(40),
        "observation": "a/b/1/0",
    }
    hub.store.ts_writer.do(lambda conn: conn.execute(insert(tables.latest), [row]))
    seen = reader.system_standings("dvcqg")
    assert set(seen) == set(PLACES)
    held = seen["07228-1"]
    assert (held.state, held.since_ms) == ("down", ms(30))
    assert seen["07210-1"].reason == "never_measured"
    assert reader.newest([one.subject for one in seen.values()]) == {held.subject: ms(40)}
    assert reader.system_standings("nobody") == {}


def test_phases_are_those_of_the_newest_answer(hub: Hub, reader: Reader) -> None:
    key = "service:dvcqg@07210-1"
    measure(hub, "07210-1", {**METRICS, "total": math.fsum(METRICS.values())}, at=0)
    measure(hub, "07210-1", {"dns": 0.5, "connect": 9.0}, at=300)  # failed: no total, nothing after the connection
    assert reader.phase_times([key]) == {key: PhaseTimes(key, ms(300), {"dns": 0.5, "connect": 9.0}, None)}
    assert reader.phase_times(["service:dvcqg@07246-1"]) == {}


def test_of_two_versions_of_ip_the_one_that_passed_is_told(hub: Hub, reader: Reader) -> None:
    measure(hub, "07210-1", {"dns": 0.01, "connect": 9.0}, at=0, of="ipv6")
    measure(hub, "07210-1", {**METRICS, "total": 0.6}, at=0, of="ipv4")
    found = reader.phase_times(["service:dvcqg@07210-1"])["service:dvcqg@07210-1"]
    assert (dict(found.seconds), found.total_s) == (METRICS, 0.6)


# --- the inventory --------------------------------------------------------------------------------------------------


def quiet(_step: str, _done: int, _of: int) -> None:
    """Nobody watches."""


def test_an_import_tells_places_lines_systems_and_hours_at_once(hub: Hub, reader: Reader, clock: HandClock) -> None:
    assert (reader.places(), reader.systems(), reader.lines("07210-1")) == ({}, [], [])
    assert reader.opening("07210-1") is None
    carry_out(hub, ACTOR, prepare(hub, PROVINCE, quiet), quiet)
    place = reader.places()["07210-1"]
    assert (place.area, place.lat, place.located, place.kind) == ("bac-giang", 21.2849, "area_centroid", "phường")
    assert len(reader.places()) == 99
    first = reader.lines("07210-1")[0]
    assert (first.key, first.carrier, first.circuit, first.cpe_address, first.contract_bps) == (
        "line:07210-1/a", "vnpt", "VD-NET-07210-A", "192.0.2.1", 1e8,
    )  # fmt: skip
    portal = next(system for system in reader.systems() if system.id == "dvcqg")
    assert (portal.on, portal.slow_s, portal.scope) == (False, 5.0, "national")
    clock.wall = 1_795_227_245_000  # Saturday 2026-11-21 09:14 in Vietnam
    assert reader.opening("07228-1") == ()
    clock.wall += 2 * 86_400_000
    assert reader.opening("07228-1") == ("07:30-11:30", "13:30-17:00")
    clock.wall += 86_400_000
    assert reader.opening("07228-1") == (), "the holiday of 24 November"
    spans = reader.open_spans("07228-1", clock.wall, clock.wall + 86_400_000) or []
    assert [(a - clock.wall, b - a) for a, b in spans] == [(80_155_000, 6_245_000)]
    assert reader.open_spans("00000-1", clock.wall, clock.wall + 1) is None
    (turn, then, *_) = reader.rota(clock.wall)["vnpt-bac"]
    assert (turn.person, turn.phone, turn.holds(clock.wall)) == ("Người trực 2 (ví dụ)", "+84 000 001 101", True)
    assert (then.from_ms, then.holds(clock.wall)) == (turn.to_ms, False)
    carry_out(hub, ACTOR, prepare_undo(hub), quiet)
    assert (reader.places(), reader.systems(), reader.rota(clock.wall)) == ({}, [], {})
