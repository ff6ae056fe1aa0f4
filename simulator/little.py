"""The little province of a trial: three areas of four centres, each with one line or two, and three shared systems.

A trial plays hours of simulated time in seconds, and its cost is the number of measurements. Carriers, uplink groups,
areas, teams, opening hours and the kinds of plan items are those of the whole province; there is only less of it.
"""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Final

from simulator.copying import write_copy
from simulator.errors import HomeError
from simulator.province import rows

AREAS: Final = 3
CENTRES_AN_AREA: Final = 4
SERVICES: Final = {"national": 1, "province": 2}
_ON: Final = re.compile(r"^on = true$", re.MULTILINE)

Keep = Callable[[dict[str, str]], bool]


def write_little(source: Path, target: Path) -> None:
    """Copy as much of the folder `source` to `target`. Raises HomeError."""
    write_copy(source, target, None)
    try:
        centres = _chosen(target / "centres.csv")
        codes = {key.partition("-")[0] for key in centres}
        single = {key for n, key in enumerate(centres) if n % CENTRES_AN_AREA == CENTRES_AN_AREA - 1}
        _thin(target / "communes.csv", lambda row: row["code"] in codes)
        _thin(target / "centres.csv", lambda row: row["key"] in centres)
        _thin(target / "lines.csv", lambda row: _has_line(row["key"], centres, single))
        _thin(target / "devices.csv", lambda row: row["centre"] in centres)
        services = target / "services.toml"
        services.write_text(_few(services.read_text("utf-8")), "utf-8")
    except (OSError, KeyError, ValueError) as error:
        raise HomeError(f"{source} is no province a trial can be played in: {error}") from error


def _chosen(path: Path) -> list[str]:
    """The first centres of the first areas, area by area."""
    by_area: dict[str, list[str]] = {}
    for row in rows(path):
        by_area.setdefault(row["area"], []).append(row["key"])
    return [key for keys in list(by_area.values())[:AREAS] for key in keys[:CENTRES_AN_AREA]]


def _has_line(key: str, centres: list[str], single: set[str]) -> bool:
    centre, _, letter = key.partition("/")
    return centre in centres and letter in ("a" if centre in single else "ab")


def _thin(path: Path, keep: Keep) -> None:
    if not path.exists():
        return
    table = rows(path)
    with path.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.DictWriter(opened, list(table[0]) if table else ["key"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(row for row in table if keep(row))


def _few(text: str) -> str:
    """`services.toml` with the first of each scope on, as many as are wanted."""
    head, *blocks = re.split(r"^(?=\[\[services\]\])", text, flags=re.MULTILINE)
    left, told = dict(SERVICES), [head]
    for block in blocks:
        row = tomllib.loads(block)["services"][0]
        wanted = bool(row.get("on")) and left.get(row["scope"], 0) > 0
        if wanted:
            left[row["scope"]] -= 1
        told.append(block if wanted else _ON.sub("on = false", block))
    return "".join(told)
