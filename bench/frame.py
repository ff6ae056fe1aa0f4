"""What every bar has in common: `--quick`, medians with their spread, and one JSON object as the last line."""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import msgspec

from bench import machine

Met = Literal["met", "not met", "not run"]
Fact = str | int | float | bool | None

RUNS: Final = 5
QUICK_RUNS: Final = 3


@dataclass(frozen=True, slots=True)
class Row:
    """One line of RESULTS.md: what was to be shown, the bar, what was measured, how, and whether it holds."""

    what: str
    bar: str
    measured: str
    met: Met
    how: str


@dataclass(slots=True)
class Report:
    """What one script found. `detail` keeps the numbers behind the rows, flat, by name."""

    name: str
    quick: bool
    rows: list[Row] = field(default_factory=list)
    detail: dict[str, Fact] = field(default_factory=dict)
    seconds: float = 0.0
    began: str = ""
    machine: dict[str, Fact] = field(default_factory=dict)
    noise: str = ""

    @property
    def runs(self) -> int:
        return QUICK_RUNS if self.quick else RUNS

    def judge(self, what: str, bar: str, measured: str, *, holds: bool | None, how: str) -> None:
        """Add a row; `holds` None is a measurement that did not happen, and `measured` says why."""
        met: Met = "not run" if holds is None else "met" if holds else "not met"
        self.rows.append(Row(what, bar, measured, met, how))
        say(f"{met:8} {what}: {measured} (bar: {bar})")

    def keep(self, facts: Mapping[str, Fact]) -> None:
        self.detail |= facts


@dataclass(frozen=True, slots=True)
class Spread:
    """The middle of several runs, and how far they lay apart."""

    median: float
    low: float
    high: float
    runs: int

    def text(self, unit: str = "", digits: int = 1) -> str:
        low, high = f"{self.low:,.{digits}f}", f"{self.high:,.{digits}f}"
        return f"{self.median:,.{digits}f}{unit} ({low} to {high}, {self.runs} runs)"


def spread(values: Sequence[float]) -> Spread:
    return Spread(statistics.median(values), min(values), max(values), len(values))


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` of all do not exceed (nearest rank). Raises ValueError where there is none."""
    if not values:
        raise ValueError("no values: nothing was measured")
    ordered = sorted(values)
    return ordered[max(0, min(len(ordered) - 1, -(-int(share * 1000) * len(ordered) // 1000) - 1))]


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main(name: str, run: Callable[[Report], None], doc: str | None) -> None:
    """Run one bar from the command line. Leaves with 1 where a row is not met, so that CI may look."""
    parser = argparse.ArgumentParser(prog=f"python -m bench.{name}", description=doc)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter runs")
    report = Report(name, parser.parse_args().quick)
    report.began = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    report.machine = machine.describe()
    report.noise = machine.noise()
    began = time.monotonic()
    run(report)
    report.seconds = round(time.monotonic() - began, 1)
    print(msgspec.json.encode(report).decode(), flush=True)
    sys.exit(any(row.met == "not met" for row in report.rows))
