"""Leases kept: one truth for every process, whatever restarts; questions come from plans, answers carry a ticket."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from collector.hub import Hub
from collector.judging.policy import keep_policy, read_policy_file
from collector.leases.keeping import Asked, Leases, read_slots
from collector.measure import ticket
from collector.settings import MeasureServer
from collector.store.databases import open_store
from collector.store.lease_tables import lease as t
from tests.support import planned
from tests.support.handclock import HandClock
from wire.messages import LeaseAnswer, LeaseAsk

SERVER = MeasureServer("https://measure.example:8444", 1_000, 20)
LINES = (
    "key,kind,carrier,contract_bps,uplink_group,reach_by\n07375-1/a,internet,vnpt,100000000,cabinet,default\n"
    "07330-1/a,internet,vnpt,50000000,cabinet,default\n"
)


def with_servers(hub: Hub, servers: Sequence[MeasureServer] = (SERVER,)) -> Hub:
    settings = dataclasses.replace(hub.settings, measure=tuple(servers))
    return Hub(hub.store, hub.clock, settings)


class Town:
    """Two centres behind one cabinet, a box in each, and their tests in the plan."""

    def __init__(self, hub: Hub, folder: Path) -> None:
        self.hub = with_servers(hub)
        planned.province(self.hub, folder, lines=LINES)
        Leases(self.hub).loop().step()
        self.boxes = {key: planned.enrol(self.hub, key).agent for key in ("07375-1", "07330-1")}
        self.items = {
            key: next(i.id for i in planned.items(self.hub, box) if i.probe == "bandwidth")
            for key, box in self.boxes.items()
        }

    def ask(self, leases: Leases, centre: str = "07375-1", task: str | None = None) -> LeaseAnswer:
        return self.say(leases, LeaseAsk(self.items[centre], task), centre)

    def say(self, leases: Leases, word: LeaseAsk, centre: str = "07375-1") -> LeaseAnswer:
        one = Asked(self.boxes[centre], word)
        leases.ready(one)
        [answer] = self.hub.store.writer.do(lambda conn: leases.do(conn, [one]))
        return answer


@pytest.fixture
def town(hub: Hub, tmp_path: Path) -> Town:
    return Town(hub, tmp_path / "province")


def test_a_lease_carries_a_ticket_for_its_line_until_its_end(town: Town, clock: HandClock) -> None:
    given = town.ask(Leases(town.hub), task="t").lease
    assert given is not None
    assert (given.url, given.starts_in_s, given.ends_in_s, given.max_s) == (SERVER.url, 0, 60, 30)
    key = ticket.load_key(town.hub.settings.home / ticket.KEY_FILE)
    said = ticket.read(key, given.ticket, now_ms=clock.wall)
    assert said == ticket.Ticket(given.id, "07375-1/a", 375_000_000, clock.wall + 60_000, "agent")


def test_a_turn_survives_a_restart_and_is_the_same_for_every_process(
    town: Town, store_url: str, clock: HandClock
) -> None:
    first = Leases(town.hub)
    turn = town.ask(first)
    assert turn.why == "window"
    assert turn.again_s is not None
    with_another = open_store(store_url, clock)
    try:
        clock.forward(60_000)
        elsewhere = Leases(Hub(with_another, clock, town.hub.settings))
        assert town.ask(elsewhere).again_s == turn.again_s - 60
        clock.forward(round(turn.again_s * 1000) - 60_000)
        given = town.ask(elsewhere).lease
        assert given is not None
        assert town.ask(first).lease == given  # what the other process gave, this one knows
    finally:
        with_another.close()


def test_two_processes_never_give_one_uplink_twice(town: Town) -> None:
    one, other = Leases(town.hub), Leases(town.hub)
    assert town.ask(one, task="t").lease is not None
    answer = town.ask(other, "07330-1", task="u")
    assert (answer.lease, answer.why, answer.again_s) == (None, "busy", 60)


def test_what_a_transaction_takes_back_was_never_given(town: Town) -> None:
    leases = Leases(town.hub)
    asked = Asked(town.boxes["07375-1"], LeaseAsk(town.items["07375-1"], "t"))
    leases.ready(asked)

    def fails(conn: Connection) -> None:
        leases.do(conn, [asked])
        raise RuntimeError("the disk is full, say")

    with pytest.raises(RuntimeError):
        town.hub.store.writer.do(fails)
    leases.undone()
    assert town.ask(leases, "07330-1", task="u").lease is not None


def test_the_writer_tells_when_it_took_something_back(town: Town) -> None:
    """Through the writer itself: a neighbour in the same run fails, and each is done by itself."""
    leases = Leases(town.hub)
    good = Asked(town.boxes["07375-1"], LeaseAsk(town.items["07375-1"], "t"))
    broken = Asked("x", LeaseAsk("y", "z", returns="q", used_bytes=1))
    leases.ready(good)
    real, seen = leases.do, list[int]()

    def do(conn: Connection, those: Sequence[Asked]) -> list[LeaseAnswer]:
        answers = real(conn, those)
        seen.append(len(those))
        if len(those) > 1:
            raise RuntimeError("a fault of ours")
        return answers

    leases.do = do  # type: ignore[method-assign]  # a fault that comes after the work

    async def both() -> list[LeaseAnswer]:
        writer = town.hub.store.writer
        return list(await asyncio.gather(writer.join(leases, good), writer.join(leases, broken)))

    answers = asyncio.run(both())
    assert answers[0].lease is not None
    with town.hub.store.reading() as conn:
        assert conn.scalars(select(t.c.id)).all() == [answers[0].lease.id]
    assert sum(seen) in {2, 4}


def test_a_lease_given_back_frees_the_uplink_and_keeps_what_it_cost(town: Town, clock: HandClock) -> None:
    leases = Leases(town.hub)
    given = town.ask(leases, task="t").lease
    assert given is not None
    clock.forward(20_000)
    over = LeaseAsk(town.items["07375-1"], returns=given.id, used_bytes=123_456_789)
    assert town.say(leases, over) == LeaseAnswer()
    assert town.say(leases, over) == LeaseAnswer()
    assert town.ask(leases, "07330-1", task="u").lease is not None
    with town.hub.store.reading() as conn:
        [slot] = [s for s in read_slots(conn, 0) if s.id == given.id]
    assert (slot.state, slot.used_bytes, slot.to_ms) == ("returned", 123_456_789, clock.wall)


@pytest.mark.parametrize("item", ["no such item", "its train"])
def test_only_a_test_of_the_agents_own_plan_has_a_lease(town: Town, item: str) -> None:
    leases = Leases(town.hub)
    train = next(i.id for i in planned.items(town.hub, town.boxes["07375-1"]) if i.probe == "reach")
    answer = town.say(leases, LeaseAsk(train if item == "its train" else item))
    assert (answer.lease, answer.why, answer.again_s) == (None, "unknown_item", None)
    strange = town.say(leases, LeaseAsk(town.items["07330-1"]), "07375-1")
    assert strange.why == "unknown_item"


def test_without_a_server_plans_hold_no_tests_and_leases_say_so(town: Town) -> None:
    none = Leases(with_servers(town.hub, ()))
    none.loop().step()
    assert [i for i in planned.items(town.hub, town.boxes["07375-1"]) if i.probe == "bandwidth"] == []
    assert town.ask(none).why == "unknown_item"
    Leases(town.hub).loop().step()
    assert [i for i in planned.items(town.hub, town.boxes["07375-1"]) if i.probe == "bandwidth"] != []


def test_the_same_settings_make_no_new_plan(town: Town) -> None:
    versions = planned.versions(town.hub, town.boxes["07375-1"])
    faster = dataclasses.replace(SERVER, mbps=2_000)
    for servers in ((SERVER,), (faster,), (SERVER,)):
        Leases(with_servers(town.hub, servers)).loop().step()
    assert planned.versions(town.hub, town.boxes["07375-1"]) == versions


def test_a_policy_that_tests_more_often_reaches_the_plans(town: Town, clock: HandClock) -> None:
    def rhythm() -> float:
        return next(i.period_s for i in planned.items(town.hub, town.boxes["07375-1"]) if i.probe == "bandwidth")

    leases, (raw, name) = Leases(town.hub), read_policy_file(None)
    loop, writer = leases.loop(), town.hub.store.writer
    writer.do(lambda conn: keep_policy(conn, raw=raw, name=name, now_ms=clock.wall))
    loop.step()
    clock.forward(60_000)
    often = raw.replace(b"\nperiod_s = 86400 ", b"\nperiod_s = 43200 ")
    writer.do(lambda conn: keep_policy(conn, raw=often, name=name, now_ms=clock.wall))
    clock.forward(60_000)
    assert rhythm() == 86_400
    loop.step()
    assert rhythm() == 43_200


def test_an_import_that_joins_two_lines_holds_from_the_next_question(town: Town, tmp_path: Path) -> None:
    leases = Leases(town.hub)
    planned.province(town.hub, tmp_path / "apart", lines=LINES.replace("50000000,cabinet", "50000000,other"))
    assert town.ask(leases, task="t").lease is not None
    assert town.ask(leases, "07330-1", task="u").lease is not None


def test_what_was_over_the_day_before_yesterday_is_forgotten_and_stays_on_record(town: Town, clock: HandClock) -> None:
    leases = Leases(town.hub)
    for _ in range(4):
        given = town.ask(leases, task="t").lease
        assert given is not None
        clock.forward(24 * 3_600_000)
    assert leases._book is not None
    assert [s.id for s in leases._book.everything() if s.from_ms < clock.wall - 49 * 3_600_000] == []
    with town.hub.store.reading() as conn:
        assert len(read_slots(conn, 0)) == 4


def test_the_next_day_has_a_new_budget_and_yesterdays_turns_are_kept(town: Town, clock: HandClock) -> None:
    leases = Leases(town.hub)
    given = town.ask(leases, task="t").lease
    assert given is not None
    clock.forward(24 * 3_600_000)
    assert town.ask(leases, task="u").lease is not None
    late = LeaseAsk(town.items["07375-1"], returns=given.id, used_bytes=5)
    town.say(leases, late)
    with town.hub.store.reading() as conn:
        assert {s.id: s.used_bytes for s in read_slots(conn, 0)}[given.id] == 5
