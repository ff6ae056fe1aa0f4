"""The province that is simulated: centres, their lines, the shared systems, read from a folder such as the example's.

The folder was, or is about to be, checked by the collector's import; here only what the world needs is taken from it.
"""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from simulator.errors import HomeError

VANTAGE = "00000-1"


@dataclass(frozen=True, slots=True)
class Line:
    """A data line; `group` names the lines that fail with it."""

    key: str
    centre: str
    carrier: str
    group: str
    area: str
    cpe: str
    contract_bps: float = 1e8


@dataclass(frozen=True, slots=True)
class Site:
    """A centre. What its agent sends leaves by the first of its lines."""

    key: str
    area: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Service:
    """A shared system that is switched on."""

    id: str
    scope: str
    slow_s: float
    period_s: float = 300.0


@dataclass(frozen=True, slots=True)
class Province:
    """All of it, each by its key."""

    sites: Mapping[str, Site]
    services: Mapping[str, Service]
    lines: Mapping[str, Line] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "lines", {line.key: line for site in self.sites.values() for line in site.lines})


def read_province(folder: Path) -> Province:
    """Read `centres.csv`, `lines.csv` and `services.toml`. Raises HomeError where they cannot be read."""
    try:
        areas = {row["key"]: row.get("area", "") for row in rows(folder / "centres.csv")}
        lines: dict[str, list[Line]] = {key: [] for key in areas}
        for row in sorted(rows(folder / "lines.csv"), key=lambda row: row["key"]):
            centre = row["key"].partition("/")[0]
            lines[centre].append(Line(
                row["key"], centre, row.get("carrier", ""), row.get("uplink_group", ""), areas[centre],
                row.get("cpe_address", ""), float(row.get("contract_bps") or 1e8),
            ))  # fmt: skip
        services = _services(folder / "services.toml")
    except (OSError, KeyError, ValueError) as error:
        raise HomeError(f"{folder} is no province: {error}; name a folder such as province/bac-ninh") from error
    sites = {key: Site(key, areas[key], tuple(lines[key])) for key in areas}
    return Province(sites, services)


def rows(path: Path) -> list[dict[str, str]]:
    """The rows of a table."""
    with path.open(encoding="utf-8-sig", newline="") as opened:
        return list(csv.DictReader(opened))


def _services(path: Path) -> dict[str, Service]:
    if not path.exists():
        return {}
    tree = tomllib.loads(path.read_text("utf-8"))
    return {
        row["id"]: Service(row["id"], row["scope"], float(row["slow_s"]), float(row["period_s"]))
        for row in tree.get("services", ())
        if row.get("on")
    }
