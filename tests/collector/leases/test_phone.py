"""A test from a phone: a ticket for a browser, one line at a time, people told why not; nothing reserved in vain."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import func, select

from collector.api import Actor, NotAllowed, NotFound
from collector.commands import CollectorCommands
from collector.hub import Hub
from collector.leases.keeping import Leases
from collector.measure import ticket
from collector.store.lease_tables import lease
from collector.store.tables import audit
from tests.collector.leases.test_keeping import SERVER, Town, with_servers
from tests.support.handclock import HandClock

WHO = Actor("Nguyễn Thị Hoà", "session")
LINE = "line:07375-1/a"


@pytest.fixture
def town(hub: Hub, tmp_path: Path) -> Town:
    return Town(hub, tmp_path / "province")


def test_a_phone_is_given_the_server_s_page_by_a_ticket_of_its_own(town: Town, clock: HandClock) -> None:
    found = CollectorCommands(town.hub).test_from_phone(WHO, LINE)
    head = f"{SERVER.url}/m/"
    assert found.url.startswith(head)
    assert found.url.endswith("/")
    key = ticket.load_key(town.hub.settings.home / ticket.KEY_FILE)
    said = ticket.read(key, found.url[len(head) : -1], now_ms=clock.wall)
    assert (said.kind, said.line, said.max_bytes, said.expires_ms) == (
        "browser", "07375-1/a", found.max_bytes, found.expires_ms,
    )  # fmt: skip
    assert found.expires_ms == clock.wall + 180_000, "a person has to scan the code first"
    with town.hub.store.reading() as conn:
        assert conn.execute(select(audit.c.actor, audit.c.action, audit.c.object)).all()[-1] == (
            WHO.name, "phone_test", LINE,
        )  # fmt: skip


def test_while_a_phone_tests_nobody_else_loads_the_uplink(town: Town) -> None:
    CollectorCommands(town.hub).test_from_phone(WHO, LINE)
    assert town.ask(Leases(town.hub), "07330-1", task="t").lease is None


def test_a_phone_beside_a_test_under_way_is_refused_and_leaves_nothing_behind(town: Town) -> None:
    assert town.ask(Leases(town.hub), "07330-1", task="t").lease is not None
    with pytest.raises(NotAllowed, match="busy"):
        CollectorCommands(town.hub).test_from_phone(WHO, LINE)
    with town.hub.store.reading() as conn:
        assert conn.scalar(select(func.count()).select_from(lease)) == 1


def test_a_line_that_nobody_knows_or_no_plan_tests_is_told_apart(town: Town) -> None:
    commands = CollectorCommands(town.hub)
    with pytest.raises(NotFound):
        commands.test_from_phone(WHO, "line:99999-1/a")
    Leases(with_servers(town.hub, ())).loop().step()
    with pytest.raises(NotAllowed, match="no_server"):
        commands.test_from_phone(WHO, LINE)
