"""The province of a simulated home: a copy in which shared systems are switched on, with as many centres as wanted.

A simulated agent contacts nobody, so what is off in a real province for its owner's sake may be on here. More centres
than the original has are invented after the pattern of those it has, and say so.
"""

from __future__ import annotations

import csv
import re
import shutil
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from simulator.errors import HomeError
from simulator.province import rows

Row = Mapping[str, str]

MOST: Final = 10_000
_FIRST_INVENTED: Final = 40_000
_OFF: Final = re.compile(r"^on = false$", re.MULTILINE)
_BUDGET: Final = re.compile(r"^budget_per_minute = \d+$", re.MULTILINE)
_UNBOUNDED: Final = "budget_per_minute = 10000"
_BY_CENTRE: Final = {"communes": "code", "centres": "key", "lines": "key", "devices": "centre"}


def write_copy(source: Path, target: Path, centres: int | None) -> int:
    """Copy the folder `source` to `target` with so many centres (None: its own); how many there are.

    Raises HomeError where `source` cannot be read or `target` cannot be written.
    """
    try:
        target.mkdir(parents=True, exist_ok=True)
        keys = [row["key"] for row in rows(source / "centres.csv")]
        wanted = len(keys) if centres is None else centres
        twins = {keys[n]: _twins(n, len(keys), wanted) for n in range(min(len(keys), wanted))}
        for file in sorted(source.iterdir()):
            if file.stem in _BY_CENTRE and file.suffix == ".csv":
                _copy_table(file, target / file.name, twins)
            elif file.name == "services.toml":
                (target / file.name).write_text(switched_on(file.read_text("utf-8")), "utf-8")
            elif file.suffix in {".csv", ".toml"}:
                shutil.copyfile(file, target / file.name)
    except (OSError, KeyError, ValueError) as error:
        raise HomeError(f"{source} cannot be copied to {target}: {error}") from error
    return sum(1 + len(some) for some in twins.values())


def _twins(n: int, original: int, wanted: int) -> list[str]:
    """Keys of the centres that are invented after the pattern of the `n`-th one."""
    return [f"{_FIRST_INVENTED + number:05d}-1" for number in range(original + n, wanted, original)]


def _copy_table(source: Path, target: Path, twins: Mapping[str, Sequence[str]]) -> None:
    column = _BY_CENTRE[source.stem]
    table = rows(source)
    kept: list[Row] = [row for row in table if _centre(row[column]) in twins]
    made = [_twin(source.stem, row, key) for row in kept for key in twins[_centre(row[column])]]
    with target.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.DictWriter(opened, list(table[0]) if table else [column], lineterminator="\n")
        writer.writeheader()
        writer.writerows([*kept, *made])


def _centre(cell: str) -> str:
    """The centre of a cell: of a commune's code, a centre's key, a line's."""
    return f"{cell}-1" if len(cell) == 5 else cell.partition("/")[0]


def _twin(table: str, row: Row, key: str) -> Row:
    """A row of an invented centre after the pattern of a real one."""
    code = key.partition("-")[0]
    if table == "communes":
        return {**row, "code": code, "name": f"{row['name']} {code}", "former": "", "basis": ""}
    if table == "centres":
        names = {name: f"{row[name]} {code}" for name in ("name_vi", "name_en")}
        return {**row, **names, "key": key, "invented": "all", "note": ""}
    if table == "lines":
        letter = row["key"].partition("/")[2]
        return {**row, "key": f"{key}/{letter}", "circuit": f"{row['circuit']}-{code}", "invented": "all"}
    return {**row, "key": f"{row['key']}-{code}", "centre": key, "invented": "all"}


def switched_on(text: str) -> str:
    """`services.toml` with every system on that may be: a confirmed address, checks, and not on the PCs themselves.

    Budgets are for the sake of who is asked; nobody is, so every centre may measure as often as the row says.
    """
    head, *blocks = re.split(r"^(?=\[\[services\]\])", text, flags=re.MULTILINE)
    on = [_OFF.sub("on = true", block) if _may_be_on(block) else block for block in blocks]
    return head + "".join(_BUDGET.sub(_UNBOUNDED, block) for block in on)


def _may_be_on(block: str) -> bool:
    row = tomllib.loads(block)["services"][0]
    named = bool(row.get("url")) and bool(row.get("checks"))
    return named and row.get("confidence") == "confirmed" and row.get("scope") != "local"
