"""Tables as they come: from a folder of CSV, XLSX and TOML files, or from one workbook with a sheet a table.

Every reader gives the same: a header and rows of cells, each cell a trimmed text or a Fault that says what it is.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from collector.inventory.problems import Fault, Problems
from collector.inventory.schema import TABLES

FILE_BYTES: Final = 64 * 1024 * 1024
SUFFIXES: Final = (".csv", ".xlsx", ".toml")
NOT_OURS: Final = frozenset({"policy.toml"})  # thresholds have a command of their own

Cell = str | Fault


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a file and the line it is on."""

    number: int
    cells: list[Cell]


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table of one file. `number` is the line of the header."""

    table: str
    file: str
    header: list[Cell]
    lines: list[Line]
    number: int = 1


class Unreadable(ValueError):
    """A file that cannot be read as what it claims to be."""

    def __init__(self, line: int, what: str, remedy: str) -> None:
        super().__init__(f"{what}: {remedy}")
        self.line, self.fault = line, Fault(what, remedy)


@dataclass(frozen=True, slots=True)
class Source:
    """Everything that was read: the sheets, at most one a table, and what all bytes together hash to."""

    name: str
    sha256: str
    sheets: list[Sheet]


def read_source(path: Path, problems: Problems) -> Source:
    """Read a folder or a workbook. What cannot be read becomes a problem; an empty list of sheets is one too."""
    digest = hashlib.sha256()
    sheets: dict[str, Sheet] = {}
    for file in _files(path, problems):
        for sheet in _read(file, digest.update, problems, whole=file == path):
            if sheet.table in sheets:
                fault = Fault(
                    f"the table {sheet.table} is in {sheets[sheet.table].file} already", "keep one of the two"
                )
                problems.add(sheet.file, 0, "", fault)
            else:
                sheets[sheet.table] = sheet
    if not sheets and not problems.count:
        tables = ", ".join(f"{name}.csv" for name in TABLES)
        problems.add(path.name, 0, "", Fault("there is nothing to import", f"put files such as {tables} there"))
    ordered = [sheets[name] for name in TABLES if name in sheets]
    return Source(path.resolve().name, digest.hexdigest(), ordered)


def _files(path: Path, problems: Problems) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        problems.add(str(path), 0, "", Fault("there is no such folder or file", "name a folder with the tables"))
        return []
    found = []
    for file in sorted(path.iterdir()):
        ours, readable = file.stem.lower() in TABLES, file.suffix.lower() in SUFFIXES
        if file.name in NOT_OURS or file.name.startswith((".", "~$")) or not (ours or readable):
            continue
        if ours:
            found.append(file)  # what has the name of a table and cannot be read is said below
        else:
            problems.add(file.name, 0, "", Fault("no table has this name", nearest(file.stem.lower(), list(TABLES))))
    return found


def nearest(word: str, valid: list[str]) -> str:
    """A remedy for a word that is not known."""
    near = difflib.get_close_matches(word, valid, n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else f"known are {', '.join(valid)}"


def _read(file: Path, seen: Callable[[bytes], None], problems: Problems, *, whole: bool) -> Iterator[Sheet]:
    try:
        raw = _bytes(file)
        seen(file.name.encode() + b"\0" + raw)
        yield from _sheets(file, raw, problems, whole=whole)
    except Unreadable as error:
        problems.add(file.name, error.line, "", error.fault)


def _bytes(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            raw = opened.read(FILE_BYTES + 1)
    except OSError as error:
        raise Unreadable(0, f"the file cannot be read: {error.strerror}", "check its rights") from error
    if len(raw) > FILE_BYTES:
        raise Unreadable(0, f"the file is larger than {FILE_BYTES >> 20} MiB", "split it, or remove what is no table")
    return raw


def _sheets(file: Path, raw: bytes, problems: Problems, *, whole: bool) -> Iterator[Sheet]:
    from collector.inventory import csvfile, tomlfile, xlsxfile

    table, suffix = file.stem.lower(), file.suffix.lower()
    if suffix == ".xlsx":
        yield from xlsxfile.sheets(file.name, raw, problems, table=None if whole and table not in TABLES else table)
    elif table not in TABLES:
        raise Unreadable(0, "no table has this name", nearest(table, list(TABLES)))
    elif suffix == ".toml":
        yield tomlfile.sheet(file.name, raw, table)
    elif suffix == ".csv":
        yield csvfile.sheet(file.name, raw, table)
    else:
        raise Unreadable(0, f"{suffix or 'a file without suffix'} is not read", f"save it as {', '.join(SUFFIXES)}")
