"""`motcua collector import`, as people and programs see it: the difference, the problems, a progress bar."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from collector.api import Actor, NotAllowed, NotFound
from collector.hub import Hub
from collector.inventory import checking, importing
from collector.inventory.difference import EXAMPLES, Change, Difference, is_empty
from collector.inventory.importing import Run, Written
from collector.inventory.problems import ImportRefused
from collector.inventory.schema import Body

_STAGES: Final = {"read": "reading", "check": "checking", "write": "writing"}
_LISTED: Final = 5


def run_import(
    hub: Hub, actor: Actor, path: Path | None, *, undo: bool, dry_run: bool, as_json: bool, yes: bool
) -> bool:
    """Do what was asked and say it. False where the files were refused."""
    if (path is None) != undo:
        raise NotAllowed("name the folder or workbook to import, or say --undo; one of the two")
    if path is not None and not path.exists():
        raise NotFound(f"there is no {path}")
    try:
        with _bar() as progress:
            run = importing.prepare_undo(hub) if path is None else importing.prepare(hub, path, progress)
    except ImportRefused as refused:
        _say_problems(refused, as_json)
        return False
    written = None
    if not as_json:
        _show(run)
    if not dry_run and not is_empty(run.difference) and (yes or _agreed()):
        with _bar() as progress:
            written = importing.carry_out(hub, actor, run, progress)
    _say_end(run, written, as_json=as_json, dry_run=dry_run)
    return True


def _agreed() -> bool:
    """Whether a person agrees. Raises NotAllowed where nobody can be asked."""
    if not is_terminal():
        raise NotAllowed("nothing was imported: look at it with --dry-run, then say --yes")
    sys.stdout.write("Import this? [y/N] ")
    sys.stdout.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes", "c", "có"}


def is_terminal() -> bool:
    """Whether a person can be asked."""
    return sys.stdin.isatty()


@contextlib.contextmanager
def _bar() -> Iterator[checking.Progress]:
    """A progress bar on a terminal; silence elsewhere."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description:<10}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        tasks = {stage: bar.add_task(text, total=None, visible=False) for stage, text in _STAGES.items()}

        def progress(stage: str, done: int, total: int) -> None:
            bar.update(tasks[stage], completed=done, total=total, visible=True)

        yield progress


# --- saying ---------------------------------------------------------------------------------------------------------


def _say_problems(refused: ImportRefused, as_json: bool) -> None:
    more = refused.count - len(refused.problems)
    if as_json:
        _json({"applied": False, "problems": [asdict(p) for p in refused.problems], "more": more})
        return
    for problem in refused.problems:
        sys.stderr.write(f"{problem}\n")
    if more:
        sys.stderr.write(f"… and {more} more\n")
    sys.stderr.write(f"motcua: {refused}\n")


def _show(run: Run) -> None:
    table = Table("table", "added", "changed", "removed", "unchanged", box=None)
    for name, found in run.difference.items():
        table.add_row(name, *(str(n) for n in found.counts().values()))
    console = Console(markup=False, highlight=False, soft_wrap=True)
    console.print(table)
    for line in _examples(run.difference):
        console.print(line)


def _examples(difference: Difference) -> Iterator[str]:
    for name, found in difference.items():
        for sign, changes in (("~", found.changed), ("-", found.removed)):
            for change in changes[:_LISTED]:
                yield f"  {sign} {name} {change.key}{_what(change) if sign == '~' else ''}"
            if len(changes) > _LISTED:
                yield f"  {sign} {name}: {len(changes) - _LISTED} more"


def _what(change: Change) -> str:
    before, after = change.before or {}, change.after or {}
    return ": " + "; ".join(f"{c} {_cell(before, c)} → {_cell(after, c)}" for c in change.columns[:_LISTED])


def _cell(body: Body, column: str) -> str:
    return str(body[column]) if column in body else "–"


def _say_end(run: Run, written: Written | None, *, as_json: bool, dry_run: bool) -> None:
    if as_json:
        _json(_document(run, written))
    elif written is None:
        nothing = "nothing differs" if is_empty(run.difference) else "dry run" if dry_run else "not agreed"
        sys.stdout.write(f"{nothing}: nothing was changed\n")
    else:
        what = (
            f"import {run.undoes} is undone" if run.undoes else f"import {written.number} is in; --undo takes it back"
        )
        sys.stdout.write(f"{what}\n")
        if written.staying:
            sys.stdout.write(
                f"{len(written.staying)} subjects left the inventory but stay, with what was measured;"
                " `motcua collector decommission` takes them off the lists\n"
            )


def _document(run: Run, written: Written | None) -> dict[str, object]:
    tables = {
        name: found.counts()
        | {
            "examples": [
                {"key": c.key, "before": c.before, "after": c.after}
                for c in (*found.changed, *found.removed)[:EXAMPLES]
            ]
        }
        for name, found in run.difference.items()
    }
    return {
        "applied": written is not None, "import": written.number if written else None, "undoes": run.undoes,
        "source": run.source, "sha256": run.sha256, "tables": tables,
        "staying": list(written.staying) if written else [],
    }  # fmt: skip


def _json(document: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
