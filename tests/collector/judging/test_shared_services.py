"""Services in the judge's loop over a real store: at centres, in the province, late, after a kill, by their limits."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import msgspec
import pytest
from sqlalchemy import Connection, func, insert, select

from collector.hub import Hub
from collector.judge.facts import Fact
from collector.judge.timeline import ALWAYS
from collector.judging import flips
from collector.judging.loop import Judge
from collector.judging.shared import SharedServices
from collector.register import plans, presence
from collector.store import tables
from collector.store.inventory_tables import inventory
from tests.support.handclock import HandClock
from tests.support.measured import T0, every, ms, run
from tests.support.town import Town
from wire.messages import PlanItem

CENTRES = 6
SHARED = "service:portal"
ROOM = "00000-2"


def centre(n: int) -> str:
    return ROOM if n == 0 else f"{n:05d}-1"


def agent(n: int) -> str:
    return f"01ARZ3NDEKTSV4RRFF{n:08d}"


def view(n: int) -> str:
    return f"{SHARED}@{centre(n)}"


@pytest.fixture
def town(hub: Hub, clock: HandClock) -> Town:
    """Six centres and a room of the province (number 0) that all measure one service once a minute."""
    made = Town(hub)
    for n in range(CENTRES + 1):
        made.settle(centre(n), agent(n), f"device:01ARZ3NDEKTSV4RRFG{n:08d}")
    hub.store.writer.do(declare)
    clock.wall = T0
    return made


def declare(conn: Connection) -> None:
    subjects = [(SHARED, ""), *((view(n), centre(n)) for n in range(CENTRES + 1))]
    conn.execute(insert(tables.subject), [
        {"key": key, "kind": "service", "centre": where, "label": "portal", "agent": None, "created_ms": 0}
        for key, where in subjects
    ])  # fmt: skip
    for n in range(CENTRES + 1):
        items = [
            *plans.items_of(conn, agent(n)),
            PlanItem("s", view(n), "service", "https://portal.example/", 60.0, 20.0),
        ]
        plans.put(conn, agent(n), items, T0 - 1_000)


def asked(n: int, period_s: float) -> PlanItem:
    return PlanItem("s", view(n), "service", "https://portal.example/", period_s, 20.0)


def minutes(n: int, outcomes: str, *, first: int = 0) -> list[Fact]:
    """A minute each: trains to a good line, and the service: `.` passed, `x` failed, `s` passed slowly."""
    facts: list[Fact] = []
    for minute, sign in enumerate(outcomes, first):
        trains = [(f"lan:{centre(n)}", "gateway", 0.0), (f"line:{centre(n)}/a", "collector", 0.5)]
        for subject, target, shift in trains:
            seconds = [minute * 60 + k * 10 + shift for k in range(6)]
            facts += every(seconds, subject, target=target)
        facts.append(
            run(
                minute * 60 + 20 + n,
                view(n),
                outcome="fail" if sign == "x" else "ok",
                total_s=7.0 if sign == "s" else 0.3,
            )
        )
    return facts


def at(hub: Hub, clock: HandClock, second: float) -> None:
    """The clock is set, and every agent was heard until then."""
    for beat in [*range(clock.wall, ms(second), 40_000), ms(second)]:
        hub.store.writer.do(partial(presence.hear, beats={agent(n): beat for n in range(CENTRES + 1)}))
    clock.wall = ms(second)


def judged(judge: Judge) -> None:
    while judge.step() == 0:
        pass


def told(hub: Hub, subject: str) -> list[tuple[float, str | None, str | None]]:
    with hub.store.reading() as conn:
        rows = flips.effective(conn, [subject], 0, ALWAYS)[subject]
    return [((row.at_ms - T0) / 1000, row.to, row.reason) for row in rows]


def everything(hub: Hub) -> list[tuple[object, ...]]:
    keys = [SHARED, *map(view, range(CENTRES + 1))]
    with hub.store.reading() as conn:
        found = flips.effective(conn, keys, 0, ALWAYS)
    return [
        (f.subject, f.at_ms, f.from_state, f.to, f.reason, sorted(f.detail.items())) for k in keys for f in found[k]
    ]


def send(town: Town, weather: Sequence[str]) -> None:
    for n, outcomes in enumerate(weather):
        town.send(minutes(n, outcomes), agent=agent(n))


def test_what_half_of_the_centres_cannot_use_is_the_services_own_fault_and_no_centres(
    hub: Hub, town: Town, clock: HandClock
) -> None:
    send(town, ["......", "..xxx.", "..xxx.", "..xxx.", "......", "......", "......"])
    at(hub, clock, 360)
    judged(Judge(hub))
    assert told(hub, view(1)) == [(21.0, "ok", None), (141.0, "down", "timeout_answer")]
    assert told(hub, SHARED) == [(20.0, "ok", None), (143.0, "down", "service_down")]
    assert told(hub, "centre:00001-1") == [(0.5, "ok", None)]
    with hub.store.reading() as conn:
        down = flips.newest_of(conn, [SHARED])[SHARED]
    assert down.detail == {"seen": 3, "of": 6, "vantage": "ok"}
    assert len(down.evidence) == 3


def test_two_centres_and_the_province_are_enough_and_its_end_is_told_with_all_that_was_seen(
    hub: Hub, town: Town, clock: HandClock
) -> None:
    judge = Judge(hub)
    send(town, ["..xxxx", "..xxxx", "..xxxx", "......", "......", "......", "......"])
    at(hub, clock, 360)
    judged(judge)
    assert told(hub, SHARED)[1:] == [(142.0, "down", "service_down")]
    for n in range(CENTRES + 1):
        town.send(minutes(n, "...", first=6), agent=agent(n))
    at(hub, clock, 540)
    judged(judge)
    assert told(hub, SHARED)[1:] == [(142.0, "down", "service_down"), (380.0, "ok", None)]
    with hub.store.reading() as conn:
        held = flips.effective(conn, [SHARED], 0, ALWAYS)[SHARED]
    assert held[1].detail == {"seen": 2, "of": 6, "vantage": "down"}


WEATHER = ["..xxxx..", "..xxxxs.", "x.xxxx..", "..xxx...", "sssssss.", "...xxx..", "........"]


@pytest.mark.parametrize("order", [[6, 2, 0, 5, 1, 4, 3], [0, 1, 2, 3, 4, 5, 6]])
def test_however_late_and_in_whatever_order_centres_report_it_ends_up_the_same(
    hub: Hub, town: Town, clock: HandClock, order: list[int]
) -> None:
    at(hub, clock, 600)
    judge = Judge(hub)
    for n in order:
        town.send(minutes(n, WEATHER[n][4:], first=4), agent=agent(n))
        judged(judge)
    for n in order:
        town.send(minutes(n, WEATHER[n][:4]), agent=agent(n))
        judged(judge)
    by_and_by = everything(hub)

    def forget(conn: Connection) -> None:
        for table in (tables.flip, tables.cursor):
            conn.execute(table.delete())

    hub.store.writer.do(forget)
    judged(Judge(hub))
    assert everything(hub) == by_and_by
    assert (SHARED, "down") in {(key, to) for key, _, _, to, *_ in by_and_by}


def test_a_judge_that_ended_between_the_centres_and_the_province_is_made_up_for_by_the_next(
    hub: Hub, town: Town, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(town, ["xxxx"] * 7)
    at(hub, clock, 240)

    def killed(*_: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(SharedServices, "judge", killed)
        with pytest.raises(KeyboardInterrupt):
            Judge(hub).step()
    assert told(hub, SHARED) == []
    assert told(hub, view(3)) == [(23.0, "down", "timeout_answer")]
    judged(Judge(hub))
    assert told(hub, SHARED)[-1][1:] == ("down", "service_down")
    with hub.store.reading() as conn:
        before = conn.scalar(select(func.count()).select_from(tables.flip))
    judged(Judge(hub))
    with hub.store.reading() as conn:
        assert conn.scalar(select(func.count()).select_from(tables.flip)) == before


def test_a_service_that_nobody_declared_for_the_province_is_judged_at_centres_alone(
    hub: Hub, town: Town, clock: HandClock
) -> None:
    hub.store.writer.do(lambda conn: conn.execute(tables.subject.delete().where(tables.subject.c.key == SHARED)))
    send(town, ["xxxx"] * 7)
    at(hub, clock, 240)
    judged(Judge(hub))
    assert told(hub, SHARED) == []
    assert told(hub, view(1))[0][1] == "down"


def test_a_limit_of_the_inventory_rules_from_the_import_that_made_it(hub: Hub, town: Town, clock: HandClock) -> None:
    judge = Judge(hub)
    body = msgspec.json.encode({"id": "portal", "name_vi": "Cổng", "slow_s": 10}).decode()
    row = {"kind": "services", "key": "portal", "from_ms": 0, "to_ms": None, "body": body}
    hub.store.writer.do(lambda conn: conn.execute(insert(inventory).values(row)))
    send(town, ["ssssss"] * 7)
    at(hub, clock, 360)
    judged(judge)
    assert told(hub, view(1)) == [(21.0, "ok", None)]

    def tighten(conn: Connection) -> None:
        conn.execute(inventory.update().values(to_ms=ms(360)))
        conn.execute(insert(inventory).values(row | {"from_ms": ms(360), "body": body.replace("10", "2")}))

    hub.store.writer.do(tighten)
    hub.wake("register")
    for n in range(CENTRES + 1):
        town.send(minutes(n, "ss", first=6), agent=agent(n))
    at(hub, clock, 480)
    judged(judge)
    assert told(hub, view(1)) == [(21.0, "ok", None), (381.0, "degraded", "slow")]
    assert told(hub, SHARED)[-1][1:] == ("degraded", "service_slow")


def test_a_service_that_is_asked_seldom_goes_stale_when_its_time_has_come(
    hub: Hub, town: Town, clock: HandClock
) -> None:
    judge = Judge(hub)

    def seldom(conn: Connection) -> None:
        items = [i for i in plans.items_of(conn, agent(1)) if not i.subject.startswith("service:")]
        plans.put(
            conn, agent(1), [*items, PlanItem("s", view(1), "service", "https://portal.example/", 900.0, 20.0)], T0
        )

    hub.store.writer.do(seldom)
    town.send(minutes(1, "."), agent=agent(1))
    at(hub, clock, 60)
    judged(judge)
    for minute in range(1, 60, 3):
        trains = [f for f in minutes(1, "...", first=minute) if not f.subject.startswith("service:")]
        town.send(trains, agent=agent(1))
        at(hub, clock, 60 * minute + 180)
        judged(judge)
    assert told(hub, view(1)) == [(21.0, "ok", None), (2_721.0, "unknown", "stale")]
