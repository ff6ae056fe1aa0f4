"""Who is heard, and who is not."""

from __future__ import annotations

from sqlalchemy import insert, select

from collector.hub import Hub
from collector.register import presence
from collector.store.databases import Store
from collector.store.tables import heard
from collector.store.tables import presence as spans
from tests.support.handclock import NOON_MS, HandClock


def hear(store: Store, **beats: int) -> list[str]:
    return store.writer.do(lambda conn: presence.hear(conn, beats))


def all_spans(store: Store) -> list[tuple[str, int, int]]:
    with store.reading() as conn:
        return [tuple(row) for row in conn.execute(select(spans).order_by(spans.c.agent, spans.c.from_ms))]


def overdue(store: Store, now_ms: int) -> list[str]:
    with store.reading() as conn:
        return [late.agent for late in presence.overdue(conn, now_ms)]


def test_heartbeats_of_one_presence_are_one_span(store: Store) -> None:
    assert hear(store, a=1_000, b=1_500) == ["a", "b"]
    assert hear(store, a=26_000) == []
    assert hear(store, a=76_000) == []
    assert all_spans(store) == [("a", 1_000, 76_000), ("b", 1_500, 1_500)]


def test_a_silence_opens_a_new_span_when_it_ends(store: Store) -> None:
    hear(store, a=1_000)
    assert hear(store, a=51_001) == ["a"]
    assert all_spans(store) == [("a", 1_000, 1_000), ("a", 51_001, 51_001)]


def test_a_heartbeat_that_comes_late_changes_nothing(store: Store) -> None:
    hear(store, a=5_000)
    assert hear(store, a=4_000) == []
    assert all_spans(store) == [("a", 5_000, 5_000)]


def test_who_is_not_heard_for_50_s_is_overdue_until_it_is_noticed(store: Store) -> None:
    hear(store, a=1_000, b=20_000)
    assert overdue(store, 50_999) == []
    assert overdue(store, 51_000) == ["a"]
    assert overdue(store, 80_000) == ["a", "b"]
    store.writer.do(lambda conn: presence.noticed(conn, ["a", "b"], 60_000))
    assert overdue(store, 80_000) == ["b"]
    hear(store, a=90_000)
    assert overdue(store, 150_000) == ["b", "a"]


def test_the_question_of_silence_is_one_indexed_search(store: Store) -> None:
    rows = [{"agent": f"a{n}", "from_ms": 0, "last_ms": 0, "alert_after_ms": n} for n in range(3_000)]
    store.writer.do(lambda conn: conn.execute(insert(heard), rows).rowcount)
    query = select(heard.c.agent, heard.c.last_ms).where(heard.c.alert_after_ms <= 5)
    explain = "EXPLAIN QUERY PLAN" if store.dialect == "sqlite" else "EXPLAIN"
    with store.core.connect() as conn:
        if store.dialect == "postgresql":
            conn.exec_driver_sql("ANALYZE heard")
        text = str(query.compile(conn, compile_kwargs={"literal_binds": True}))
        assert "ix_heard_alert_after_ms" in str(conn.exec_driver_sql(f"{explain} {text}").all())


def test_nobody_is_silent_for_the_time_in_which_nobody_listened(hub: Hub, clock: HandClock) -> None:
    hear(hub.store, a=NOON_MS)
    clock.forward(3_600_000)
    flush, _ = presence.Heartbeats(hub).loops()
    flush.step()
    assert overdue(hub.store, clock.wall + 49_000) == []
    assert overdue(hub.store, clock.wall + 50_000) == ["a"]


def test_heartbeats_are_written_by_the_loop(hub: Hub, clock: HandClock) -> None:
    beats = presence.Heartbeats(hub)
    flush, upkeep = beats.loops()
    beats.beat("a", clock.wall)
    beats.beat("a", clock.wall + 10)
    assert flush.step() == presence.FLUSH_S
    assert all_spans(hub.store) == [("a", clock.wall + 10, clock.wall + 10)]
    assert upkeep.step() == presence.KEEP_S


def test_a_past_is_recalled_and_goes_on_where_heartbeats_follow(store: Store) -> None:
    past = {"a": [(1_000, 50_000), (200_000, 300_000)], "b": []}
    for _ in range(2):  # a second time changes nothing
        store.writer.do(lambda conn: presence.recall(conn, past))
    assert hear(store, a=320_000) == []
    assert all_spans(store) == [("a", 1_000, 50_000), ("a", 200_000, 320_000)]
    assert overdue(store, 370_001) == ["a"]


def test_a_past_does_not_move_when_an_agent_was_last_heard(store: Store) -> None:
    hear(store, a=900_000)
    store.writer.do(lambda conn: presence.recall(conn, {"a": [(1_000, 50_000)]}))
    assert all_spans(store) == [("a", 1_000, 50_000), ("a", 900_000, 900_000)]
    assert overdue(store, 900_000) == []
