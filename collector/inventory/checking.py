"""Sheets become tables of typed rows by key; every flaw is found, not only the first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from collector.inventory.cells import Value
from collector.inventory.problems import CellError, Fault, Problems
from collector.inventory.schema import TABLES, Body, Column, Table
from collector.inventory.sheets import Cell, Line, Sheet, Source, nearest

Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and of how much."""

TICK: Final = 1_000


class Rows:
    """The rows of one table by key, and the line each stands on."""

    def __init__(self, table: str, file: str) -> None:
        self.table, self.file = table, file
        self.bodies: dict[str, Body] = {}
        self.numbers: dict[str, int] = {}


def check_tables(source: Source, problems: Problems, progress: Progress) -> dict[str, Rows]:
    """Every sheet of a source as rows; what could not be taken is among the problems."""
    total, done = sum(len(sheet.lines) for sheet in source.sheets), 0
    found: dict[str, Rows] = {}
    for sheet in source.sheets:
        rows = Rows(sheet.table, sheet.file)
        for _ in _fill(rows, sheet, problems):
            done += 1
            if done % TICK == 0:
                progress("check", done, total)
        found[sheet.table] = rows
    progress("check", total, total)
    return found


def _fill(rows: Rows, sheet: Sheet, problems: Problems) -> Iterator[None]:
    table = TABLES[sheet.table]
    columns = _columns(sheet, table, problems)
    if columns is None:
        return
    for line in sheet.lines:
        body = _body(sheet, line, columns, problems)
        if body is not None:
            _add(rows, table, line.number, body, problems)
        yield


def _add(rows: Rows, table: Table, number: int, body: Body, problems: Problems) -> None:
    key = table.key_of(body)
    if key in rows.numbers:
        fault = Fault(f"{key} is on line {rows.numbers[key]} already", "keep one of the two rows")
        problems.add(rows.file, number, " ".join(table.key), fault)
        return
    rows.bodies[key], rows.numbers[key] = body, number


def _columns(sheet: Sheet, table: Table, problems: Problems) -> Sequence[Column] | None:
    """The columns in the order of the header; None where the header cannot be used."""
    known = {column.name: column for column in table.columns}
    before, names = problems.count, [name if isinstance(name, str) else "" for name in sheet.header]
    while names and not names[-1] and isinstance(sheet.header[len(names) - 1], str):
        names.pop()  # a blank column at the end is how spreadsheets leave off
    for place, name in enumerate(names):
        if not name:
            fault = sheet.header[place]
            fault = fault if isinstance(fault, Fault) else Fault("a column without a name", "name or remove it")
            problems.add(sheet.file, sheet.number, f"column {place + 1}", fault)
        elif name not in known:
            problems.add(sheet.file, sheet.number, name[:60], Fault("no such column", nearest(name, list(known))))
        elif name in names[:place]:
            problems.add(sheet.file, sheet.number, name, Fault("the column is there twice", "keep one of the two"))
    for column in table.columns:
        if column.needed and column.name not in names:
            problems.add(sheet.file, sheet.number, column.name, Fault("the column is missing", "add it"))
    return [known[name] for name in names] if problems.count == before else None


def _body(sheet: Sheet, line: Line, columns: Sequence[Column], problems: Problems) -> Body | None:
    """The values of a row; None where any of them could not be taken."""
    extra = any(cell != "" for cell in line.cells[len(columns) :])
    if len(line.cells) < len(columns) or extra:
        what = f"{len(line.cells)} cells under {len(columns)} columns"
        problems.add(
            sheet.file, line.number, "", Fault(what, "put a text with the separating sign into quotation marks")
        )
        return None
    body: dict[str, Value] = {}
    sound = True
    for column, cell in zip(columns, line.cells, strict=False):
        try:
            value = _value(column, cell)
        except CellError as error:
            problems.add(sheet.file, line.number, column.name, error.fault)
            sound = False
            continue
        if value is not None:
            body[column.name] = value
    return body if sound else None


def _value(column: Column, cell: Cell) -> Value | None:
    if isinstance(cell, Fault):
        raise CellError(cell.what, cell.remedy)
    if cell:
        return column.parse(cell)
    if column.needed:
        raise CellError("the cell is empty", "fill it")
    return None


def merged(held: Mapping[str, Mapping[str, Body]], found: Mapping[str, Rows], table: str) -> Mapping[str, Body]:
    """A table as it would be after the import: from the files where they have it, else as it is held."""
    return found[table].bodies if table in found else held.get(table, {})
