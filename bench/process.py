"""Programs started for a bench, and ended with it: each by its own process id, never by a name."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

STOP_S = 10.0


class BenchError(Exception):
    """A bench that cannot be run here, or a program of it that died."""


@contextmanager
def program(
    command: Sequence[str],
    log: Path,
    *,
    core: int | None = None,
    cwd: Path | None = None,
    env: dict[str, str] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run `command` until the block is left; what it says goes to `log`. `core` pins it from its first instant."""
    with log.open("ab") as sink:
        process = subprocess.Popen(
            [*pinned(core), *command], stdout=sink, stderr=sink, stdin=subprocess.DEVNULL, cwd=cwd,
            env=os.environ | (env or {}),
        )  # fmt: skip
    try:
        yield process
    finally:
        stop(process)


def pinned(core: int | None) -> list[str]:
    return [] if core is None else ["taskset", "-c", str(core)]


def stop(process: subprocess.Popen[bytes] | subprocess.Popen[str]) -> None:
    """Ask it to end, and after STOP_S make it."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def must_live(name: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Raise BenchError with the end of its log where it is dead."""
    if process.poll() is not None:
        tail = log.read_text("utf-8", "replace")[-2000:]
        raise BenchError(f"{name} ended with {process.returncode}:\n{tail}")


def wait_until(ready: Callable[[], bool], *, what: str, within_s: float = 30.0, every_s: float = 0.05) -> float:
    """Seconds until `ready`. Raises BenchError after `within_s`."""
    began = time.monotonic()
    while not ready():
        if time.monotonic() - began > within_s:
            raise BenchError(f"{what}: not within {within_s:.0f} s")
        time.sleep(every_s)
    return time.monotonic() - began


def listening(port: int, host: str = "127.0.0.1") -> bool:
    with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=0.5):
        return True
    return False


def free_port() -> int:
    """A port nobody listens on, below the range of outgoing connections (and of what Zabbix accepts)."""
    for port in random.sample(range(20_000, 30_000), 50):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
    raise BenchError("no free port between 20000 and 30000")
