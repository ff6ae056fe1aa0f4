"""Bodies go by age or for want of room, never before every reader has passed; keys stay as long as a spool may."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import func, insert, select, update

from collector.history import pruning
from collector.history.keeping import History
from collector.history.lasting import Lasting
from collector.history.pruning import Pruning, passed
from collector.hub import Hub
from collector.judging.loop import Judge
from collector.reading.reader import HubReader
from collector.store import rolled, tables
from tests.support.handclock import HandClock
from tests.support.measured import LINE, T0, every, train
from tests.support.town import Town

DAY = 86_400_000


@pytest.fixture
def town(hub: Hub, clock: HandClock) -> Town:
    made = Town(hub)
    made.settle()
    clock.wall = T0
    return made


def read(hub: Hub) -> None:
    """Both readers take what there is."""
    for loop in (History(hub), Judge(hub)):
        while loop.step() == 0:
            pass


def prune(hub: Hub) -> None:
    loop = Pruning(hub)
    for _ in range(200):
        if not loop.bite():
            return
    raise AssertionError("pruning never comes to an end")


def kept(hub: Hub) -> tuple[int, int]:
    """Rows, and how many of them have a body."""
    with hub.store.reading() as conn:
        row = conn.execute(select(func.count(), func.count(tables.inbox.c.body))).one()
        return row[0], row[1]


def send_daily(town: Town, days: int) -> None:
    for n in range(days):
        town.send([train(n * 86_400)])


@pytest.mark.parametrize(
    ("centres", "bodies"), [pytest.param(1, 36, id="small"), pytest.param(151, 4, id="above 150 centres")]
)
def test_bodies_go_by_age_and_keys_after_forty_days(
    hub: Hub, town: Town, clock: HandClock, centres: int, bodies: int
) -> None:
    more = [{"key": f"00001-{n}", "name_vi": "", "name_en": "", "created_ms": 0} for n in range(centres - 1)]
    if more:
        hub.store.writer.do(lambda conn: conn.execute(insert(tables.centre), more).rowcount)
    send_daily(town, 60)
    clock.wall = T0 + 59 * DAY
    read(hub)
    prune(hub)
    assert kept(hub) == (41, bodies)
    prune(hub)
    assert kept(hub) == (41, bodies)


@pytest.mark.parametrize("behind", ["judge", "history", "export"])
def test_nothing_goes_that_a_reader_has_not_taken(hub: Hub, town: Town, clock: HandClock, behind: str) -> None:
    send_daily(town, 5)
    clock.wall = T0 + 60 * DAY
    read(hub)
    if behind == "history":
        hub.store.ts_writer.do(lambda conn: conn.execute(update(tables.ts_cursor).values(seq=2)).rowcount)
    elif behind == "judge":
        hub.store.writer.do(lambda conn: conn.execute(update(tables.cursor).values(seq=2)).rowcount)
    else:
        row = {"name": behind, "seq": 2, "moved_ms": 0}
        hub.store.writer.do(lambda conn: conn.execute(insert(tables.cursor), row).rowcount)
    assert passed(hub.store) == 2
    prune(hub)
    assert kept(hub) == (3, 3)


def test_where_nobody_has_read_nothing_goes(hub: Hub, town: Town, clock: HandClock) -> None:
    send_daily(town, 3)
    clock.wall = T0 + 60 * DAY
    prune(hub)
    assert kept(hub) == (3, 3)


def test_what_there_is_no_room_for_is_shed_oldest_first_and_counted(
    hub: Hub, town: Town, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    send_daily(town, 10)
    clock.wall = T0 + 10 * DAY
    read(hub)
    prune(hub)
    assert kept(hub) == (10, 10)
    with hub.store.reading() as conn:
        size = conn.scalar(select(func.sum(func.length(tables.inbox.c.body)))) or 0
    hub.settings = replace(hub.settings, bodies_bytes=size // 2)
    prune(hub)
    rows, bodies = kept(hub)
    assert (rows, 4 <= bodies <= 5) == (10, True)
    with hub.store.reading() as conn:
        [row] = conn.execute(select(rolled.shed)).all()
    assert row.batches == 10 - bodies == hub.counters.shed._value.get()
    assert row.bytes > 0


def test_a_disk_that_is_nearly_full_sheds_too(
    hub: Hub, town: Town, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    send_daily(town, 5)
    clock.wall = T0 + 5 * DAY
    read(hub)
    monkeypatch.setattr(pruning, "disk_free_bytes", lambda _hub: 0)
    prune(hub)
    assert kept(hub) == (5, 0 if hub.store.folder is not None else 5)  # a server's disk is not ours to see


def test_the_last_word_of_what_fell_silent_outlives_its_body(hub: Hub, town: Town, clock: HandClock) -> None:
    town.send(every(range(0, 60, 10)))
    clock.wall = T0 + 60_000
    read(hub)
    clock.wall = T0 + 40 * DAY
    assert not Lasting(hub).bite()
    prune(hub)
    assert kept(hub)[1] == 0
    [last] = HubReader(hub).latest("00000-1")
    assert (last.observation.subject, last.at_ms) == (LINE, T0 + 50_000)
