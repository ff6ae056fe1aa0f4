"""CSV as spreadsheets write it: comma, semicolon or tab; UTF-8 with or without its mark, or UTF-16 with it.

An old encoding is refused and named as far as it can be told: a wrong guess would spoil every name without a sound.
"""

from __future__ import annotations

import csv
import io
import itertools
from typing import Final

from collector.inventory.schema import ROWS, TABLES
from collector.inventory.sheets import Line, Sheet, Unreadable

COLUMNS: Final = 100
CELL: Final = 4_096
# Windows-1258 writes the tone as a sign of its own after the vowel; TCVN3 has one byte for each letter with its tone.
_TONES_1258: Final = frozenset(b"\xcc\xec\xd2\xde\xf2")
_TCVN3: Final = frozenset(range(0xB5, 0xFF)) | frozenset(b"\xa8\xa9\xaa\xab\xac\xad\xae")


def sheet(file: str, raw: bytes, table: str) -> Sheet:
    """The table of a CSV file. Raises Unreadable, with the line."""
    text = decode(raw)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text, table), strict=True)
    csv.field_size_limit(CELL)
    header: list[str] = []
    lines: list[Line] = []
    began = 1
    try:
        for cells in reader:
            number, began = began, reader.line_num + 1
            if not any(cells):
                continue
            trimmed = [cell.strip() for cell in cells]
            if not header:
                header, start = trimmed, number
                continue
            _bound(len(lines), len(cells), number)
            lines.append(Line(number, list(trimmed)))
    except csv.Error as error:
        raise Unreadable(
            began, f"this is not CSV from here on ({error})", "a quotation mark is probably open; cells are short"
        ) from error
    if not header:
        raise Unreadable(1, "the file is empty", f"the first line names the columns: {', '.join(TABLES[table].names)}")
    return Sheet(table, file, list(header), lines, start)


def _bound(rows: int, columns: int, number: int) -> None:
    if rows >= ROWS:
        raise Unreadable(number, f"more than {ROWS:,} rows", "split the table or remove what is not needed")
    if columns > COLUMNS:
        raise Unreadable(number, f"more than {COLUMNS} columns", "remove what is no column of this table")


def _delimiter(text: str, table: str) -> str:
    """The sign that parts the first line into the most known columns."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    names = set(TABLES[table].names)
    return max(",;\t", key=lambda sign: len(names.intersection(cell.strip(' "') for cell in first.split(sign))))


def decode(raw: bytes) -> str:
    """Text of a file. Raises Unreadable for what is not Unicode."""
    if raw[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        encoding = "utf-16"
    else:
        encoding = "utf-8-sig"
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise Unreadable(
            line, f"this is not UTF-8; {_guess(raw)}", 'save it again as "CSV UTF-8", after converting old fonts'
        ) from error
    if "\0" in text:
        raise Unreadable(text.count("\n", 0, text.index("\0")) + 1, "a byte of zero", "this is not a text file")
    return text


def _guess(raw: bytes) -> str:
    high = [byte for byte in raw[:200_000] if byte >= 0x80]
    after_vowel = sum(
        1
        for a, b in itertools.pairwise(raw[:200_000])
        if b in _TONES_1258 and chr(a) in "aeiouyAEIOUY\xe2\xea\xf4\xe3\xf5\xfd"
    )
    if after_vowel * 4 > len(high):
        return "it looks like Windows-1258"
    if high and sum(byte in _TCVN3 for byte in high) * 10 > 9 * len(high):
        return "it looks like TCVN3 (ABC) or another encoding of one byte a letter"
    return "its encoding is not known"
