"""XLSX, the values only: a bounded stream over the parts of the workbook, with nothing evaluated and nothing guessed.

A formula, an error value and a merged cell are Faults with their place. Why no library: docs/decisions/0012-xlsx.md.
"""

from __future__ import annotations

import io
import posixpath
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from xml.parsers import expat

from collector.inventory.csvfile import CELL, COLUMNS
from collector.inventory.problems import Fault, Problems
from collector.inventory.schema import ROWS, TABLES
from collector.inventory.sheets import Cell, Line, Sheet, Unreadable

PART_BYTES: Final = 512 * 1024 * 1024
TEXTS: Final = 1_000_000
MERGES: Final = 10_000

# A day of a spreadsheet has no zone.
_EPOCH: Final = datetime(1899, 12, 30)  # noqa: DTZ001
_EPOCH_1904: Final = datetime(1904, 1, 1)  # noqa: DTZ001
_WORKBOOK: Final = "xl/workbook.xml"
_REF: Final = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_DATE_FORMATS: Final = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
_DATE_SIGNS: Final = re.compile(r"[ymdhs]", re.IGNORECASE)
_NO_SIGNS: Final = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]|General|_.')

_DAMAGE: Final = (
    zipfile.BadZipFile, zlib.error, struct.error, expat.ExpatError, LookupError, ValueError, OverflowError,
    NotImplementedError, RuntimeError, EOFError, OSError,
)  # fmt: skip
"""What zipfile, expat and the reading of numbers raise for a file that is damaged, packed unusually or locked."""

FORMULA: Final = Fault("a formula", "formulas are never evaluated: copy the column and paste it as values")
MERGED: Final = Fault("merged cells", "undo the merge and write the value into every row")
EMPTY_ERROR: Final = Fault("an error value", "correct it in the spreadsheet")


def sheets(file: str, raw: bytes, problems: Problems, *, table: str | None) -> Iterator[Sheet]:
    """The tables of a workbook: its first sheet as `table`, or every sheet by its name where that is None."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            book = _Book(archive)
            for name, part in list(book.parts.items())[: 1 if table else None]:
                found = table or name.strip().lower()
                if found not in TABLES:
                    problems.add(f"{file}[{name}]", 0, "", Fault("no table has this name", f"use {', '.join(TABLES)}"))
                    continue
                yield _sheet(file if table else f"{file}[{name}]", found, book, part)
    except Unreadable:
        raise
    except _DAMAGE as error:
        raise Unreadable(
            0, f"this is not an XLSX workbook ({error})", "save it again as .xlsx, without a password"
        ) from error


def _sheet(file: str, table: str, book: _Book, part: str) -> Sheet:
    grid = _Grid(book)
    book.parse(part, grid.start, grid.end, grid.text)
    grid.mark_merged()
    if not grid.lines:
        raise Unreadable(1, "the sheet is empty", f"the first row names the columns: {', '.join(TABLES[table].names)}")
    head, *rest = grid.lines
    width = len(head.cells)
    for line in rest:
        line.cells.extend([""] * (width - len(line.cells)))
        while len(line.cells) > width and line.cells[-1] == "":
            line.cells.pop()
    return Sheet(table, file, head.cells, rest, head.number)


class _Book:
    """The parts of a workbook that its sheets need."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        rows = self._elements(_WORKBOOK, "sheet", "workbookPr")
        self.epoch = _EPOCH_1904 if any(a.get("date1904") in {"1", "true"} for a in rows) else _EPOCH
        links = {a["Id"]: a["Target"] for a in self._elements("xl/_rels/workbook.xml.rels", "Relationship")}
        self.parts: dict[str, str] = {}
        for a in rows:
            link = next((value for name, value in a.items() if name.rpartition(":")[2] == "id" and ":" in name), "")
            if "name" in a and link in links:
                self.parts[a["name"]] = posixpath.normpath(posixpath.join("/xl", links[link])).lstrip("/")
        self.texts = self._shared_texts()
        self.dated = self._date_styles()

    def parse(
        self,
        part: str,
        start: Callable[[str, dict[str, str]], None],
        end: Callable[[str], None] | None = None,
        text: Callable[[str], None] | None = None,
    ) -> None:
        """Stream one part through expat. No document types: they are where entities come from."""
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = lambda name, attributes: start(name.rpartition(":")[2], attributes)
        if end is not None:
            finish = end
            parser.EndElementHandler = lambda name: finish(name.rpartition(":")[2])
        if text is not None:
            parser.CharacterDataHandler = text
        parser.StartDoctypeDeclHandler = _no_doctype
        seen = 0
        with self._archive.open(part) as stream:
            while chunk := stream.read(65_536):
                seen += len(chunk)
                if seen > PART_BYTES:
                    raise Unreadable(0, "the workbook unpacks to more than is reasonable", "save the table alone")
                parser.Parse(chunk, False)
        parser.Parse(b"", True)

    def _elements(self, part: str, *names: str) -> list[dict[str, str]]:
        found: list[dict[str, str]] = []
        self.parse(part, lambda name, attributes: found.append(attributes) if name in names else None)
        return found

    def _shared_texts(self) -> list[str]:
        if "xl/sharedStrings.xml" not in self._archive.namelist():
            return []
        reader = _Texts()
        self.parse("xl/sharedStrings.xml", reader.start, reader.end, reader.text)
        return reader.found

    def _date_styles(self) -> frozenset[str]:
        """Indices of the cell styles that show a number as a date."""
        if "xl/styles.xml" not in self._archive.namelist():
            return frozenset()
        own: dict[int, str] = {}
        styles: list[int] = []
        inside = [False]

        def start(name: str, a: dict[str, str]) -> None:
            if name == "numFmt":
                own[int(a.get("numFmtId", "0"))] = a.get("formatCode", "")
            elif name == "cellXfs":
                inside[0] = True
            elif name == "xf" and inside[0]:
                styles.append(int(a.get("numFmtId", "0")))

        def end(name: str) -> None:
            inside[0] = inside[0] and name != "cellXfs"

        self.parse("xl/styles.xml", start, end)
        return frozenset(str(n) for n, code in enumerate(styles) if _is_date(code, own))


