"""Start the same program again and again, quickly: a parent that has imported everything, and forks at each line.

What runs in the child is the program as it is, from its first file to its last socket; only Python's imports are not
repeated, so that two hundred kills take minutes and not an hour. `python -m bench.spawn collector|agent WORDS...`
"""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.place import ROOT
from bench.process import BenchError, stop

# What the collector imports only as it starts, of its own and of its libraries.
_LATE: Final = (
    "collector.store.migrations", "collector.claims", "alembic.command", "anyio._backends._asyncio", "litestar._kwargs",
    "litestar.plugins.pydantic", "litestar.logging.standard", "psutil", "uvicorn.lifespan.on",
    "uvicorn.protocols.http.httptools_impl",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Spawner:
    """The parent. `start` gives the process id of a new child."""

    parent: subprocess.Popen[str]

    def start(self) -> int:
        assert self.parent.stdin is not None
        assert self.parent.stdout is not None
        self.parent.stdin.write("\n")
        self.parent.stdin.flush()
        answer = self.parent.stdout.readline()
        if not answer:
            raise BenchError("the parent of the programs to kill is gone; see its log")
        return int(answer)


@contextmanager
def spawner(kind: str, words: Sequence[str], log: Path, environment: dict[str, str]) -> Iterator[Spawner]:
    """A parent for `collector` or `agent`; its children end with it where they have not been killed before."""
    command = [sys.executable, "-m", "bench.spawn", kind, *words]
    with log.open("ab") as sink:
        parent = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=sink, text=True, cwd=ROOT,
            env=os.environ | environment,
        )  # fmt: skip
    with parent:  # closes its pipes
        try:
            yield Spawner(parent)
        finally:
            stop(parent)


def kill(pid: int) -> None:
    """kill -9, and wait until it is gone."""
    os.kill(pid, signal.SIGKILL)
    wait_gone(pid)


def wait_gone(pid: int, within_s: float = 20.0) -> None:
    until = time.monotonic() + within_s
    while Path(f"/proc/{pid}").exists():
        if time.monotonic() > until:
            raise BenchError(f"process {pid} does not end")
        time.sleep(0.002)


def main() -> None:
    kind, words = sys.argv[1], sys.argv[2:]
    run = _collector(words) if kind == "collector" else _agent(words)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the dead are not waited for
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for _ in sys.stdin:
        if child := os.fork():
            print(child, file=answers, flush=True)
            continue
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        answers.close()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        run()
        os._exit(0)


def _collector(words: Sequence[str]) -> Callable[[], object]:
    from bench import serve

    for name in _LATE:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    return lambda: serve.main(words)


def _agent(words: Sequence[str]) -> Callable[[], object]:
    from agent import __main__ as agent
    from agent import probes

    for name in probes.PROBES:
        probes.load(name)
    return lambda: agent.main(words)


if __name__ == "__main__":
    main()
