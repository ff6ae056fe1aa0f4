"""A line's speed, against iperf3 and speedtest-cli on the same line in the same minutes.

Three network namespaces; the router in the middle holds both directions to a rate (tc tbf) with a known queue. Taken in
turn: iperf3 down and up, our engine, speedtest-cli. What a program costs is what the kernel says of its process
(getrusage, VmHWM), interpreter and imports included; both run their engine alone, without the agent around it.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from agent.probes.bandwidth.probe import Settings
from bench.chain import SERVER, Chain, Queue, chain
from bench.frame import Report, main, say, spread
from bench.place import ROOT, scratch
from bench.process import BenchError, program, wait_until
from collector.measure.ticket import KEY_FILE, issue, load_key
from wire.clock import SystemClock

PORT: Final = 8444
QUEUES_S: Final = {20.0: 0.1, 100.0: 0.05, 300.0: 0.02, 900.0: 0.01}
QUICK: Final = (20.0, 100.0)
WAYS: Final = ("download", "upload")
STEADY: Final = 0.02
NEAR: Final = 0.02
CPU_SHARE, MEMORY_SHARE, BYTES_SHARE, QUEUE_NEAR = 1 / 5, 1 / 8, 1 / 2, 0.1
IPERF_S: Final = 5

LET_THROUGH: Final = 1448 / 1514
"""How much of the rate that tbf lets through is load: of a full frame of Ethernet, what TCP with time stamps carries.
What iperf3 says is no truth to measure errors by where it wanders by 5 % itself, as it does at 100 Mbit/s."""


class Once(msgspec.Struct, frozen=True):
    """Bits a second and seconds of latency under load, by direction; the process's cost. `moved`: bytes both ways."""

    bps: dict[str, float]
    loaded_s: dict[str, float]
    moved: int
    cpu_s: float
    rss_mb: float


@dataclass(frozen=True, slots=True)
class Round:
    """One turn at one rate: iperf3's bit/s each way, and what the two engines found and cost."""

    iperf: dict[str, float]
    ours: Once
    theirs: Once


def run(report: Report) -> None:
    with scratch("line") as home, chain() as made, ExitStack() as stack:
        key = load_key(home / KEY_FILE, make=True)
        _serve(made, home, stack)
        for mbit, queue_s in QUEUES_S.items():
            if report.quick and mbit not in QUICK:
                continue
            queue = made.shape(mbit, queue_s)
            rounds = [_round(made, key, mbit) for _ in range(report.runs)]
            _judge(report, mbit, queue, rounds)


def _serve(made: Chain, home: Path, stack: ExitStack) -> None:
    """The measurement server and iperf3's, in the namespace behind the router."""
    measure = [sys.executable, "-m", "motcua", "collector", "measure", "--listen", f"{SERVER}:{PORT}"]
    key = ["--key-file", str(home / KEY_FILE)]
    commands = {PORT: made.inside(made.server, *measure, *key), 5201: made.inside(made.server, "iperf3", "-s")}
    for port, command in commands.items():
        stack.enter_context(program(command, home / f"{port}.log", cwd=ROOT))
        _await(made, port)


def _await(made: Chain, port: int) -> None:
    asking = made.inside(made.server, "ss", "-Hltn", f"sport = :{port}")
    wait_until(lambda: bool(subprocess.run(asking, capture_output=True, check=True).stdout), what=f"port {port}")


def _round(made: Chain, key: bytes, mbit: float) -> Round:
    iperf = {"download": _iperf(made, "-R"), "upload": _iperf(made)}
    ours, theirs = _once(made, key, "province"), _once(made, key, "speedtest")
    told = [f"{w} {x[w] / 1e6:.2f}" for w in WAYS for x in (iperf, ours.bps, theirs.bps)]
    say(
        f"{mbit:g} Mbit/s by iperf3, us, speedtest-cli: {', '.join(told)}; "
        f"{ours.cpu_s:.2f} and {theirs.cpu_s:.2f} s, {ours.moved / 1e6:.0f} and {theirs.moved / 1e6:.0f} MB"
    )
    return Round(iperf, ours, theirs)


def _iperf(made: Chain, *more: str) -> float:
    """Bits a second that arrived, over IPERF_S behind a second of warm-up; the same sender as ours uses."""
    command = ["iperf3", "-c", SERVER, "-t", str(IPERF_S), "-O", "1", "-P", "4", "-C", "cubic", "-J", *more]
    for _ in range(3):  # its server takes one test at a time, and needs a moment behind the last one
        done = subprocess.run(made.inside(made.centre, *command), capture_output=True, check=False)
        end = json.loads(done.stdout or b"{}").get("end", {})
        if "sum_received" in end:
            return float(end["sum_received"]["bits_per_second"])
        time.sleep(1.0)
    raise BenchError(f"iperf3 gave no figure: {done.stdout[-300:]!r}")


