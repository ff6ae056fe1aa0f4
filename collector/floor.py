"""What this floor offers the roof: a hub, its socket, its loops, its two doors, and the first words for newcomers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from collector import commands as acts
from collector.api import Commands, Reader
from collector.history.keeping import History
from collector.history.rollups import Rollups
from collector.hub import Hub
from collector.judging.lines import LineFindings
from collector.judging.loop import Judge
from collector.loops import Loop
from collector.neighbours import Neighbours
from collector.reading.reader import HubReader
from collector.reflector.announcing import announce
from collector.settings import Settings
from collector.store.databases import migrate, open_store
from collector.web.app import Parts, agent_app
from collector.web.serving import agents_config
from wire.clock import Clock, SystemClock
from wire.messages import Role

if TYPE_CHECKING:
    from uvicorn import Config


@contextlib.contextmanager
def open_hub(settings: Settings, clock: Clock | None = None) -> Iterator[Hub]:
    """Everything the parts of a collector share, its database in the newest form. Raises CollectorError.

    `clock`: one that a replay drives, instead of the machine's own.
    """
    store = open_store(settings.store, clock or SystemClock())
    with contextlib.closing(store):
        migrate(store)
        hub = Hub(store, store.clock, settings)
        hub.driven = clock is not None
        announce(hub)
        with _relaying(hub):
            yield hub


def _relaying(hub: Hub) -> contextlib.AbstractContextManager[object]:
    if hub.store.dialect != "postgresql":
        return Neighbours(hub)
    from collector.relay import Relay  # needs psycopg, an extra

    return Relay(hub)


def socket(hub: Hub) -> Config:
    """How the agents' socket is served, ready for a uvicorn server."""
    return agents_config(hub, agent_app(hub, reader(hub)))


def loops(hub: Hub) -> list[Loop]:
    """Everything that repeats, each with the role it belongs to."""
    judging = (Judge(hub), History(hub), Rollups(hub), LineFindings(hub))
    return [*Parts.of(hub).loops(), *(one.loop() for one in judging)]


def release(hub: Hub) -> None:
    """Answer every poll that is parked, so that the socket can close at once."""
    Parts.of(hub).waiting.release()


def reader(hub: Hub) -> Reader:
    return HubReader(hub)


def commands(hub: Hub) -> Commands:
    return acts.CollectorCommands(hub)


def join_code(hub: Hub, *, centre: str, role: Role, name_vi: str, name_en: str) -> str:
    """A one-time join code; the centre is made where there is none of that key."""
    return acts.create_join_code(hub, centre, role, name_vi=name_vi, name_en=name_en)


def login_link(hub: Hub, *, name: str) -> str:
    """The last part of a one-time login link for the board."""
    return acts.create_login_link(hub, name)


async def first_figures(hub: Hub) -> float:
    """Wait until something measured from now on was judged; seconds that took."""
    began_ms, asked = hub.clock.wall_ms(), reader(hub)
    while not any((s.as_of_ms or 0) > began_ms for s in (await asyncio.to_thread(asked.standings)).values()):
        await asyncio.sleep(0.25)
    return (hub.clock.wall_ms() - began_ms) / 1000
