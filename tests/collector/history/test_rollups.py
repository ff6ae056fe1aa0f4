"""Roll-ups: the same whatever the order, the lateness and the kills; nothing of raw goes before it is rolled up."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import count, pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, func, insert, select, update

from collector.history import retention
from collector.history.keeping import History
from collector.history.marks import SETTLE_MS, due
from collector.history.rollups import Rollups
from collector.hub import Hub
from collector.store import rolled, tables
from collector.store.writer import Writer
from tests.support.handclock import HandClock
from tests.support.measured import DEVICE, T0, ms, train
from tests.support.rolled import Mill, Sample, at_once, exact_days
from tests.support.town import Town

HOUR, DAY = 3_600_000, 86_400_000


@pytest.fixture
def mill(hub: Hub, clock: HandClock) -> Mill:
    town = Town(hub)
    town.settle()
    clock.wall = T0
    return Mill(hub, town, clock)


def same(mill: Mill, samples: list[Sample], subject: str) -> None:
    rows, wanted = mill.rows(subject), at_once(samples)
    for name, expected in wanted.items():
        assert rows[name].keys() == expected.keys(), name
        for start, sums in expected.items():
            assert rows[name][start] == pytest.approx(sums, rel=1e-12, abs=1e-6), (name, start)
    for start, (told, is_exact) in mill.quantiles(subject).items():
        assert told == pytest.approx(exact_days(samples)[start], rel=0 if is_exact else 0.0101, abs=0)


SAMPLES = st.dictionaries(st.integers(0, 3 * DAY), st.floats(-1e6, 1e6).map(float), min_size=1, max_size=30)
PAUSES = st.sampled_from([0, 2 * 60_000, HOUR, DAY, 9 * DAY])
_subjects = count()


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(samples=SAMPLES, data=st.data())
def test_any_order_and_lateness_gives_what_all_samples_at_once_give(
    mill: Mill, clock: HandClock, samples: dict[int, float], data: st.DataObject
) -> None:
    subject, clock.wall = f"device:{next(_subjects)}", T0 + 3 * DAY
    order = data.draw(st.permutations(sorted(samples)))
    cuts = sorted({0, len(order)} | data.draw(st.sets(st.integers(0, len(order)), max_size=3)))
    for a, b in pairwise(cuts):
        mill.send([(at, samples[at]) for at in order[a:b]], subject)
        mill.turn()
        clock.forward(data.draw(PAUSES))
        mill.turn()
    clock.forward(DAY)
    mill.rest()
    same(mill, list(samples.items()), subject)


def story() -> list[Sample]:
    return [(n * 20 * 60_000, float(n % 7)) for n in range(200)]


def test_what_is_rolled_up_stays_when_raw_goes_and_late_samples_join_it(mill: Mill, clock: HandClock) -> None:
    on_time, late = story()[::2], story()[1::2]
    mill.send(on_time)
    clock.forward(4 * DAY)
    mill.rest()
    same(mill, on_time, DEVICE)
    assert all(is_exact for _, is_exact in mill.quantiles().values())
    clock.forward(9 * DAY)
    mill.turn()
    with mill.hub.store.reading_ts() as conn:
        assert conn.scalar(select(func.count()).select_from(tables.raw)) == 0
    mill.send(late)
    mill.turn()
    same(mill, story(), DEVICE)
    assert not any(is_exact for _, is_exact in mill.quantiles().values())
    with mill.hub.store.reading_ts() as conn:
        assert conn.scalar(select(func.count()).select_from(rolled.late)) == 0


def test_an_hour_that_is_not_over_and_one_just_touched_wait(mill: Mill, clock: HandClock) -> None:
    mill.send([(0, 1.0)])
    mill.turn()
    assert mill.rows()["hour"] == {}
    clock.forward(2 * HOUR)
    mill.send([(1, 2.0)])
    mill.turn()
    assert mill.rows()["hour"] == {}  # touched this moment: a backlog would have it done again and again
    clock.forward(60_000)
    mill.turn()
    assert [row[0] for row in mill.rows()["hour"].values()] == [2]


def test_a_day_waits_for_its_hours_and_for_no_longer(mill: Mill, clock: HandClock) -> None:
    mill.send([(0, 1.0)])
    mill.turn()
    clock.forward(2 * DAY)
    marked = partial(due, width_ms=DAY, limit=9)
    mill.turn()  # the hour is rolled up, and marks its day
    clock.forward(SETTLE_MS)
    mill.send([(1, 2.0)])
    History(mill.hub).step()
    with mill.hub.store.reading_ts() as conn:
        assert marked(conn, now_ms=clock.wall_ms()) == [], "an hour of it is touched again"
    clock.forward(SETTLE_MS)
    mill.turn()
    with mill.hub.store.reading_ts() as conn:
        assert marked(conn, now_ms=clock.wall_ms() + SETTLE_MS) != []
    clock.forward(SETTLE_MS)
    mill.turn()
    assert [row[:2] for row in mill.rows()["day"].values()] == [(2, 3.0)]


def test_a_mark_touched_while_its_hour_is_rolled_up_stays(
    mill: Mill, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    mill.send([(0, 1.0)])
    mill.turn()
    clock.forward(2 * HOUR)
    do, sent = Writer.do, list[int]()

    def between(writer: Writer, job: Callable[[Connection], object]) -> object:
        if not sent and writer is mill.hub.store.ts_writer:
            sent.append(1)
            mill.send([(1, 2.0)])
            History(mill.hub).step()
        return do(writer, job)

    monkeypatch.setattr(Writer, "do", between)
    Rollups(mill.hub).step()
    assert mill.rows()["hour"] == {}
    clock.forward(60_000)
    mill.turn()
    assert [row[:2] for row in mill.rows()["hour"].values()] == [(2, 3.0)]


class Killed(Exception):
    """The process ends here."""


@pytest.mark.parametrize("after_commit", [pytest.param(False, id="before"), pytest.param(True, id="after a commit")])
def test_a_kill_at_any_write_changes_nothing(
    mill: Mill, clock: HandClock, monkeypatch: pytest.MonkeyPatch, after_commit: bool
) -> None:
    on_time, late = story()[::2], story()[1::2]
    do, left = Writer.do, [0]

    def dying(writer: Writer, job: Callable[[Connection], object]) -> object:
        left[0] -= 1
        if left[0] == 0 and not after_commit:
            raise Killed
        result = do(writer, job)
        if left[0] == 0:
            raise Killed
        return result

    monkeypatch.setattr(Writer, "do", dying)
    mill.hub.store.ts_writer.submit(lambda conn: conn.execute(select(1)).all()).result()
    for stage, samples in ((4 * DAY, on_time), (9 * DAY, []), (HOUR, late), (HOUR, [])):
        left[0] = 0
        clock.forward(stage)
        mill.send(samples)
        for n in range(1, 40):  # every write of the stage is the last of a process once
            left[0] = n
            try:
                mill.turn()
            except Killed:
                continue
            if left[0] > 0:
                break
        clock.forward(HOUR)
    left[0] = 0
    mill.rest()
    same(mill, story(), DEVICE)


def test_late_samples_wait_until_history_has_passed_the_rows_they_came_with(mill: Mill, clock: HandClock) -> None:
    mill.send([(0, 1.0)])
    clock.forward(20 * DAY)
    mill.rest()
    row = {"sid": 1, "at_ms": T0 + 5, "value": 2.0, "seq": 99}
    mill.hub.store.ts_writer.do(lambda conn: conn.execute(insert(rolled.late), row).rowcount)
    mill.turn()
    assert [r[0] for r in mill.rows()["day"].values()] == [1]
    mill.hub.store.ts_writer.do(lambda conn: conn.execute(update(tables.ts_cursor).values(seq=99)).rowcount)
    mill.turn()
    assert [r[0] for r in mill.rows()["day"].values()] == [2]


# --- how long things stay -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("centres", "days"), [pytest.param(40, 7, id="small"), pytest.param(41, 2, id="above forty centres")]
)
def test_how_long_points_stay(centres: int, days: int) -> None:
    assert retention.keep_ms("motcua_line_rtt_seconds", centres) == days * DAY


def test_raw_that_is_not_rolled_up_stays_however_old_it_is(mill: Mill, clock: HandClock) -> None:
    mill.send([(0, 1.0)])
    History(mill.hub).step()
    clock.forward(30 * DAY)
    sweep = retention.Sweep(mill.hub)
    for _ in range(4):
        sweep.bite()
    with mill.hub.store.reading_ts() as conn:
        assert conn.scalar(select(func.count()).select_from(tables.raw)) == 1
        assert conn.scalar(select(tables.serie.c.whole_ms)) == 0


def test_old_points_go_in_bites_and_young_ones_stay(mill: Mill, clock: HandClock) -> None:
    mill.town.send([train(0), train(10)], received_ms=T0 + 20_000)
    mill.turn()
    clock.forward(2 * DAY)
    mill.rest()
    bulk = [{"sid": 1, "at_ms": ms(60) + n, "value": 1.0} for n in range(3 * retention.ROWS_A_BITE)]
    mill.hub.store.ts_writer.do(lambda conn: conn.execute(insert(tables.raw), bulk).rowcount)
    clock.forward(8 * DAY)
    mill.town.send([train(10 * 86_400)], received_ms=clock.wall)
    History(mill.hub).step()
    loop, counts = Rollups(mill.hub), [len(bulk) + 9]
    for _ in range(12):
        loop.step()
        with mill.hub.store.reading_ts() as conn:
            counts.append(conn.scalar(select(func.count()).select_from(tables.raw)) or 0)
    assert max(a - b for a, b in pairwise(counts)) <= retention.ROWS_A_BITE
    assert counts[-1] == 3  # the three numbers of the young train
    assert loop.step() > 0


def test_roll_ups_go_by_their_own_ages_and_days_stay(mill: Mill, clock: HandClock) -> None:
    mill.send([(0, 1.0)])
    held: list[tuple[int, ...]] = []
    for pause in (3 * DAY, 40 * DAY, 400 * DAY):
        clock.forward(pause)
        mill.rest()
        with mill.hub.store.reading_ts() as conn:
            several = (rolled.quarter, rolled.hour, rolled.day, rolled.sketch, rolled.kept)
            held.append(tuple(conn.scalar(select(func.count()).select_from(t)) or 0 for t in several))
    assert held == [(1, 1, 1, 1, 1), (0, 1, 1, 0, 1), (0, 0, 1, 0, 0)]
