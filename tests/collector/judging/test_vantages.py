"""Vantages in the judge's loop over a real store: whom their rows touch, what they say, and what replaces it."""

from __future__ import annotations

from functools import partial

import pytest
from sqlalchemy import Connection, insert

from collector.hub import Hub
from collector.judge.facts import Fact
from collector.judge.timeline import ALWAYS
from collector.judging import flips
from collector.judging import round as rounding
from collector.judging.loop import Judge
from collector.register import plans, presence
from collector.store import tables
from tests.support.handclock import HandClock
from tests.support.measured import T0, VANTAGE, every, ms, train
from tests.support.town import Town
from wire.messages import PlanItem

CENTRES = 5
ROOM = "00000-2"
CUT = 2  # the centre whose box falls silent


def centre(n: int) -> str:
    return f"{n:05d}-1"


def agent(n: int) -> str:
    return f"01ARZ3NDEKTSV4RRFF{n:08d}"


def line(n: int) -> str:
    return f"line:{centre(n)}/a"


@pytest.fixture
def town(hub: Hub, clock: HandClock) -> Town:
    """Five centres with a box each, and a vantage that asks the far end of each one's line once a minute."""
    made = Town(hub)
    for n in range(1, CENTRES + 1):
        made.settle(centre(n), agent(n), f"device:01ARZ3NDEKTSV4RRFG{n:08d}")
    hub.store.writer.do(vantage)
    clock.wall = T0
    return made


def vantage(conn: Connection) -> None:
    conn.execute(insert(tables.centre).values(key=ROOM, name_vi="Phòng", name_en="Room", created_ms=0))
    conn.execute(insert(tables.agent).values(
        id=VANTAGE, centre=ROOM, role="vantage", name="v", version="0.1", capabilities="[]", sign_key="", seal_key="",
        device="device:v", enrolled_ms=0,
    ))  # fmt: skip
    for key in (f"centre:{ROOM}", f"agent:{VANTAGE}"):
        row = {"key": key, "kind": key.partition(":")[0], "centre": ROOM, "label": "", "created_ms": 0}
        conn.execute(insert(tables.subject).values(row))
    ends = [PlanItem(f"v{n}", line(n), "reach", f"192.0.2.{n}", 60.0, 8.0) for n in range(1, CENTRES + 1)]
    plans.put(conn, VANTAGE, ends, 1_735_689_600_000)


def box(n: int, first: int, last: int, *, lost: int = 0) -> list[Fact]:
    seconds = range(first, last, 10)
    gateway = every(seconds, f"lan:{centre(n)}", target="gateway")
    return [*gateway, *every([s + 0.5 for s in seconds], line(n), lost=lost)]


def seen(minute: int, *, lost: tuple[int, ...] = ()) -> list[Fact]:
    """The vantage's round through all lines in one minute."""
    return [
        train(60 * minute + 5 + n, line(n), lost=5 if n in lost else 0, target=f"192.0.2.{n}", agent=VANTAGE)
        for n in range(1, CENTRES + 1)
    ]


def live(hub: Hub, town: Town, clock: HandClock, judge: Judge, minutes: range, *, lost: tuple[int, ...] = ()) -> None:
    """Minute by minute: everybody but the cut centre's box, from the tenth minute on, is heard and measures."""
    for minute in minutes:
        here = [n for n in range(1, CENTRES + 1) if n != CUT or minute < 10]
        rows = [town.row(box(n, 60 * minute, 60 * minute + 60), agent=agent(n)) for n in here]
        rows.append(town.row(seen(minute, lost=lost), agent=VANTAGE))
        hub.store.writer.do(lambda conn, rows=rows: conn.execute(insert(tables.inbox), rows))  # type: ignore[misc]  # mypy knows no defaults of a lambda
        hear(hub, [VANTAGE, *map(agent, here)], minute)
        clock.wall = ms(60 * minute + 60)
        judged(judge)


def hear(hub: Hub, names: list[str], minute: int) -> None:
    for second in (20, 40, 60):
        at = ms(60 * minute + second)
        hub.store.writer.do(partial(presence.hear, beats=dict.fromkeys(names, at)))


def judged(judge: Judge) -> None:
    while judge.step() == 0:
        pass


def told(hub: Hub, subject: str) -> list[tuple[float, str | None, str | None]]:
    with hub.store.reading() as conn:
        rows = flips.effective(conn, [subject], 0, ALWAYS)[subject]
    return [((row.at_ms - T0) / 1000, row.to, row.reason) for row in rows]


def everything(hub: Hub) -> list[tuple[object, ...]]:
    keys = [key for n in range(1, CENTRES + 1) for key in (line(n), f"centre:{centre(n)}", f"agent:{agent(n)}")]
    with hub.store.reading() as conn:
        found = flips.effective(conn, keys, 0, ALWAYS)
    return [
        (f.subject, f.at_ms, f.from_state, f.to, f.reason, sorted(f.detail.items()), f.evidence)
        for key in keys
        for f in found[key]
    ]


