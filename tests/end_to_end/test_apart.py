"""History in a process of its own, `motcua serve --roles history`, beside the one that receipts and judges."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import closing
from pathlib import Path

from sqlalchemy import func, select

from bench.home import Home, furnish, senders
from bench.load import closed_loop
from bench.process import wait_until
from collector.store.databases import open_store
from collector.store.tables import cursor, inbox, raw, ts_cursor
from wire.clock import SystemClock


def test_two_processes_share_a_home_each_with_what_it_is_for(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    known = furnish(home, 3)
    with contextlib.ExitStack() as stack:
        stack.enter_context(home.running(home.serve("ingest,judge")))
        store = stack.enter_context(closing(open_store(home.settings.store, SystemClock())))

        def last(name: str) -> int:
            with store.reading() as conn, store.reading_ts() as ts:
                own = conn.scalar(select(cursor.c.seq).where(cursor.c.name == name))
                return own or ts.scalar(select(ts_cursor.c.seq).where(ts_cursor.c.name == name)) or 0

        def sent() -> int:
            with store.reading() as conn:
                return conn.scalar(select(func.max(inbox.c.seq))) or 0

        players = senders(known)
        load = closed_loop(home.port, home.tls(), lambda n: players[n].request(), connections=3, seconds=0.5)
        assert asyncio.run(load).good >= 3
        wait_until(lambda: last("judge") >= sent() > 0, what="the judge")
        assert last("history") == 0, "nobody keeps it yet"
        stack.enter_context(home.beside("history"))
        wait_until(lambda: last("history") >= sent(), what="history")
        with store.reading_ts() as ts:
            assert (ts.scalar(select(func.count()).select_from(raw)) or 0) > 0
    said = (home.folder / "log").read_text()
    assert "serves ingest, judge;" in said
    assert "motcua serve --roles history" in said, "what this process leaves to another is said at its start"
    assert "serves history;" in (home.folder / "log-history").read_text()