def _is_date(code: int, own: Mapping[int, str]) -> bool:
    if code in own:
        return bool(_DATE_SIGNS.search(_NO_SIGNS.sub("", own[code])))
    return code in _DATE_FORMATS


def _no_doctype(*_: object) -> None:
    raise Unreadable(0, "the workbook declares a document type", "save it again with a spreadsheet")


@dataclass(slots=True)
class _Texts:
    """The shared texts; what is said for pronunciation (rPh) is no part of them."""

    found: list[str] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    inside: bool = False
    aside: int = 0

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        self.inside = name == "t" and not self.aside
        self.aside += name == "rPh"

    def end(self, name: str) -> None:
        self.inside = False
        self.aside -= name == "rPh"
        if name == "si":
            if len(self.found) >= TEXTS:
                raise Unreadable(0, f"more than {TEXTS:,} texts", "save the table alone")
            self.found.append("".join(self.parts).strip())
            self.parts.clear()

    def text(self, data: str) -> None:
        if self.inside:
            self.parts.append(data)


class _Grid:
    """The rows of one sheet as they stream by. Rows and columns that are only formatted hold nothing."""

    def __init__(self, book: _Book) -> None:
        self._book = book
        self.lines: list[Line] = []
        self._merges: list[str] = []
        self._row: dict[int, Cell] = {}
        self._number, self._column = 0, 0
        self._kind, self._style, self._formula, self._inside = "n", "", False, False
        self._parts: list[str] = []

    def start(self, name: str, a: dict[str, str]) -> None:
        if name == "c":
            self._cell(a)
        elif name in {"v", "t"}:
            self._inside = True
        elif name == "f":
            self._formula = True
        elif name == "row":
            self._number = int(a["r"]) if a.get("r", "").isdecimal() else self._number + 1
            self._row, self._column = {}, 0
        elif name == "mergeCell" and len(self._merges) < MERGES:
            self._merges.append(a.get("ref", ""))

    def _cell(self, a: dict[str, str]) -> None:
        ref = _REF.fullmatch(a.get("r", ""))
        self._column = _column(ref.group(1)) if ref else self._column + 1
        self._kind, self._style, self._formula = a.get("t", "n"), a.get("s", ""), False
        self._parts.clear()

    def text(self, data: str) -> None:
        if self._inside:
            self._parts.append(data)

    def end(self, name: str) -> None:
        if name in {"v", "t"}:
            self._inside = False
        elif name == "c":
            self._finish()
        elif name == "row" and self._row:
            if len(self.lines) > ROWS:
                raise Unreadable(self._number, f"more than {ROWS:,} rows", "split the table")
            last = max(self._row)
            self.lines.append(Line(self._number, [self._row.get(n, "") for n in range(1, last + 1)]))

    def _finish(self) -> None:
        cell = self._value("".join(self._parts).strip())
        if cell == "":
            return
        if self._column > COLUMNS:
            raise Unreadable(self._number, f"more than {COLUMNS} columns", "remove what is no column of this table")
        self._row[self._column] = cell

    def _value(self, raw: str) -> Cell:
        if self._formula:
            return FORMULA
        if self._kind == "s":
            texts = self._book.texts
            raw = texts[int(raw)] if raw.isdecimal() and int(raw) < len(texts) else ""
        elif self._kind == "e":
            return EMPTY_ERROR
        elif self._kind == "b":
            return "true" if raw == "1" else "false"
        elif self._kind == "n" and raw:
            return self._number_or_date(raw)
        return raw if len(raw) <= CELL else Fault(f"{len(raw)} characters", f"write at most {CELL}")

    def _number_or_date(self, raw: str) -> Cell:
        try:
            number = float(raw)
            if self._style in self._book.dated:
                moment = self._book.epoch + timedelta(seconds=round(number * 86_400))
                return moment.date().isoformat() if moment.time() == datetime.min.time() else f"{moment:%Y-%m-%d %H:%M}"
            return str(int(number)) if number.is_integer() and abs(number) < 1e15 else f"{number:.15g}"
        except (ValueError, OverflowError):
            return Fault("a number that is none", "write it again")

    def mark_merged(self) -> None:
        """Put a Fault into the first cell of every merge: its other cells hold nothing, whatever is seen there."""
        if not self._merges:
            return
        by_number = {line.number: line for line in self.lines}
        for merge in self._merges:
            ref = _REF.match(merge)
            line = by_number.get(int(ref.group(2))) if ref else None
            if ref and line and _column(ref.group(1)) <= len(line.cells):
                line.cells[_column(ref.group(1)) - 1] = MERGED


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number
