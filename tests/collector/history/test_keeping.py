"""Points, the newest observations, retention: history's loop over a real store."""

from __future__ import annotations

import pytest
from sqlalchemy import func, insert, select, update

from collector.history.keeping import History, HistoryMoved, harvest
from collector.hub import Hub
from collector.store import rolled, tables
from tests.support.handclock import HandClock
from tests.support.measured import LINE, T0, every, ms, report, train
from tests.support.town import Town


@pytest.fixture
def town(hub: Hub, clock: HandClock) -> Town:
    made = Town(hub)
    made.settle()
    clock.wall = ms(60)
    return made


def run(history: History) -> None:
    for _ in range(200):
        if history.step() > 0:
            return
    raise AssertionError("history never comes to an end")


def points(hub: Hub) -> list[tuple[str, str, int, float]]:
    query = select(tables.serie.c.metric, tables.serie.c.of, tables.raw.c.at_ms, tables.raw.c.value)
    with hub.store.reading_ts() as conn:
        joined = query.join(tables.raw, tables.raw.c.sid == tables.serie.c.sid)
        return [(m, of, at - T0, v) for m, of, at, v in conn.execute(joined.order_by(*joined.selected_columns))]


def test_numbers_become_points_and_the_cursor_moves_with_them(hub: Hub, town: Town) -> None:
    town.send([train(0, lost=5), train(10, rtt_s=0.02)])
    run(History(hub))
    assert points(hub) == [
        ("motcua_line_received_packets", "", 0, 0.0),
        ("motcua_line_received_packets", "", 10_000, 5.0),
        ("motcua_line_rtt_seconds", "", 10_000, 0.02),
        ("motcua_line_sent_packets", "", 0, 5.0),
        ("motcua_line_sent_packets", "", 10_000, 5.0),
    ]
    with hub.store.reading_ts() as conn:
        assert conn.execute(select(tables.ts_cursor.c.name, tables.ts_cursor.c.seq)).all() == [("history", 1)]


def test_taking_the_same_rows_again_changes_nothing(hub: Hub, town: Town) -> None:
    town.send(every(range(0, 60, 10)))
    run(History(hub))
    before = points(hub)
    hub.store.ts_writer.do(lambda conn: conn.execute(update(tables.ts_cursor).values(seq=0)))
    run(History(hub))
    assert points(hub) == before


def test_instances_of_a_metric_are_series_of_their_own(hub: Hub, town: Town) -> None:
    disk = "motcua_device_disk_used_ratio"
    town.send([report(0, (disk, "/", 0.5), (disk, "/home", 0.7))])
    run(History(hub))
    assert points(hub) == [(disk, "/", 0, 0.5), (disk, "/home", 0, 0.7)]


def test_undeclared_metrics_are_dropped_and_counted(hub: Hub, town: Town) -> None:
    town.send([report(0, ("motcua_device_charm_ratio", "", 1.0), ("motcua_device_cpu_ratio", "", 0.2))])
    run(History(hub))
    assert points(hub) == [("motcua_device_cpu_ratio", "", 0, 0.2)]
    assert hub.counters.undeclared.labels("metric")._value.get() == 1


def test_the_newest_observation_wins_whatever_comes_last(hub: Hub, town: Town) -> None:
    town.send([train(50)])
    town.send([train(20)])
    run(History(hub))
    with hub.store.reading_ts() as conn:
        [row] = conn.execute(select(tables.latest)).all()
    assert (row.subject, row.probe, row.target, row.at_ms - T0) == (LINE, "reach", "collector", 50_000)


def test_what_an_unsure_clock_stamped_is_shown_and_makes_no_point(hub: Hub, town: Town) -> None:
    town.send([train(50)])
    hub.store.writer.do(lambda conn: conn.execute(update(tables.inbox).values(offset_ms=None)))
    run(History(hub))
    assert points(hub) == []
    with hub.store.reading_ts() as conn:
        assert conn.scalar(select(func.count()).select_from(tables.latest)) == 1


def test_two_histories_do_not_both_move_the_cursor(hub: Hub, town: Town) -> None:
    town.send([train(0)])
    first = History(hub)
    run(first)
    with pytest.raises(HistoryMoved):
        first._commit([], {}, old=0, new=5, until=5)


def test_a_step_is_bounded(hub: Hub, town: Town) -> None:
    rows = [town.row([train(n)]) for n in range(450)]
    hub.store.writer.do(lambda conn: conn.execute(insert(tables.inbox), rows))
    history = History(hub)
    seen = []
    for _ in range(3):
        history.step()
        with hub.store.reading_ts() as conn:
            seen.append(conn.scalar(select(tables.ts_cursor.c.seq)))
    assert seen == [200, 400, 450]


def test_what_is_gathered_from_no_rows_is_nothing() -> None:
    found = harvest([])
    assert (found.points, found.latest, found.undeclared) == ([], {}, 0)


def test_a_number_no_measurement_has_makes_no_point(hub: Hub, town: Town) -> None:
    town.send([report(0, ("motcua_device_cpu_ratio", "", 1.7e308), ("motcua_device_battery_ratio", "", 0.2))])
    run(History(hub))
    assert points(hub) == [("motcua_device_battery_ratio", "", 0, 0.2)]


def test_changes_and_tasks_are_kept_whole_once(hub: Hub, town: Town) -> None:
    town.send([*every(range(0, 30, 10)), train(30, lost=5), train(40, lost=5), train(50)])
    run(History(hub))
    hub.store.ts_writer.do(lambda conn: conn.execute(update(tables.ts_cursor).values(seq=0)).rowcount)
    run(History(hub))
    with hub.store.reading_ts() as conn:
        kept = conn.execute(select(rolled.kept.c.subject, rolled.kept.c.at_ms).order_by(rolled.kept.c.at_ms)).all()
    assert [(row.subject, row.at_ms - T0) for row in kept] == [(LINE, 0), (LINE, 30_000), (LINE, 50_000)]
