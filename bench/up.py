"""`make up` from a fresh clone in an empty folder: until the board shows the first measured state.

The clone is of what is committed. The packages are fetched outside; the suite itself runs in a network namespace whose
default gateway is a cable to this machine, so that nothing it measures lies further away. A download is as fast as the
network of the day: the packages' time is told apart.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from bench.frame import Report, main, say, spread
from bench.peer import Peer, neighbour, run
from bench.place import ROOT, scratch
from bench.process import BenchError, stop

CENTRE: Final = "00000-1"
UP_S: Final = 20.0
WITH_PACKAGES_S: Final = 180.0
BOARD: Final = "http://127.0.0.1:8080"  # its own namespace, so that the default port is free


def bench(report: Report) -> None:
    with ExitStack() as stack:
        folder = stack.enter_context(scratch("up"))
        clone = folder / "motcua"
        _sh("git", "clone", "--quiet", str(ROOT), str(clone))
        packages_s = _time_of(lambda: _sh("make", ".venv/run", cwd=clone))
        say(f"packages installed in {packages_s:.1f} s")
        report.keep({"packages_s": round(packages_s, 1), "commit": _sh("git", "rev-parse", "HEAD", cwd=clone).strip()})
        peer = stack.enter_context(neighbour())
        run("ip", "-n", peer.inside, "route", "add", "default", "via", peer.here)
        times, again = [], []
        for _ in range(report.runs):
            shutil.rmtree(clone / "var", ignore_errors=True)
            times.append(_up(clone, peer, folder / "up.log"))
            again.append(_up(clone, peer, folder / "up.log"))
    first, second = spread(times), spread(again)
    report.judge(
        "make up, packages there: until the board shows a measured state", f"≤ {UP_S:.0f} s",
        f"{first.text(' s')}; a second make up {second.median:.1f} s", holds=first.high <= UP_S,
        how="fresh clone, empty home, own network namespace; the slowest run counts",
    )  # fmt: skip
    total = packages_s + first.median
    report.judge(
        "make up with its packages", f"≤ {WITH_PACKAGES_S / 60:.0f} min",
        f"{total:.0f} s, {packages_s:.0f} s of them packages", holds=total <= WITH_PACKAGES_S,
        how=f"pip with {_cache()}",
    )  # fmt: skip


def _up(clone: Path, peer: Peer, log: Path) -> float:
    """Seconds from `make up` until its board shows a state; ended with Ctrl-C. Raises BenchError."""
    inside = ["ip", "netns", "exec", peer.inside]
    began = time.monotonic()
    with log.open("ab") as sink:
        process = subprocess.Popen(
            [*inside, "make", "up"], cwd=clone, stdout=sink, stderr=sink, stdin=subprocess.DEVNULL, process_group=0
        )  # fmt: skip
    try:
        watching = [*inside, sys.executable, str(ROOT / "bench" / "watch_board.py"), BOARD, CENTRE, "60"]
        done = subprocess.run(watching, capture_output=True, text=True, check=False)
        spent = time.monotonic() - began
        if done.returncode:
            tail = log.read_text("utf-8", "replace")[-3000:]
            raise BenchError(f"the board showed no measured state within 60 s:\n{tail}")
        say(f"make up: {done.stdout.strip()} after {spent:.1f} s")
    finally:
        _interrupt(process)
    return spent


def _interrupt(process: subprocess.Popen[bytes]) -> None:
    """Ctrl-C, as a terminal says it: to the whole group. Raises BenchError where it does not end cleanly."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            stop(process)
            raise BenchError("Ctrl-C did not end `make up` within 15 s") from None


def _time_of(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def _sh(*command: str, cwd: Path | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchError(f"{' '.join(command)}: {done.stderr[-2000:]}")
    return done.stdout


def _cache() -> str:
    there = Path(os.environ.get("PIP_CACHE_DIR", Path.home() / ".cache" / "pip")).is_dir()
    return "a warm cache" if there else "an empty cache"


if __name__ == "__main__":
    main("up", bench, __doc__)
