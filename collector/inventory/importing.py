"""An import, whole: read, check, compare, and then write all of it or nothing; and the way back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sqlalchemy import Connection

from collector.api import Actor, CollectorError
from collector.hub import Hub
from collector.inventory import keeping
from collector.inventory.checking import Progress, check_tables
from collector.inventory.difference import Change, TableDifference, between
from collector.inventory.keeping import Run, Written
from collector.inventory.problems import ImportRefused, Problems
from collector.inventory.relations import check_relations
from collector.inventory.schema import Body
from collector.inventory.sheets import read_source
from collector.planning.replanning import replan

_PLANNED = ("centres", "lines", "devices", "services")
"""Tables that plans are drawn from."""


class Outrun(CollectorError):
    """Another import was written in between; nothing of this one was."""


def prepare(hub: Hub, path: Path, progress: Progress) -> Run:
    """Read and check a folder or workbook and compare it with what holds; nothing is written.

    A table that is not among the files is left as it is. Raises ImportRefused with every problem.
    """
    problems = Problems()
    progress("read", 0, 1)
    source = read_source(path, problems)
    progress("read", 1, 1)
    found = check_tables(source, problems, progress)
    with hub.store.reading() as conn:
        base, held, known = keeping.newest(conn), keeping.held(conn), keeping.adopted(conn)
    if not problems.count:  # rows that are missing only because they are faulty would be accused as well
        check_relations(held, found, problems)
    if problems.count:
        ordered = sorted(problems.kept, key=lambda problem: (problem.file, problem.line))
        raise ImportRefused(ordered, problems.count)
    difference = {table: between(held[table], rows.bodies) for table, rows in found.items()}
    if "centres" in difference:
        _adopt(difference["centres"], known)
    return Run(source.name, source.sha256, difference, base)


def prepare_undo(hub: Hub) -> Run:
    """The way back of the last import that is in effect. Raises NotFound."""
    with hub.store.reading() as conn:
        number, base = keeping.last_import(conn), keeping.newest(conn)
        return Run(f"undo of import {number}", "", keeping.before_import(conn, number), base, undoes=number)


def carry_out(hub: Hub, actor: Actor, run: Run, progress: Progress) -> Written:
    """Write what was prepared, in one transaction. Raises Outrun, Busy, Unavailable; then nothing was written."""
    now_ms = hub.clock.wall_ms()

    def job(conn: Connection) -> Written:
        if keeping.newest(conn) != run.base:
            raise Outrun("another import was written in the meantime: look at the difference again")
        written = keeping.write(conn, run, actor, now_ms, progress)
        if any(table in _PLANNED and found.changes for table, found in run.difference.items()):
            replan(conn, None, now_ms)
        return written

    written = hub.store.writer.do(job)
    hub.wake("register")
    return written


def _adopt(centres: TableDifference, known: dict[str, Body]) -> None:
    """A centre that was made with its first join code is not new: the import changes it."""
    centres.changed += [replace(change, before=known[change.key]) for change in centres.added if change.key in known]
    centres.added = [change for change in centres.added if change.key not in known]


__all__ = ["Change", "Outrun", "Run", "Written", "carry_out", "prepare", "prepare_undo"]
