"""One process with its roles: what listens, what repeats, and what the alerts work with."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Final, cast

from motcua.ending import BUSY, Stop, show

if TYPE_CHECKING:  # heavy, or an extra
    import uvicorn

    from alerts.desk import Desk
    from collector.hub import Hub
    from collector.loops import Loop
    from collector.settings import Settings
    from wire.clock import Clock


async def serve(settings: Settings, roles: Sequence[str]) -> None:
    """Until told to stop."""
    from collector import process

    process.log_to_stderr(logging.INFO)
    told = process.told_to_stop()
    async with running(settings, roles) as hub:
        show(f"motcua {version('motcua')} serves {', '.join(roles)}; home {settings.home}, {hub.store.dialect}")
        if "judge" in roles and "history" not in roles:
            show("nothing is kept for charts here: that is for `motcua serve --roles history` beside it")
        await told.wait()


@contextlib.asynccontextmanager
async def running(settings: Settings, roles: Sequence[str], clock: Clock | None = None) -> AsyncIterator[Hub]:
    """A collector that answers, with the loops of its roles, until the block ends. Raises Stop where it cannot.

    `clock`: one that a replay drives; then no loop runs by itself.
    """
    from collector import floor, process
    from collector.loops import run_loops

    with hub_of(settings, clock, roles) as hub:
        hub.roles = tuple(roles)
        servers = [process.server(make(hub), variable) for role, (variable, make) in SOCKETS.items() if role in roles]
        stop = asyncio.Event()
        mine = [] if hub.driven else [loop for loop in every_loop(hub) if loop.role in roles]
        tasks = [asyncio.create_task(run_loops(hub, mine, stop)), *(asyncio.create_task(s.serve()) for s in servers)]
        try:
            await process.all_started(servers, tasks)
            process.settle_memory()
            if "board" in roles:
                process.share_fairly()
            yield hub
        finally:
            stop.set()
            floor.release(hub)
            for server in servers:
                server.should_exit = True
            await asyncio.gather(*tasks)


@contextlib.contextmanager
def hub_of(settings: Settings, clock: Clock | None, roles: Sequence[str]) -> Iterator[Hub]:
    """What the parts of a collector share; the home is this process' meanwhile. Raises Stop where it cannot be."""
    from collector import claims, floor
    from collector.api import CollectorError

    try:
        with claims.home(settings.home, roles), floor.open_hub(settings, clock) as hub:
            yield hub
    except claims.Taken as error:
        raise Stop(str(error), BUSY) from error
    except CollectorError as error:
        raise Stop(str(error)) from error
    except OSError as error:
        raise Stop(f"{settings.home}: {error.strerror}; set MOTCUA_HOME to a folder that can be written") from error


def _agents_server(hub: Hub) -> uvicorn.Config:
    from collector import floor

    return floor.socket(hub)


def _board_server(hub: Hub) -> uvicorn.Config:
    import alerts
    from collector import floor, process
    from dashboards import board_app

    at = desk(hub)
    told = alerts.reader(at), alerts.commands(at)
    app = board_app(floor.reader(hub), floor.commands(hub), simulated=hub.settings.simulated, alerts=told)
    return process.pages(process.courteous(hub.courtesy, cast("process.App", app)), hub.settings.board)


SOCKETS: Final = {"ingest": ("MOTCUA_AGENTS", _agents_server), "board": ("MOTCUA_BOARD", _board_server)}
"""Which role listens, the variable that moves it, and how its server is made."""


def every_loop(hub: Hub) -> list[Loop]:
    """Everything that repeats, of all roles."""
    import alerts
    from collector import floor
    from collector.loops import Loop

    told = (Loop(a.name, "alert", a.step, a.wakes_on, single=True, rest_s=a.rest_s) for a in alerts.loops(desk(hub)))
    return [*floor.loops(hub), *told]


def desk(hub: Hub) -> Desk:
    """What the alerts work with is the collector's."""
    from alerts.desk import Desk
    from collector import floor

    home, registry, keep_ms = hub.settings.home, hub.counters.registry, hub.settings.messages_ms
    return Desk(hub.store, floor.reader(hub), floor.commands(hub), hub.clock, hub.wake, home, registry, keep_ms)


@contextlib.contextmanager
def opened_desk() -> Iterator[Desk]:
    """What a command about incidents works with, beside a running collector."""
    from collector import console

    with console.opened() as hub:
        yield desk(hub)
