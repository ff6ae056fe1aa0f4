"""The score of verdicts on fresh seeds of composed causes: `motcua alerts score`, as people run it.

All seeds take the better part of an hour. `python -m bench.verdicts --minutes 4` plays as many as begin within that
time, keeps what they gave (`var/bench/`, by day and source) and says how many are left; the whole bench takes up those.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import Final

import msgspec

from bench.frame import Report, main
from bench.place import ROOT
from bench.process import BenchError

SEEDS: Final = 300
QUICK_SEEDS: Final = 20
RECALL: Final = 0.98
OWNER: Final = 0.95
DETECT_S: Final = 75.0
LONGEST_S: Final = 3_600.0
KEPT: Final = ROOT / "var" / "bench"


class _Times(msgspec.Struct):
    """Of the answer what is judged here."""

    count: int
    median: float | None
    p95: float | None


class _Score(msgspec.Struct):
    seeds: int
    causes: int
    recall: float
    owner_right: float
    messages_per_cause: float
    one_message: float
    detect: _Times
    not_one: list[str]
    disturbed: list[str]
    false: list[str]
    spare: list[str]
    quiet: int


def bench(report: Report) -> None:
    seeds = QUICK_SEEDS if report.quick else SEEDS
    first = _first()
    found = _score(seeds, first)
    how = f"{found.causes} causes of seeds {first} to {first + seeds - 1}"
    report.judge("verdicts: recall", f"≥ {RECALL:.0%}", f"{found.recall:.2%}", holds=found.recall >= RECALL, how=how)
    report.judge(
        "verdicts: right owner", f"≥ {OWNER:.0%}", f"{found.owner_right:.2%}", holds=found.owner_right >= OWNER,
        how=f"incidents without a cause: {len(found.false)}, beside the right one: {len(found.spare)}",
    )  # fmt: skip
    report.judge(
        "verdicts: messages for each cause and audience", "exactly 1", f"{found.messages_per_cause:.3f}",
        holds=not found.not_one and not found.disturbed,
        how=f"exactly one for {found.one_message:.2%}; planned {found.quiet}, called for {len(found.disturbed)}",
    )  # fmt: skip
    p95 = found.detect.p95
    report.judge(
        "verdicts: cut to incident, p95", f"≤ {DETECT_S:.0f} s", "none" if p95 is None else f"{p95:g} s",
        holds=None if p95 is None else p95 <= DETECT_S,
        how=f"median {found.detect.median} s over {found.detect.count} cuts and power cuts; steps of 10 s included",
    )  # fmt: skip
    report.keep({"recall": found.recall, "owner_right": found.owner_right, "one_message": found.one_message})


def _first() -> int:
    """Other seeds every day (UTC), or those from MOTCUA_FIRST_SEED on: whoever mended by some plays others."""
    return int(os.environ.get("MOTCUA_FIRST_SEED") or int(time.time()) // 86_400 * 1_000)


def _command(seeds: int, first: int) -> list[str]:
    KEPT.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "motcua", "alerts", "score", "--json", "--seeds", str(seeds)]
    return [*command, "--first-seed", str(first), "--kept", str(KEPT / f"verdicts-{first}.ndjson")]


def _score(seeds: int, first: int) -> _Score:
    done = subprocess.run(
        _command(seeds, first), cwd=ROOT, stdout=subprocess.PIPE, timeout=2 * LONGEST_S, check=False
    )  # fmt: skip
    try:
        return msgspec.json.decode(done.stdout.splitlines()[-1], type=_Score)
    except (IndexError, msgspec.MsgspecError) as error:
        raise BenchError(
            f"motcua alerts score ended with {done.returncode} and no answer; it says why above"
        ) from error


def _piece(minutes: str) -> int:
    """Play some of the seeds and keep them; what is left is said by the score itself."""
    command = [*_command(SEEDS, _first()), "--minutes", minutes]
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=False).returncode


if __name__ == "__main__":
    if sys.argv[1:2] == ["--minutes"]:
        sys.exit(_piece("".join(sys.argv[2:3])))
    main("verdicts", bench, __doc__)
