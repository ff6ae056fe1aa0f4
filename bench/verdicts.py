"""The score of verdicts on fresh seeds of composed causes: `motcua alerts score`, as people run it."""

from __future__ import annotations

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
    first = int(time.time()) // 86_400 * 1_000  # other seeds every day
    began_s = time.monotonic()
    found = _score(seeds, first)
    spent_s = time.monotonic() - began_s
    how = f"{found.causes} causes of seeds {first} to {first + seeds - 1}; {spent_s:.0f} s"
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


def _score(seeds: int, first: int) -> _Score:
    command = [sys.executable, "-m", "motcua", "alerts", "score", "--json", "--seeds", str(seeds)]
    done = subprocess.run(
        [*command, "--first-seed", str(first)], cwd=ROOT, stdout=subprocess.PIPE, timeout=2 * LONGEST_S, check=False
    )
    try:
        return msgspec.json.decode(done.stdout.splitlines()[-1], type=_Score)
    except (IndexError, msgspec.MsgspecError) as error:
        raise BenchError(
            f"motcua alerts score ended with {done.returncode} and no answer; it says why above"
        ) from error


if __name__ == "__main__":
    main("verdicts", bench, __doc__)
