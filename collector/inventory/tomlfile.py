"""TOML: `[[services]]` and so on, one table of a file a row. Lists of texts become one cell, parted by semicolons."""

from __future__ import annotations

import re
import tomllib
from datetime import date, datetime
from typing import Final

from collector.inventory.csvfile import decode
from collector.inventory.problems import Fault
from collector.inventory.schema import ROWS, TABLES
from collector.inventory.sheets import Cell, Line, Sheet, Unreadable

_AT: Final = re.compile(r"at line ([0-9]+)")


def sheet(file: str, raw: bytes, table: str) -> Sheet:
    """The table of a TOML file. Raises Unreadable, with the line where there is one."""
    text = decode(raw)
    try:
        tree = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        at = _AT.search(str(error))
        raise Unreadable(int(at.group(1)) if at else 1, f"this is not TOML: {error}", "correct it there") from error
    rows = tree.pop(table, None)
    if tree:
        raise Unreadable(
            _line_of(text, next(iter(tree))), f"{next(iter(tree))} is not known here", f"write [[{table}]]"
        )
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Unreadable(1, f"there is no [[{table}]]", f"begin every row with [[{table}]]")
    if len(rows) > ROWS:
        raise Unreadable(1, f"more than {ROWS:,} rows", "split the table or remove what is not needed")
    # What is unknown stands in the header like a column and is refused there.
    columns = list(dict.fromkeys([*TABLES[table].names, *(str(name) for row in rows for name in row)]))
    numbers = [n for n, line in enumerate(text.splitlines(), 1) if re.match(rf"\s*\[\[\s*{table}\s*\]\]", line)]
    lines = [
        Line(numbers[n] if n < len(numbers) else 1, [_cell(row.get(name, "")) for name in columns])
        for n, row in enumerate(rows)
    ]
    return Sheet(table, file, list(columns), lines)


def _line_of(text: str, key: str) -> int:
    return next((n for n, line in enumerate(text.splitlines(), 1) if key in line), 1)


def _cell(value: object) -> Cell:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, (int, float)):
        return f"{value:.15g}" if isinstance(value, float) else str(value)
    if isinstance(value, (datetime, date)):
        return value.isoformat(" ") if isinstance(value, datetime) else value.isoformat()
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return "; ".join(part.strip() for part in value)
    return Fault(
        "a value of a kind that no column takes", "write a text, a number, true, false, a date or a list of texts"
    )
