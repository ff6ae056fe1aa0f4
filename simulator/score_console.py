"""How a score is shown: a bar on the way, a table in the end, and one trial cause by cause."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone
from typing import Final

from simulator.console import show
from simulator.figures import OWNER_RIGHT, RECALL, Figures, Times
from simulator.scoring import Row, Scored, Seen
from simulator.trials import Told

LISTED: Final = 12
_VIETNAM: Final = timezone(timedelta(hours=7))


@contextlib.contextmanager
def bar(total: int) -> Iterator[Told]:
    """A progress bar on a terminal, a line for each tenth elsewhere."""
    parts: dict[int, float] = {}
    over = 0

    def so_far(worker: int, part: float) -> float:
        nonlocal over
        parts[worker] = 0.0 if part >= 1.0 else part
        over += part >= 1.0
        return min(float(total), over + sum(parts.values()))

    if not sys.stderr.isatty():
        tenth = 0

        def tell(worker: int, part: float) -> None:
            nonlocal tenth
            done = so_far(worker, part)
            if int(10 * done / total) > tenth:
                tenth = int(10 * done / total)
                sys.stderr.write(f"  played        {done:.1f} of {total} trials\n")

        yield tell
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (TextColumn("  {task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("trials", total=total)
        yield lambda worker, part: bars.update(task, completed=so_far(worker, part))


def table(f: Figures) -> None:
    """The score for people."""
    show(f"\n  {'kind':<14}{'causes':>8}{'found':>8}{'owner':>8}{'one call':>10}")
    for kind, row in f.kinds.items():
        show(f"  {kind:<14}{row.causes:>8}{row.found:>8}{row.right:>8}{row.one_message:>10}")
    show(f"\n  {f.causes} causes in {f.seeds} trials, {f.spent_s:.0f} s")
    show(f"  recall              {f.recall:7.2%}   at least {RECALL:.0%}")
    show(f"  right owner         {f.owner_right:7.2%}   at least {OWNER_RIGHT:.0%}")
    show(f"  messages per cause  {f.messages_per_cause:7.3f}   exactly one to each audience for {f.one_message:.2%}")
    show(f"  to the incident     {_times(f.detect)} of what is seen at once; {_times(f.detect_slow)} of the others")
    show(f"  planned             {f.quiet}, somebody called for {len(f.disturbed)}")
    for what, found in (
        ("missed", f.missed), ("owner wrong", f.wrong_owner), ("not one call", f.not_one),
        ("called though planned", f.disturbed), ("known afterwards only", f.afterwards),
        ("no cause", f.false), ("beside the right one", f.spare),
    ):  # fmt: skip
        if found:
            show(f"\n  {what}: {len(found)}")
            for text in found[:LISTED]:
                show(f"    {text}")
            if len(found) > LISTED:
                show(f"    and {len(found) - LISTED} more")


def _times(times: Times) -> str:
    return "none" if times.median is None else f"{times.median:g} s, p95 {times.p95:g} s"


def trials(found: Sequence[Scored]) -> None:
    """Every cause of a trial with its incidents and messages."""
    for trial in found:
        show(f"\nSeed {trial.seed}")
        for row in trial.rows:
            _cause(row, trial)
        for one in trial.incidents:
            if one.number in trial.false:
                show("  no cause explains:")
                _incident(one)


def _cause(row: Row, trial: Scored) -> None:
    state = "planned" if row.planned else "hidden" if not row.due else "found" if row.found else "MISSED"
    late = "" if row.detect_s is None else f", after {row.detect_s:.0f} s"
    right = "" if not row.found else f", {row.owner}" if row.right else f", {row.owner} NOT {'/'.join(row.owners)}"
    show(f"  {row.cause} {row.kind} {' '.join(row.touches)}  {_at(row.from_ms)}–{_at(row.to_ms)}  {state}{right}{late}")
    if row.due and row.found and any(count != 1 for count in row.told):
        show(f"    calls NOT ONE EACH: {dict(row.calls) or 'nobody'}")
    for one in trial.incidents:
        if one.number in row.incidents:
            _incident(one)


def _incident(one: Seen) -> None:
    ended = "…" if one.ended_ms is None else _at(one.ended_ms)
    show(
        f"    #{one.number} {one.cause} ({one.owner}, by {one.rule}) {_at(one.since_ms)}–{ended}, "
        f"opened {_at(one.opened_ms)}, revised {one.revisions}"
    )
    show(f"       {' '.join(one.subjects)}")
    show("       " + ", ".join(f"{_at(at)} {what}{f' ({owner})' * bool(owner)}" for at, what, owner in one.story))
    for at_ms, kind, audience in one.messages:
        show(f"       {_at(at_ms)} {kind} {audience}")


def _at(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, _VIETNAM).strftime("%H:%M:%S")
