"""RESULTS.md, written by the bench and never by hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.frame import Report

_NOTES = (
    "Medians; in brackets the smallest, the largest and how many runs. Every ratio is of one run, taken in turn.",
    "A machine that is shared varies by a third from run to run: compare ratios before figures.",
)


def write(reports: Sequence[Report], path: Path) -> None:
    path.write_text("\n".join(_lines(reports)) + "\n", "utf-8")


def _lines(reports: Sequence[Report]) -> Iterator[str]:
    yield "# What was measured"
    yield ""
    yield "Written by `make bench` (`python -m bench`), bar by bar from design §10; do not edit."
    yield ""
    yield from (f"- {note}" for note in (*_NOTES, *_machine(reports)))
    for report in reports:
        yield ""
        yield f"## {report.name}"
        yield ""
        kind = "quick" if report.quick else "full"
        yield f"{kind} run, {report.began or 'not begun'}, {report.seconds:.0f} s; {report.noise or 'noise not known'}"
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


def _machine(reports: Sequence[Report]) -> Iterator[str]:
    facts = next((report.machine for report in reports if report.machine), {})
    if facts:
        yield "Machine: " + ", ".join(f"{name} {value}" for name, value in facts.items())
    quality = [f"{r.machine['fsync_p50_ms']}/{r.machine['fsync_p99_ms']}" for r in reports if r.machine]
    yield f"fsync of 4 KiB before each bench, p50/p99 in ms: {', '.join(quality)}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