def test_a_silent_centre_whose_line_stops_answering_the_province_is_down_and_no_other_is_touched(
    hub: Hub, town: Town, clock: HandClock
) -> None:
    judge = Judge(hub)
    live(hub, town, clock, judge, range(15))
    assert told(hub, line(CUT))[1:] == [(600.5, "ok", "seen_from_province")]
    assert told(hub, f"centre:{centre(CUT)}")[1:] == [(600.5, "unknown", "line_answers")]
    live(hub, town, clock, judge, range(15, 19), lost=(CUT,))
    assert told(hub, line(CUT))[-1] == (907.0, "down", "lost_from_province")
    assert told(hub, f"centre:{centre(CUT)}")[-1] == (907.0, "down", "no_line")
    assert all(told(hub, line(n)) == [(0.5, "ok", None)] for n in range(1, CENTRES + 1) if n != CUT)
    with hub.store.reading() as conn:
        down = flips.newest_of(conn, [f"centre:{centre(CUT)}"])[f"centre:{centre(CUT)}"]
    assert down.detail == {"subject": line(CUT), "reason": "lost_from_province"}
    assert all(name.startswith(VANTAGE) for name in down.evidence)


def test_a_vantage_that_loses_every_line_at_once_blames_none(hub: Hub, town: Town, clock: HandClock) -> None:
    judge = Judge(hub)
    live(hub, town, clock, judge, range(14))
    live(hub, town, clock, judge, range(14, 20), lost=tuple(range(1, CENTRES + 1)))
    assert told(hub, line(CUT))[-1][1:] == ("unknown", "vantage_unwell")
    assert told(hub, line(1)) == [(0.5, "ok", None)]


def test_what_the_box_kept_replaces_what_the_province_saw_in_the_open(hub: Hub, town: Town, clock: HandClock) -> None:
    judge = Judge(hub)
    live(hub, town, clock, judge, range(10))
    live(hub, town, clock, judge, range(10, 16), lost=(CUT,))
    assert told(hub, line(CUT))[-1][1:] == ("down", "lost_from_province")
    hear(hub, [agent(CUT)], 16)
    clock.wall = ms(1_020)
    town.send(box(CUT, 600, 1_020), agent=agent(CUT), received_ms=ms(1_020))
    judged(judge)
    assert told(hub, line(CUT)) == [(0.5, "ok", None)]
    with hub.store.reading() as conn:
        rows = flips.history_of(conn, line(CUT), 50)
    assert "lost_from_province" in {row.reason for row in rows}


def test_the_silence_of_the_vantage_ends_what_it_said(hub: Hub, town: Town, clock: HandClock) -> None:
    judge = Judge(hub)
    live(hub, town, clock, judge, range(14))
    clock.wall = ms(960)
    judged(judge)
    assert told(hub, line(CUT))[1:] == [(600.5, "ok", "seen_from_province"), (840.0, "unknown", "silent")]


def test_far_ends_that_stop_being_asked_go_stale_when_their_time_has_come(
    hub: Hub, town: Town, clock: HandClock
) -> None:
    judge = Judge(hub)
    live(hub, town, clock, judge, range(14))
    for minute in range(14, 20):
        hear(hub, [VANTAGE, *(agent(n) for n in range(1, CENTRES + 1) if n != CUT)], minute)
        clock.wall = ms(60 * minute + 60)
        judged(judge)
    # The last answer, at 787, held for three minutes.
    assert told(hub, line(CUT))[1:] == [(600.5, "ok", "seen_from_province"), (967.0, "unknown", "silent")]


@pytest.mark.parametrize("box_first", [True, False])
def test_in_whatever_order_box_and_vantage_report_it_ends_up_the_same(
    hub: Hub, town: Town, clock: HandClock, box_first: bool
) -> None:
    for minute in range(22):
        hear(hub, [VANTAGE, *(agent(n) for n in range(1, CENTRES + 1) if n != CUT or minute < 10)], minute)
    clock.wall = ms(1_320)
    judge = Judge(hub)
    judged(judge)
    boxes = [(agent(n), box(n, 0, 600 if n == CUT else 1_320)) for n in range(1, CENTRES + 1)]
    views = [(VANTAGE, seen(minute, lost=(CUT,) if 11 <= minute < 18 else ())) for minute in range(22)]
    for name, facts in [*boxes, *views] if box_first else [*reversed(views), *boxes]:
        town.send(facts, agent=name, received_ms=ms(1_320))
        judged(judge)
    by_and_by = everything(hub)

    def forget(conn: Connection) -> None:
        for table in (tables.flip, tables.cursor):
            conn.execute(table.delete())

    hub.store.writer.do(forget)
    judged(Judge(hub))
    assert everything(hub) == by_and_by
    assert {why for key, _, _, _, why, *_ in by_and_by if key == line(CUT)} >= {
        "seen_from_province", "lost_from_province",
    }  # fmt: skip


def test_rows_of_a_vantage_that_are_no_longer_in_memory_are_read_again(hub: Hub, town: Town, clock: HandClock) -> None:
    judge = Judge(hub)
    live(hub, town, clock, judge, range(9))
    assert judge._book is not None
    judge._book.views.max_facts = 1
    live(hub, town, clock, judge, range(9, 10))
    live(hub, town, clock, judge, range(10, 14), lost=(CUT,))
    assert told(hub, line(CUT))[-1][1:] == ("down", "lost_from_province")


def test_a_well_centre_is_not_judged_because_a_vantage_saw_it(
    hub: Hub, town: Town, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = Judge(hub)
    live(hub, town, clock, judge, range(6))

    def never(*_: object) -> None:
        raise AssertionError("a centre was judged")

    monkeypatch.setattr(rounding, "review", never)
    town.send(seen(6, lost=(1,)), agent=VANTAGE)
    clock.wall, before = ms(370), judge._seq
    judged(judge)
    assert judge._seq > before
