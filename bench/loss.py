"""Loss as it is told against loss as it was: intervals that hold the truth, and lines that are called lossy.

A cable between two network namespaces drops 0, 0.5, 1 and 5 % of what arrives, by nft's `numgen random`; nft counts
what it saw and dropped. Trains of the probe `reach` (5 echo requests), pooled to windows as the judge pools them, and
trains of the probe `quality` (UDP to a reflector, 125 packets of each class).
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import Final

from agent.probes.trains import loss as interval
from bench.frame import Report, main
from bench.process import BenchError
from collector.judge.facts import Fact
from collector.judge.trains import loss as symptom
from collector.judge.windows import Window
from collector.judging.policy import parse_policy, read_policy_file
from tests.support.losing import (
    ECHO,
    QUESTIONS,
    Found,
    Truth,
    conference_trains,
    counted,
    echo_trains,
    lose,
    lossy,
    neighbours,
)
from tests.support.netns import Wire

RATES: Final = (0.0, 0.005, 0.01, 0.05)
TRAINS: Final = 200
WINDOWS: Final = 200
BAR: Final = 0.93
RUNS: Final = -(-TRAINS // 3)
FULL_WINDOW: Final = 90  # a quarter of an hour of trains every ten seconds


def bench(report: Report) -> None:
    if os.geteuid():
        raise BenchError("network namespaces need root")
    with lossy() as wire:
        for rate in RATES:
            _conference(report, wire, rate)
        for rate in RATES:
            _echoes(report, wire, rate)
        _reflector(report, wire)


def _conference(report: Report, wire: Wire, rate: float) -> None:
    lose(wire, QUESTIONS, rate)
    trains = conference_trains(wire, RUNS)
    truth = counted(wire)
    _judge(report, f"UDP trains of 125 packets, {rate:.1%} lost", trains, truth, rate)


def _echoes(report: Report, wire: Wire, rate: float) -> None:
    in_window = 25 if report.quick else FULL_WINDOW
    lose(wire, ECHO, rate)
    trains = echo_trains(wire, WINDOWS * in_window)
    truth = counted(wire)
    _judge(report, f"echo trains of 5 packets, {rate:.1%} lost", trains, truth, rate)
    windows = [trains[n : n + in_window] for n in range(0, len(trains), in_window)]
    pooled = [_pooled(some) for some in windows]
    _judge(report, f"windows of {in_window} echo trains, {rate:.1%} lost", pooled, truth, rate)
    _lossy(report, windows, rate)
    pairs, both = neighbours(trains)
    if rate:
        report.keep({f"echo_{rate:.3f}_neighbours_both_lost": both})
        report.keep({f"echo_{rate:.3f}_neighbours_both_lost_if_independent": round(pairs * rate * rate, 1)})


def _judge(report: Report, what: str, trains: Sequence[Found], truth: Truth, rate: float) -> None:
    """Coverage of the rate that was set, and every packet accounted for by nft's counters."""
    covered = sum(one.holds(rate) for one in trains) / len(trains)
    sent, lost = sum(one.sent for one in trains), sum(one.lost for one in trains)
    true = interval(truth.seen, truth.seen - truth.dropped)
    report.judge(
        what, f"interval holds it ≥ {BAR:.0%}", f"{covered:.1%} of {len(trains):,}", holds=covered >= BAR,
        how=f"{sent:,} packets, {lost:,} told lost, {truth.dropped:,} dropped by nft of {truth.seen:,} it saw "
        f"({true.low:.3%} to {true.high:.3%} at 95 %)",
    )  # fmt: skip
    if (sent, lost) != (truth.seen, truth.dropped):
        report.keep({f"{what}: told lost and not dropped by nft": lost - truth.dropped})


def _lossy(report: Report, windows: Sequence[Sequence[Found]], rate: float) -> None:
    """What the judge of lines makes of each window, by the policy that comes with the suite."""
    rules = parse_policy(*read_policy_file(None)).line
    called = wrong = 0
    for some in windows:
        found, pooled = symptom([_window(some)], rules.loss), _pooled(some)
        sure = found is not None and found.sure
        called += sure
        wrong += sure is not (pooled.low > rules.loss)
    well = rate <= rules.loss
    report.judge(
        f"a line that loses {rate:.1%} is called lossy (limit {rules.loss:.0%})",
        "never" if well else "only by its lower bound",
        f"{called} of {len(windows)} windows, {wrong} of them against their lower bound",
        holds=wrong == 0 and (called == 0 or not well), how="the windows above, judged as the judge of lines does",
    )  # fmt: skip


def _reflector(report: Report, wire: Wire) -> None:
    """What a run costs this machine: agent and reflector together, which share a process here."""
    wire.peer.filter_input()
    began, spent = time.monotonic(), time.process_time()
    runs = 5 if report.quick else 20
    conference_trains(wire, runs, at_once=1)
    seconds, cpu = time.monotonic() - began, time.process_time() - spent
    packets = runs * 3 * 125
    report.keep({
        "quality_cpu_us_a_packet_there_and_back": round(1e6 * cpu / packets, 1),
        "quality_seconds_a_run_fast": round(seconds / runs, 2),
    })  # fmt: skip


def _pooled(some: Sequence[Found]) -> Found:
    sent, lost = sum(one.sent for one in some), sum(one.lost for one in some)
    found = interval(sent, sent - lost)
    return Found(sent, lost, found.low, found.high)


def _window(some: Sequence[Found]) -> Window:
    window = Window()
    for n, one in enumerate(some):
        window.add(Fact(
            n * 10_000, "line:00000-1/a", "agent", "reach", "collector", "ok", None, 10_000, "b", n, one.sent,
            one.sent - one.lost, 0.01,
        ))  # fmt: skip
    return window


if __name__ == "__main__":
    main("loss", bench, __doc__)
