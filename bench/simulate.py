"""A simulated province on one machine: alive in a minute, what 99 live agents cost, how fast a history is receipted.

Agents, collector and board are one process here, so the cost is that of all of them together; agents speak over TLS.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from bench import meter
from bench.frame import Report, main, spread
from bench.place import ROOT, scratch
from bench.process import BenchError, free_port, program, stop, wait_until

ALIVE_S: Final = 60.0
ALIVE: Final = re.compile(r"(\d+) of (\d+) centres are judged by what came over TLS, after (\d+) s")
WATCHED_S: Final = 60.0
PER_S: Final = re.compile(r"([\d,]+) observations a second")


def bench(report: Report) -> None:
    with scratch("simulate") as folder:
        alive, cores, memory = [], [], []
        for n in range(1 if report.quick else 3):
            seconds, core, rss = _live(folder / f"live{n}", folder / "live.log")
            alive.append(seconds)
            cores.append(100 * core)
            memory.append(rss)
        rate, count = _history(folder / "history", folder / "history.log", days=0.05 if report.quick else 0.25)
    first = spread(alive)
    report.judge(
        "motcua simulate: until all 99 centres are judged", f"≤ {ALIVE_S:.0f} s", first.text(" s"),
        holds=first.high <= ALIVE_S,
        how=f"empty home, with import and enrolment; the slowest counts. Then {spread(cores).text(' % of a core')} and "
        f"{max(memory):.0f} MB for 99 live agents, collector and board in one process, {WATCHED_S:.0f} s of a calm day",
    )  # fmt: skip
    report.judge(
        "backfill of 99 centres", "all receipted, none rejected",
        f"{count['accepted']:,} of {count['observations']:,} accepted, {rate:,.0f} a second",
        holds=count["accepted"] == count["observations"] and not count["rejected"],
        how=f"{count['batches']:,} batches over TLS; agents and collector share one process",
    )  # fmt: skip
    report.keep({"core_percent": spread(cores).median, "memory_mb": max(memory), "backfill_per_s": rate})


def _live(home: Path, log: Path) -> tuple[float, float, float]:
    """Seconds until all is alive, share of a core, memory in MB. Raises BenchError."""
    log.unlink(missing_ok=True)
    with program([*_command(), "--scenario", "calm"], log, cwd=ROOT, env=_environment(home)) as process:
        wait_until(lambda: ALIVE.search(log.read_text("utf-8")) is not None, what="alive", within_s=150)
        found = ALIVE.search(log.read_text("utf-8"))
        if found is None or found[1] != found[2]:
            raise BenchError(f"not all centres were judged:\n{log.read_text('utf-8')}")
        began, spent = time.monotonic(), meter.cpu_s(process.pid)
        time.sleep(WATCHED_S)
        core = (meter.cpu_s(process.pid) - spent) / (time.monotonic() - began)
        memory = meter.memory_mb(process.pid)
        process.send_signal(signal.SIGINT)
        process.wait(20)
        stop(process)
    return float(found[3]), core, memory


def _history(home: Path, log: Path, *, days: float) -> tuple[float, dict[str, int]]:
    """Observations a second, and the closing count. Raises BenchError."""
    command = [*_command(), "--backfill", str(days), "--only", "--scenario", "storm"]
    with log.open("wb") as sink:
        done = subprocess.run(command, cwd=ROOT, env=_environment(home), stdout=sink, stderr=sink, check=False)
    text = log.read_text("utf-8")
    rate = PER_S.search(text)
    if done.returncode or rate is None:
        raise BenchError(f"the history was not sent to its end:\n{text[-2000:]}")
    words = re.findall(r"(\d[\d,]*) (\w+)", text.splitlines()[-1])
    return float(rate[1].replace(",", "")), {name: int(number.replace(",", "")) for number, name in words}


def _command() -> list[str]:
    return [sys.executable, "-u", "-m", "motcua", "simulate"]


def _environment(home: Path) -> dict[str, str]:
    moved = {"MOTCUA_HOME": str(home), "MOTCUA_AGENTS": f"127.0.0.1:{free_port()}"}
    return dict(os.environ) | moved | {"MOTCUA_BOARD": f"127.0.0.1:{free_port()}"}


if __name__ == "__main__":
    main("simulate", bench, __doc__)
