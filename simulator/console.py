"""What a simulation says on the way: lines, a progress bar on a terminal, and the closing count."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Final

from simulator.agent import Counts
from simulator.stage import Progress
from simulator.verdict import Closing

LISTED: Final = 4


def step(what: str, text: str) -> None:
    """One line of what happened."""
    show(f"  {what:<14}{text}")


def show(text: str) -> None:
    """A line for the person who watches."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


@contextlib.contextmanager
def bar() -> Iterator[Progress]:
    """A progress bar on a terminal, a line for each tenth elsewhere."""
    if not sys.stderr.isatty():
        yield _tenths()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("  {task.description:<12}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks = {}

        def progress(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield progress


def _tenths() -> Progress:
    told: dict[str, int] = {}

    def progress(stage: str, done: int, total: int) -> None:
        tenth = 10 * done // max(1, total)
        if tenth > told.get(stage, 0) and total > 1_000:
            sys.stderr.write(f"  {stage:<14}{done:,} of {total:,}\n")
            sys.stderr.flush()
        told[stage] = tenth

    return progress


def closing(counts: Counts, agents: int, causes: int, waiting: int) -> dict[str, int]:
    """The closing count."""
    return {
        "agents": agents, "observations": counts.observations, "batches": counts.batches, "causes": causes,
        "receipted": counts.receipted, "accepted": counts.accepted, "rejected": counts.rejected, "waiting": waiting,
    }  # fmt: skip


def told(count: dict[str, int]) -> str:
    """The closing count in a line."""
    return ", ".join(f"{number:,} {name}" for name, number in count.items())


def document(count: dict[str, int], closing: Closing | None) -> None:
    """The end, for machines."""
    end: dict[str, object] = {"count": count}
    if closing is not None:
        end |= asdict(closing) | {"expected": closing.expected, "found": closing.found}
    show(json.dumps(end, ensure_ascii=False))


def table(closing: Closing) -> None:
    """What was judged against the truth, a line for each cause."""
    width = max([5, *(len(row.cause) for row in closing.rows)])
    show(f"\n  {'cause':<{width}}  {'kind':<14}{'owner':<9}{'found':>12}  {'after':>8}")
    for row in closing.rows:
        late = "–" if row.late_s is None else f"{row.late_s:g} s"
        of = f"{row.found} of {row.expected}" if row.expected else "not due"
        show(f"  {row.cause:<{width}}  {row.kind:<14}{row.owner:<9}{of:>12}  {late:>8}")
        if row.missing:
            show(f"  {'':<{width}}  missing: {', '.join(row.missing[:LISTED])}{_more(row.missing)}")
    show(f"\n  {closing.found} of {closing.expected} consequences were judged as they must be")
    if closing.unjudged:
        show(f"  {closing.unjudged} are of subjects that this collector does not judge")
    if closing.unexplained:
        show(f"  not explained by any cause: {'; '.join(closing.unexplained[:LISTED])}{_more(closing.unexplained)}")


def _more(things: Sequence[str]) -> str:
    return f" and {len(things) - LISTED} more" if len(things) > LISTED else ""