def _once(made: Chain, key: bytes, engine: str) -> Once:
    """One test in a process of its own."""
    expires_ms = SystemClock().wall_ms() + 120_000
    ticket = issue(key, lease=f"{time.monotonic_ns()}", line="00000-1/a", max_bytes=2 * 10**9, expires_ms=expires_ms)
    usual = Settings()
    job = {
        "url": f"http://{SERVER}:{PORT}", "address": SERVER, "ticket": ticket, "streams": usual.streams,
        "max_bytes": 10**9, "min_s": usual.min_s, "max_s": usual.max_s, "precision": usual.precision,
        "enough_s": usual.enough_s, "enough_bytes": usual.enough_bytes,
    }  # fmt: skip
    command = [sys.executable, "-m", "bench.lineonce", engine, json.dumps(job)]
    done = subprocess.run(made.inside(made.centre, *command), capture_output=True, cwd=ROOT, check=False)
    if done.returncode:
        raise BenchError(f"{engine}: {done.stderr.decode(errors='replace')[-800:]}")
    return msgspec.json.decode(done.stdout.splitlines()[-1], type=Once)


def _judge(report: Report, mbit: float, queue: Queue, rounds: list[Round]) -> None:
    how = f"{len(rounds)} rounds taken in turn, plain HTTP, tbf with a queue of {queue.seconds * 1000:.0f} ms"
    for way in WAYS:
        _judge_speed(report, mbit, way, rounds, how)
        loaded = spread([r.ours.loaded_s[way] * 1000 for r in rounds])
        off = loaded.median / 1000 / queue.seconds - 1
        bar = f"within {QUEUE_NEAR:.0%} of tbf's queue, {queue.seconds * 1000:.0f} ms"
        measured, holds = f"{loaded.text(' ms')}: {off:+.1%}", abs(off) <= QUEUE_NEAR
        report.judge(f"{mbit:g} Mbit/s, {way}: latency under load", bar, measured, holds=holds, how=how)
    _judge_cost(report, mbit, rounds, how)
    report.keep({
        f"{mbit:g}_{who}_{name}": round(statistics.median(getattr(getattr(r, who), name) for r in rounds), 4)
        for who in ("ours", "theirs") for name in ("cpu_s", "rss_mb", "moved")
    })  # fmt: skip


def _judge_speed(report: Report, mbit: float, way: str, rounds: list[Round], how: str) -> None:
    theirs, ours = spread([r.iperf[way] / 1e6 for r in rounds]), spread([r.ours.bps[way] / 1e6 for r in rounds])
    wide = (theirs.high - theirs.low) / theirs.median
    off = ours.median / theirs.median - 1
    steady = wide < STEADY
    measured = f"{ours.text(' Mbit/s', 2)} against {theirs.text(' Mbit/s', 2)}: {off:+.2%}"
    bar = f"within {NEAR:.0%}, where iperf3's own spread is < {STEADY:.0%}"
    what = f"{mbit:g} Mbit/s, {way}: speed against iperf3"
    if steady:
        report.judge(what, bar, measured, holds=abs(off) <= NEAR, how=how)
    else:
        report.judge(what, bar, f"iperf3's spread was {wide:.1%}; {measured}", holds=None, how=how)


def _judge_cost(report: Report, mbit: float, rounds: list[Round], how: str) -> None:
    for name, what, unit, share in (
        ("cpu_s", "processor", "s", CPU_SHARE),
        ("rss_mb", "peak memory", "MB", MEMORY_SHARE),
    ):
        ratio, told = _both(rounds, name, unit)
        report.judge(
            f"{mbit:g} Mbit/s: {what} against speedtest-cli's", f"≤ {share:.3g}", told, holds=ratio <= share, how=how
        )
    ratio, told = _both(rounds, "moved", "MB", 1e6)
    errors = {who: _error([getattr(r, who) for r in rounds], 1e6 * mbit * LET_THROUGH) for who in ("ours", "theirs")}
    fair = errors["ours"] <= errors["theirs"] or errors["ours"] <= NEAR
    report.judge(
        f"{mbit:g} Mbit/s: bytes against speedtest-cli's, at no larger error", f"≤ {BYTES_SHARE:g}",
        f"{told}; error {errors['ours']:.2%} against {errors['theirs']:.2%}",
        holds=fair and ratio <= BYTES_SHARE, how=how,
    )  # fmt: skip


def _both(rounds: list[Round], name: str, unit: str, scale: float = 1.0) -> tuple[float, str]:
    """The median of the ratios, and what is told of it."""
    pairs = [(float(getattr(r.ours, name)), float(getattr(r.theirs, name))) for r in rounds]
    ratio = statistics.median(ours / theirs for ours, theirs in pairs)
    ours, theirs = (statistics.median(pair[n] for pair in pairs) / scale for n in (0, 1))
    return ratio, f"{ratio:.3f}: {ours:.2f} against {theirs:.2f} {unit}"


def _error(found: list[Once], truth_bps: float) -> float:
    """The median distance from the truth, over both directions."""
    return statistics.median(abs(one.bps[way] / truth_bps - 1) for one in found for way in WAYS)


if __name__ == "__main__":
    main("line", run, __doc__)
