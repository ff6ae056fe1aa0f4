"""The collector changed on purpose, for comparison and for proofs that must be able to fail.

`--echo`            its door replaced by one that reads a body, stores it as one row by the same writer, and answers
`--synchronous X`   the database opened with that in place of FULL
`--checkpoint N`    the write-ahead log carried over after N pages instead of 2,000
"""

from __future__ import annotations

import argparse
import asyncio
import signal
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

from sqlalchemy import Connection, Engine, event

import motcua
from collector import floor
from collector.settings import read_settings
from collector.store import databases as collector_store
from collector.web.app import agent_app

if TYPE_CHECKING:
    from collector.hub import Hub

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

# As long as a receipt, so that both answers cost the same to send.
_ANSWER: Final = b"x" * 200
_TABLE: Final = {
    "sqlite": "CREATE TABLE IF NOT EXISTS echo (id INTEGER PRIMARY KEY AUTOINCREMENT, body BLOB)",
    "postgresql": "CREATE TABLE IF NOT EXISTS echo (id BIGSERIAL PRIMARY KEY, body BYTEA)",
}
_INSERT: Final = {"sqlite": "INSERT INTO echo (body) VALUES (?)", "postgresql": "INSERT INTO echo (body) VALUES (%s)"}


class Echo:
    """POST anything: stored as a row, answered after its COMMIT. Every other request is passed on."""

    def __init__(self, hub: Hub, behind: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        self._writer, self._behind = hub.store.writer, behind
        self._sql = _INSERT[hub.store.dialect]
        self._writer.do(lambda conn: conn.exec_driver_sql(_TABLE[hub.store.dialect]).close())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._behind(scope, receive, send)
            return
        body = await _body(receive)
        await self._writer.run(lambda conn: self._store(conn, body))
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(_ANSWER)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": _ANSWER})

    def _store(self, conn: Connection, body: bytes) -> None:
        conn.connection.cursor().execute(self._sql, (body,))


async def _body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.serve", description=__doc__)
    parser.add_argument("--roles", default="ingest")
    parser.add_argument("--echo", action="store_true")
    parser.add_argument("--synchronous", default="FULL")
    parser.add_argument("--checkpoint", type=int, default=2000)
    chosen = parser.parse_args(words)
    with ExitStack() as changes:
        if chosen.echo:
            changes.enter_context(
                patch.object(floor, "agent_app", lambda hub, reader: Echo(hub, agent_app(hub, reader)))
            )
        if (chosen.synchronous, chosen.checkpoint) != ("FULL", 2000):
            changes.enter_context(_weakened(chosen.synchronous, chosen.checkpoint))
        asyncio.run(_serve(chosen.roles.split(",")))


def _weakened(mode: str, checkpoint: int) -> AbstractContextManager[object]:
    original = collector_store._sqlite  # noqa: SLF001  # a product that could be told to open it so would be a trap

    def opened(path: Path, synchronous: str) -> Engine:
        engine = original(path, mode if synchronous == "FULL" else synchronous)

        @event.listens_for(engine, "connect")
        def _prepare(connection: Any, _entry: object) -> None:
            connection.execute(f"PRAGMA wal_autocheckpoint={checkpoint}").close()

        return engine

    return patch.object(collector_store, "_sqlite", opened)


async def _serve(roles: Sequence[str]) -> None:
    async with motcua.running(read_settings(), roles):
        told = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, told.set)
        await told.wait()


if __name__ == "__main__":
    main()
