"""Notices: set by a command, carried by every answer to the agents of their centre, kept by a real agent's contact."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import select

from agent.counts import Counts
from agent.talk.contact import Contact
from agent.talk.wait import Waiter
from agent.work.plan import PlanFile
from collector.api import Actor, NotAllowed, NotFound
from collector.commands import CollectorCommands
from collector.hub import Hub
from collector.register.notices import MOST
from collector.store.sweeping import sweep
from collector.store.tables import audit
from tests.collector.web.test_waiting import wait_until_parked
from tests.support.clock import FakeClock
from tests.support.collector import Pen, Running, serving
from tests.support.handclock import NOON_MS, HandClock
from wire.client import Client
from wire.messages import Notice

ME = Actor("motcua", "system")
HERE = "00000-1"
SLOW = Notice("5/0", "Cổng dịch vụ công quốc gia đang chậm", "The national portal is slow", NOON_MS - 60_000, 0)
DAY_MS = 86_400_000


def named(key: str) -> Notice:
    return Notice(key, SLOW.text_vi, SLOW.text_en, SLOW.since, 0)


def as_of(notice: Notice, at_ms: int) -> Notice:
    return msgspec.structs.replace(notice, as_of=at_ms)


@pytest.fixture
def running(hub: Hub) -> Iterator[Running]:
    with serving(hub) as found:
        yield found


@pytest.fixture
def commands(hub: Hub) -> CollectorCommands:
    return CollectorCommands(hub)


def listener(home: Path, client: Client) -> tuple[Waiter, Contact]:
    """The agent's own waiter, that takes no tasks."""
    clock = FakeClock()
    contact = Contact(clock)
    made = Waiter(
        client, clock=clock, contact=contact, plan=PlanFile(home, Counts()), caps="pc,reach", running=lambda: "",
        apply=lambda _held: None, take=lambda _tasks: None, reached=lambda: None, chance=random.Random(1),
    )  # fmt: skip
    return made, contact


def test_a_notice_reaches_a_parked_agent_at_once_and_leaves_it_when_it_is_ended(
    running: Running, commands: CollectorCommands, tmp_path: Path
) -> None:
    who = running.enrol()
    with running.client(who.token) as client, ThreadPoolExecutor(1) as threads:
        waiter, contact = listener(tmp_path, client)
        waiter.step()  # fetches the plan
        poll = threads.submit(waiter.step)
        wait_until_parked(running)
        commands.set_notice(ME, HERE, SLOW)
        poll.result(10)
        assert list(contact.notices) == [as_of(SLOW, NOON_MS)]
        poll = threads.submit(waiter.step)
        wait_until_parked(running)
        commands.end_notice(ME, HERE, SLOW.id)
        poll.result(10)
    assert list(contact.notices) == []


def test_an_answer_to_batches_carries_them_too_as_of_its_own_time(
    running: Running, commands: CollectorCommands, clock: HandClock
) -> None:
    who = running.enrol()
    commands.set_notice(ME, HERE, SLOW)
    running.parts.notices.refresh()
    clock.forward(90_000)
    pen = Pen(who.agent, f"agent:{who.agent}")
    batch = pen.batch([pen.observation(at_ms=clock.wall, mono_ms=clock.mono)])
    body = pen.packed(batch, at_ms=clock.wall, mono_ms=clock.mono)
    with running.client(who.token) as client:
        assert client.post_batches(body).notices == [as_of(SLOW, NOON_MS + 90_000)]


def test_only_the_agents_of_its_centre_are_told(running: Running, commands: CollectorCommands, tmp_path: Path) -> None:
    with running.client(running.enrol("00000-2").token) as client:
        waiter, contact = listener(tmp_path, client)
        waiter.step()
        commands.set_notice(ME, "00000-2", named("a"))
        running.enrol()
        commands.set_notice(ME, HERE, SLOW)
        running.parts.notices.refresh()
        waiter.step()
    assert [one.id for one in contact.notices] == ["a"]


def test_what_is_over_by_its_own_time_is_not_told_any_more(
    running: Running, commands: CollectorCommands, clock: HandClock
) -> None:
    running.enrol()
    commands.set_notice(ME, HERE, Notice("soon", "vi", "en", 0, 0, NOON_MS + 1_000))
    notices = running.parts.notices
    notices.refresh()
    assert [one.id for one in notices.held(HERE)] == ["soon"]
    clock.forward(1_000)
    assert notices.held(HERE) == ()


def test_the_same_id_again_replaces_the_text_and_an_ended_one_may_come_back(
    running: Running, commands: CollectorCommands
) -> None:
    running.enrol()
    notices = running.parts.notices
    for text in ("một", "hai"):
        commands.set_notice(ME, HERE, Notice("a", text, text, 0, 0))
    notices.refresh()
    assert [one.text_vi for one in notices.held(HERE)] == ["hai"]
    commands.end_notice(ME, HERE, "a")
    commands.end_notice(ME, HERE, "a")
    commands.set_notice(ME, HERE, Notice("a", "ba", "three", 0, 0))
    notices.refresh()
    assert [one.text_vi for one in notices.held(HERE)] == ["ba"]
    with running.hub.store.reading() as conn:
        acts = conn.scalars(select(audit.c.action).where(audit.c.action.like("notice%")).order_by(audit.c.id)).all()
    assert acts == ["notice", "notice", "notice_end", "notice"]


@pytest.mark.parametrize(
    ("where", "notice", "error"),
    [
        pytest.param("99999-1", SLOW, NotFound, id="no such centre"),
        pytest.param(HERE, named(""), NotAllowed, id="no id"),
        pytest.param(HERE, named("x" * 121), NotAllowed, id="a long id"),
        pytest.param(HERE, named("a\nb"), NotAllowed, id="a line in the id"),
        pytest.param(HERE, Notice("a", "", "en", 0, 0), NotAllowed, id="no Vietnamese"),
        pytest.param(HERE, Notice("a", "vi", "e" * 1_001, 0, 0), NotAllowed, id="a long text"),
    ],
)
def test_what_is_no_notice_is_refused(
    running: Running, commands: CollectorCommands, where: str, notice: Notice, error: type[Exception]
) -> None:
    running.enrol()
    with pytest.raises(error):
        commands.set_notice(ME, where, notice)


def test_a_centre_shows_so_many_and_no_more(running: Running, commands: CollectorCommands) -> None:
    running.enrol()
    for n in range(MOST):
        commands.set_notice(ME, HERE, named(str(n)))
    with pytest.raises(NotAllowed, match="already"):
        commands.set_notice(ME, HERE, named("more"))
    commands.set_notice(ME, HERE, named("0"))
    commands.end_notice(ME, HERE, "0")
    commands.set_notice(ME, HERE, named("more"))


def test_ended_notices_are_forgotten_after_forty_days(running: Running, commands: CollectorCommands) -> None:
    running.enrol()
    for key in ("stays", "goes"):
        commands.set_notice(ME, HERE, named(key))
    commands.end_notice(ME, HERE, "goes")
    assert running.hub.store.writer.do(lambda conn: sweep(conn, NOON_MS + 39 * DAY_MS)) == 0
    assert running.hub.store.writer.do(lambda conn: sweep(conn, NOON_MS + 41 * DAY_MS)) == 1
