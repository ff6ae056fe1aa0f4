"""Any table of the board as a file: CSV for a spreadsheet, JSON for a machine.

CSV is RFC 4180 in UTF-8 with a byte order mark, with the words of the reader's language and the time of Vietnam; what a
spreadsheet would take for a formula is text. JSON keeps the names and units of the collector.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import msgspec

from dashboards.board.times import iso, local
from dashboards.board.words import Words

Cell = str | int | float | bool | None
Kind = Literal["text", "state", "reason", "outcome", "probe", "target", "metric", "role", "time", "number"]

_FORMULA: Final = re.compile(r"^[\s\u200b\ufeff]*[=+\-@＝＋－＠]")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_BLANK: Final = " \u00a0\u200b\ufeff"
_LED: Final = ("\t", "\r", "\n")


@dataclass(frozen=True, slots=True)
class Column:
    """`name` for machines, with its unit at the end where it has one; people read `table.<name>` of the catalogue."""

    name: str
    kind: Kind = "text"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows as the collector knows them; cells are in base units, instants in ms, missing ones None."""

    name: str
    columns: tuple[Column, ...]
    rows: Sequence[tuple[Cell, ...]]
    as_of_ms: int | None


def to_csv(table: Table, words: Words) -> str:
    """The table for a spreadsheet, the byte order mark included."""
    text = io.StringIO(newline="")
    text.write("\ufeff")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([words(f"table.{column.name}") for column in table.columns])
    for row in table.rows:
        writer.writerow([_shown(cell, column.kind, words) for cell, column in zip(row, table.columns, strict=True)])
    return text.getvalue()


def to_json(table: Table) -> str:
    """The table for a machine: one object a row; instants are ISO 8601 with their offset."""
    names = [column.name for column in table.columns]
    rows = [
        {name: _plain(cell, column.kind) for name, cell, column in zip(names, row, table.columns, strict=True)}
        for row in table.rows
    ]
    as_of = None if table.as_of_ms is None else iso(table.as_of_ms)
    document = {"table": table.name, "as_of": as_of, "columns": names, "rows": rows}
    return msgspec.json.encode(document).decode()


def neutral(text: str) -> str:
    """Text that no spreadsheet takes for a formula, without control characters."""
    text = _CONTROL.sub("", text)
    return f"'{text}" if text.lstrip(_BLANK).startswith(_LED) or _FORMULA.match(text) else text


def _plain(cell: Cell, kind: Kind) -> Cell:
    if kind == "time" and isinstance(cell, int):
        return iso(cell)
    if isinstance(cell, float) and not math.isfinite(cell):
        return None
    return cell


def _shown(cell: Cell, kind: Kind, words: Words) -> str:
    if cell is None or (isinstance(cell, float) and not math.isfinite(cell)):
        return ""
    if isinstance(cell, bool):
        return words("yes" if cell else "no")
    if isinstance(cell, str):
        return neutral(_SPOKEN[kind](words, cell) if kind in _SPOKEN else cell)
    return local(int(cell)).strftime("%Y-%m-%d %H:%M:%S") if kind == "time" else repr(cell)


_SPOKEN: Final[dict[Kind, Callable[[Words, str], str]]] = {
    "state": lambda words, name: words(f"state.{name}"),
    "reason": lambda words, name: words.reason(name),
    "outcome": lambda words, name: words(f"outcome.{name}"),
    "probe": lambda words, name: words.declared("probe", name),
    "target": lambda words, name: words.declared("target", name),
    "metric": lambda words, name: words.declared("metric", name),
    "role": lambda words, name: words.declared("role", name),
}
