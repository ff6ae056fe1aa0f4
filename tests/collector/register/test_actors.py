"""People: links that work once, sessions that end, and an audit of all of it."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from collector.api import Actor, NotAllowed
from collector.commands import CollectorCommands, create_login_link
from collector.hub import Hub
from collector.register import actors
from collector.store import tables
from collector.store.databases import Store
from tests.support.handclock import HandClock


def actor(store: Store, cookie: str, now_ms: int) -> Actor | None:
    with store.reading() as conn:
        return actors.actor_of(conn, cookie, now_ms)


def test_a_link_opens_one_session(hub: Hub, clock: HandClock) -> None:
    commands, link = CollectorCommands(hub), create_login_link(hub, "Lan")
    cookie = commands.open_session(link)
    found = actor(hub.store, cookie, clock.wall)
    assert found is not None
    assert (found.name, found.via, len(found.csrf) > 20) == ("Lan", "session", True)
    assert found.csrf not in repr(found)
    with pytest.raises(NotAllowed, match="used already"):
        commands.open_session(link)


def test_a_link_nobody_made_opens_nothing(hub: Hub) -> None:
    with pytest.raises(NotAllowed):
        CollectorCommands(hub).open_session("")


def test_a_link_grows_too_old(hub: Hub, clock: HandClock) -> None:
    link = create_login_link(hub, "Lan")
    clock.forward(actors.LINK_MS)
    with pytest.raises(NotAllowed, match="too old"):
        CollectorCommands(hub).open_session(link)


def test_a_session_ends_by_closing_and_by_itself(hub: Hub, clock: HandClock) -> None:
    commands = CollectorCommands(hub)
    first, second = (commands.open_session(create_login_link(hub, "Lan")) for _ in range(2))
    commands.close_session(first)
    commands.close_session(first)
    assert actor(hub.store, first, clock.wall) is None
    assert actor(hub.store, second, clock.wall + actors.SESSION_MS - 1) is not None
    assert actor(hub.store, second, clock.wall + actors.SESSION_MS) is None


def test_only_hashes_are_kept_and_every_act_has_its_row(hub: Hub) -> None:
    commands, link = CollectorCommands(hub), create_login_link(hub, "Lan")
    cookie = commands.open_session(link)
    commands.close_session(cookie)
    with hub.store.reading() as conn:
        kept = str([conn.execute(select(t)).all() for t in (tables.login, tables.session, tables.audit)])
        acts = list(conn.scalars(select(tables.audit.c.action).order_by(tables.audit.c.id)))
    assert link not in kept
    assert cookie not in kept
    assert acts == ["login_link", "session_open", "session_close"]
