"""RESULTS.md, written by the bench and never by hand: a section a bench, each with when and of what it was measured."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from bench.frame import Report

_HEAD: Final = """# What was measured

Written by `make bench` (`python -m bench`), bar by bar from design §10; do not edit. A bench that is run
alone replaces its own section.

- Medians; in brackets the smallest, the largest and how many runs. Every ratio is of one run, taken in turn.
- A machine that is shared varies by a factor of two within the hour: compare ratios before figures.
"""
_SECTION: Final = re.compile(r"^## (.+)$", re.MULTILINE)


def write(reports: Sequence[Report], path: Path, *, order: Sequence[str], tree: str) -> None:
    """Put these reports in place of their sections; the others stay. `tree` says what was measured: a commit."""
    sections = _kept(path) | {report.name: "\n".join(_lines(report, tree)) for report in reports}
    text = "\n".join([_HEAD, *(sections[name] for name in order if name in sections)])
    path.write_text(text.rstrip() + "\n", "utf-8")


def _kept(path: Path) -> dict[str, str]:
    parts = _SECTION.split(path.read_text("utf-8")) if path.exists() else [""]
    return {name: f"## {name}{text.rstrip()}\n" for name, text in zip(parts[1::2], parts[2::2], strict=True)}


def _lines(report: Report, tree: str) -> Iterator[str]:
    yield f"## {report.name}"
    yield ""
    kind, began = "quick" if report.quick else "full", report.began or "not begun"
    yield f"{kind} run, {began}, of {tree}, {report.seconds:.0f} s; {report.noise or 'noise not known'}"
    if report.machine:
        yield "on " + ", ".join(f"{name} {value}" for name, value in report.machine.items())
    yield ""
    yield "| what | bar | measured | | how |"
    yield "|---|---|---|---|---|"
    for row in report.rows:
        yield "| " + " | ".join(map(_cell, (row.what, row.bar, row.measured, row.met, row.how))) + " |"
    if report.detail:
        yield ""
        yield "<details><summary>numbers behind it</summary>"
        yield ""
        yield from (f"- {name}: {value}" for name, value in sorted(report.detail.items()))
        yield ""
        yield "</details>"
    yield ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
