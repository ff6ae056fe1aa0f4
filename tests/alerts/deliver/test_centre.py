"""From an incident to the page that a box serves: outbox, delivery, collector, wait channel, the agent's contact."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from agent.counts import Counts
from agent.talk.contact import Contact
from agent.talk.wait import Waiter
from agent.work.plan import PlanFile
from alerts.deliver.loop import Delivery
from alerts.desk import Desk
from alerts.dispatch import Audience
from collector.commands import CollectorCommands
from collector.hub import Hub
from collector.judging.versions import keep_file
from collector.reading.reader import HubReader
from tests.collector.web.test_waiting import wait_until_parked
from tests.support.clock import FakeClock
from tests.support.collector import serving
from tests.support.delivering import Bench
from tests.support.handclock import HandClock
from tests.support.telling import incident
from wire.client import Client

HERE = "00000-1"


def listener(home: Path, client: Client) -> tuple[Waiter, Contact]:
    clock = FakeClock()
    contact = Contact(clock)
    made = Waiter(
        client, clock=clock, contact=contact, plan=PlanFile(home, Counts()), caps="pc", running=lambda: "",
        apply=lambda _held: None, take=lambda _tasks: None, reached=lambda: None, chance=random.Random(1),
    )  # fmt: skip
    return made, contact


def test_a_shared_system_that_is_slow_is_told_on_the_page_of_a_centre_until_it_is_not(
    hub: Hub, clock: HandClock, tmp_path: Path
) -> None:
    bench = Bench(hub.store, HandClock(), hub.settings.home)
    bench.clock.wall = clock.wall
    desk = Desk(hub.store, HubReader(hub), CollectorCommands(hub), clock, hub.wake, hub.settings.home)
    hub.store.writer.do(lambda conn: keep_file(conn, hub.settings.home, clock.wall))
    delivery = Delivery(desk, patience_s=20.0)
    told = incident()
    case = bench.open(replace(told, verdict=replace(told.verdict, affected=(HERE,), centres=(), visit=False)))
    with serving(hub) as running, ThreadPoolExecutor(1) as threads:
        who = running.enrol()
        with running.client(who.token) as client:
            waiter, contact = listener(tmp_path, client)
            waiter.step()
            for kind, shown in (("call", ["Bắt đầu: 14:59 ngày 23/11"]), ("recovered", [])):
                poll = threads.submit(waiter.step)
                wait_until_parked(running)
                bench.put(case, kind, Audience(f"centre:{HERE}"))  # type: ignore[arg-type]  # one of the two above
                delivery.step()
                poll.result(10)
                assert [notice.text_vi for notice in contact.notices] == shown
    assert bench.states() == ["sent", "sent"]
