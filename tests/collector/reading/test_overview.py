"""The province kept in memory says at every moment what the database would say, asked anew."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, insert, update

from collector.api import STATES, Actor, Reader, State
from collector.hub import Hub
from collector.reading.overview import REGISTER_MS
from collector.reading.reader import HubReader
from collector.register.actors import audit
from collector.store import tables
from tests.support.handclock import HandClock
from tests.support.measured import CENTRE, LAN, LINE, ms
from tests.support.town import Town


@pytest.fixture
def town(hub: Hub, clock: HandClock) -> Town:
    made = Town(hub)
    made.settle()
    clock.wall = ms(0)
    return made


def flip(hub: Hub, subject: str, to: State | None, *, supersedes: int | None = None, at: int = 0) -> int:
    reason = None if to == "ok" else "loss"
    row = {
        "subject": subject, "at_ms": ms(at), "from_state": "ok", "to_state": to, "reason": reason,
        "detail": "{}", "policy_version": 1, "evidence": "[]", "recorded_ms": ms(at), "supersedes": supersedes,
    }  # fmt: skip
    made = hub.store.writer.do(
        lambda c: c.execute(insert(tables.flip).values(row).returning(tables.flip.c.seq)).scalar()
    )
    assert made is not None
    return int(made)


def told(reader: Reader) -> tuple[dict[str, State], dict[str, State]]:
    seen = reader.overview()
    return {key: s.state for key, s in seen.standings.items()}, {info.key: s.state for info, s in seen.troubles}


def asked_anew(hub: Hub) -> tuple[dict[str, State], dict[str, State]]:
    fresh = HubReader(hub)
    standings, infos = fresh.standings("00000-1"), {info.key: info for info in fresh.subjects("00000-1")}
    centres = {infos[key].centre: s.state for key, s in standings.items() if infos[key].kind == "centre"}
    return centres, {k: s.state for k, s in standings.items() if infos[k].kind != "centre" and s.state != "ok"}


def test_a_flip_a_revision_and_a_retraction_are_seen_at_once(hub: Hub, town: Town) -> None:
    reader = HubReader(hub)
    before = reader.overview()
    assert reader.overview().version == before.version
    first = flip(hub, LINE, "down", at=10)
    flip(hub, CENTRE, "down", at=10)
    assert reader.overview().version != before.version
    assert (told(reader)[0], told(reader)[1][LINE]) == ({"00000-1": "down"}, "down")
    flip(hub, LINE, "ok", supersedes=first, at=10)
    assert LINE not in told(reader)[1]
    flip(hub, LAN, None, supersedes=flip(hub, LAN, "degraded", at=20), at=20)
    assert told(reader) == asked_anew(hub)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from([LINE, LAN, CENTRE]), st.sampled_from(STATES)), max_size=6))
def test_what_is_kept_is_what_the_database_says(hub: Hub, town: Town, steps: list[tuple[str, State]]) -> None:
    reader = HubReader(hub)
    for n, (subject, state) in enumerate(steps):
        flip(hub, subject, state, at=n)
        assert told(reader) == asked_anew(hub)


def test_what_another_process_did_and_audited_is_seen_at_once(hub: Hub, town: Town) -> None:
    reader = HubReader(hub)
    assert reader.centres()[0].name_vi != "Tên mới"

    def job(conn: Connection) -> None:
        conn.execute(update(tables.centre).values(name_vi="Tên mới"))
        audit(conn, Actor("import", "cli"), "import", "import:1", now_ms=0)

    hub.store.writer.do(job)
    assert reader.centres()[0].name_vi == "Tên mới"


def test_a_name_that_another_process_changed_is_seen_soon(hub: Hub, town: Town, clock: HandClock) -> None:
    reader = HubReader(hub)
    assert reader.centres()[0].name_vi != "Tên mới"
    hub.store.writer.do(lambda conn: conn.execute(update(tables.centre).values(name_vi="Tên mới")))
    clock.forward(REGISTER_MS)
    assert (reader.centres()[0].name_vi, reader.overview().centres["00000-1"].name_vi) == ("Tên mới", "Tên mới")


def test_the_register_of_this_process_is_seen_at_once(hub: Hub, town: Town) -> None:
    reader = HubReader(hub)
    reader.subjects()
    hub.store.writer.do(lambda conn: conn.execute(update(tables.subject).values(label="mới")))
    hub.wake("register")
    assert {info.label for info in reader.subjects()} == {"mới"}


def test_measured_and_expected_tell_only_what_there_is(hub: Hub, town: Town) -> None:
    reader = HubReader(hub)
    assert reader.measured(["00000-1", "99999-9"]) == {}
    latest = {"subject": LINE, "probe": "reach", "target": "collector", "at_ms": ms(7), "observation": "a/b/1/0"}
    hub.store.ts_writer.do(lambda conn: conn.execute(insert(tables.latest).values(latest)))
    assert (reader.measured(["00000-1"]), reader.overview().as_of_ms) == ({"00000-1": ms(7)}, ms(7))
    code = {"centre": "00000-1", "role": "pc", "created_ms": 1, "expires_ms": 2}
    hub.store.writer.do(lambda c: c.execute(insert(tables.join_code), [{"sha256": "x", **code}]))
    assert [(e.centre, e.role, e.expires_ms) for e in reader.expected() if e.role == "pc"] == [("00000-1", "pc", 2)]


def test_refusals_are_told_by_the_process_that_refuses(hub: Hub, town: Town) -> None:
    hub.counters.problems.labels("token").inc(3)
    assert HubReader(hub).health().refused is None
    hub.roles = ("ingest", "board")
    assert HubReader(hub).health().refused == {"token": 3}


def test_a_room_where_only_vantages_stand_is_no_centre(hub: Hub, town: Town) -> None:
    room = {"key": "00000-2", "name_vi": "Phía tỉnh", "name_en": "The province's side", "created_ms": ms(0)}
    rows = [
        {"key": key, "kind": kind, "centre": "00000-2", "label": "", "agent": None, "created_ms": ms(0)}
        for key, kind in (("centre:00000-2", "centre"), ("service:dvcqg@00000-2", "service"))
    ]

    def put(conn: Connection) -> None:
        conn.execute(insert(tables.centre).values(room))
        conn.execute(insert(tables.subject), rows)

    hub.store.writer.do(put)
    reader = HubReader(hub)
    assert set(reader.overview().centres) == {CENTRE.removeprefix("centre:")}
    assert "00000-2" in {centre.key for centre in reader.centres()}
