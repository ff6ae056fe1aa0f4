"""`python -m bench [--quick] [NAME ...]`: every bar or some, one after the other; their sections of bench/RESULTS.md.

A bench that could not be run leaves a line that says so. Bars of later issues are not listed until they are measured.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Final

import msgspec

from bench.frame import Report, Row, say
from bench.place import ROOT
from bench.results import write

BENCHES: Final = (
    "ingest", "durability", "history", "board", "judged", "flipping", "backlog", "up", "agent_mix", "import_province",
    "simulate", "line", "leases", "loss", "cut", "verdicts", "replay",
)  # fmt: skip
LONGEST_S: Final = 4_500  # three days of backlog are read within 25 minutes, or given up after twice that


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter runs")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of {', '.join(BENCHES)}; default: all")
    chosen = parser.parse_args()
    if unknown := set(chosen.names) - set(BENCHES):
        parser.error(f"there is no bench {', '.join(sorted(unknown))}")
    subprocess.run(
        ["sh", str(ROOT / "tests/packages.sh"), str(ROOT / "bench/packages.txt")], check=False
    )  # it says what is missing
    reports = [_run(name, quick=chosen.quick) for name in chosen.names or BENCHES]
    write(reports, ROOT / "bench" / "RESULTS.md", order=BENCHES, tree=_tree())
    return int(any(row.met != "met" for report in reports for row in report.rows))


def _tree() -> str:
    """The commit that was measured, and whether anything was changed on top of it."""
    git = ("git", "-C", str(ROOT))
    head = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    changed = subprocess.run([*git, "status", "--porcelain", "-uno"], capture_output=True, text=True, check=False)
    if head.returncode:
        return "a tree without history"
    other = [line for line in changed.stdout.splitlines() if not line.endswith("bench/RESULTS.md")]
    return f"commit {head.stdout.strip()}" + (" with changes" if other else "")


def _run(name: str, *, quick: bool) -> Report:
    """One bench in a process of its own."""
    say(f"--- {name}")
    began = time.monotonic()
    command: Sequence[str] = [sys.executable, "-m", f"bench.{name}", *(["--quick"] if quick else [])]
    try:
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, timeout=LONGEST_S, check=False)
        return msgspec.json.decode(done.stdout.splitlines()[-1], type=Report)
    except (subprocess.TimeoutExpired, IndexError, msgspec.MsgspecError) as error:
        say(f"{name} was not run to its end: {error!r}")
        failed = Report(name, quick, seconds=round(time.monotonic() - began, 1))
        failed.rows.append(Row(name, "", "the bench itself failed; its output says why", "not run", ""))
        return failed


if __name__ == "__main__":
    sys.exit(main())
