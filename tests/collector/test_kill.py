"""kill -9 at any moment: what was receipted is there, once."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import func, select

from collector.store.databases import open_store
from collector.store.tables import inbox
from tests.support.collector import Pen
from wire.client import Client, Unreachable, fetch_ca, pinned
from wire.clock import SystemClock

ROOT = Path(__file__).parents[2]
CHILD = """
import sys
from collector.hub import Hub
from collector.settings import Settings
from collector.store.databases import migrate, open_store
from pathlib import Path
from tests.support.collector import serving
from wire.clock import SystemClock
url, home = sys.argv[1], Path(sys.argv[2])
store = open_store(url if "://" in url else Path(url), SystemClock())
migrate(store)
with serving(Hub(store, store.clock, Settings(home=home))) as running:
    who = running.enrol()
    print(running.url, who.agent, who.token, flush=True)
    sys.stdin.read()
"""


@contextmanager
def collector(url: str | Path, home: Path) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    command = [sys.executable, "-c", CHILD, str(url), str(home)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline().split()
    finally:
        process.kill()
        process.wait(20)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def send_until_killed(process: subprocess.Popen[str], words: list[str], after: int) -> list[tuple[str, int]]:
    """Post batches; after so many receipts the collector is killed in the middle of what follows."""
    url, agent, token = words
    clock, receipted = SystemClock(), list[tuple[str, int]]()
    pen = Pen(agent, "lan:00000-1")
    with Client(url, pinned(fetch_ca(url)), token=token, timeout_s=10) as client:
        for number in itertools.count(1):
            wall_ms, mono_ms = clock.wall_ms(), clock.mono_ms()
            batch = pen.batch([pen.observation(at_ms=wall_ms, mono_ms=mono_ms)], number)
            if number == after:
                os.kill(process.pid, signal.SIGKILL)
            try:
                answer = client.post_batches(pen.packed(batch, at_ms=wall_ms, mono_ms=mono_ms))
            except Unreachable:
                return receipted
            receipted.extend((agent, receipt.batch) for receipt in answer.receipts)
    return receipted


# A TLS socket that is reset between connect and handshake is not closed by Python 3.11 itself, but when it is forgotten.
@pytest.mark.filterwarnings("ignore:unclosed <wire.pinning.BoundedSocket:ResourceWarning")
def test_nothing_receipted_is_lost_and_nothing_is_there_twice(store_url: str | Path, tmp_path: Path) -> None:
    home = tmp_path / "keys"
    receipted = list[tuple[str, int]]()
    for after in (5, 40):
        with collector(store_url, home) as (process, words):
            receipted += send_until_killed(process, words, after)
    store = open_store(store_url, SystemClock())
    with store.reading() as conn:
        kept = {tuple(row) for row in conn.execute(select(inbox.c.agent, inbox.c.batch))}
        rows = conn.scalar(select(func.count()).select_from(inbox))
    store.close()
    assert len(receipted) >= 40
    assert set(receipted) <= kept
    assert rows == len(kept) <= len(receipted) + 2
