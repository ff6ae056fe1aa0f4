"""How a collector's process lives: its event loop, its memory, its signals, its sockets. Knows of no role."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Final

import uvicorn

from collector import claims
from collector.api import CollectorError
from collector.courtesy import Courtesy
from collector.settings import Address
from collector.web.problems import Receive, Scope, Send

App = Callable[[Scope, Receive, Send], Awaitable[None]]


class EndedEarly(CollectorError):
    """A server ended before it had begun; what it logged says why."""


SWITCH_S: Final = 0.0005
"""How long a thread may hold the interpreter while another waits. The usual 5 ms is paid by a page of the board at
every row it reads, because reading a row lets go of the interpreter and the readers of the inbox take it."""


def run(main: Coroutine[object, object, None]) -> None:
    """Run to the end, on uvloop where it is installed."""
    try:
        from uvloop import new_event_loop
    except ModuleNotFoundError:  # not on every system
        asyncio.run(main)
        return
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(main)


def share_fairly() -> None:
    """For a process that shows pages too: threads take turns sooner, so that a page is not paid for row by row."""
    sys.setswitchinterval(SWITCH_S)


def courteous(courtesy: Courtesy, app: App) -> App:
    """An application for people: while it makes an answer, loops let it go first."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":  # the server's own beginning and end last as long as the process
            await app(scope, receive, send)
            return
        with courtesy.guest():
            await app(scope, receive, send)

    return answer


def log_to_stderr(level: int) -> None:
    """One line an event, with its time."""
    logging.basicConfig(level=level, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s")


def settle_memory() -> None:
    """Spare the garbage collector what lives as long as the process, and have it look less often.

    Every batch makes hundreds of short-lived objects that reference counting frees by itself.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def told_to_stop() -> asyncio.Event:
    """An event that SIGINT or SIGTERM sets, from now on; a second one ends the process at once."""
    told = asyncio.Event()

    def tell() -> None:
        if told.is_set():
            os._exit(1)
        told.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, tell)
    return told


def pages(app: Callable[..., Any], address: Address) -> uvicorn.Config:
    """How pages for people are served."""
    return uvicorn.Config(
        app, host=address.host, port=address.port, log_level="warning", access_log=False, server_header=False,
        lifespan="on", ws="none", timeout_keep_alive=75, timeout_graceful_shutdown=3,
    )  # fmt: skip


def server(config: uvicorn.Config, variable: str) -> uvicorn.Server:
    """A server for a port that is free; `variable` is what moves it. Raises claims.Taken."""
    claims.port(Address(config.host, config.port), variable)
    made = uvicorn.Server(config)
    # Several servers share this process: signals are taken once, by us, and not by each of them.
    made.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
    return made


async def all_started(servers: Sequence[uvicorn.Server], tasks: Sequence[asyncio.Task[None]]) -> None:
    """Return once every server listens. Raises what ended a task, or EndedEarly."""
    while not all(server.started for server in servers):
        if ended := [task for task in tasks if task.done()]:
            ended[0].result()
            raise EndedEarly("a server ended before it had begun; the lines above say why")
        await asyncio.sleep(0.02)
