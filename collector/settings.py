"""The collector's settings: `collector.toml` in its home, and variables that win over it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

from msgspec import Meta, Struct

from wire import strict
from wire.strict import SettingsError

__all__ = ["Address", "Settings", "SettingsError", "address", "read_settings"]

FILE: Final = "collector.toml"
MEASURE: Final = "MOTCUA_MEASURE"
MAX_MEASURE: Final = 20
DAY_MS: Final = 86_400_000
SIMULATED: Final = "simulated.json"
"""A simulation leaves this file in its home, before anything else."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class MeasureServer:
    """A measurement server for tests of lines, and what it carries at once."""

    url: str
    mbps: int = 1_000
    tests: int = 20


@dataclass(frozen=True, slots=True)
class Settings:
    """What a collector runs by. `database` empty: SQLite in the home. `hosts`: more names agents reach it by.

    `measure`: the servers against which lines are tested; none: no line is. `bodies_bytes`: how much disk the bodies
    of batches may take before the oldest are shed; `messages_ms`: how long messages about incidents that are closed
    stay on record. `simulated`: nothing in this home was measured, and every page
    says so. `reflector`: where agents find the province's, None: there is none; `reflector_everywhere`: lines of
    centres without video conferences measure by it, too.
    """

    home: Path
    agents: Address = Address("127.0.0.1", 8443)
    board: Address = Address("127.0.0.1", 8080)
    database: str = ""
    hosts: tuple[str, ...] = ()
    measure: tuple[MeasureServer, ...] = ()
    bodies_bytes: int = 20_000_000_000
    messages_ms: int = 400 * DAY_MS
    simulated: bool = False
    reflector: Address | None = None
    reflector_everywhere: bool = False

    @property
    def store(self) -> str | Path:
        """What `open_store` takes."""
        return self.database or self.home

    @property
    def agents_url(self) -> str:
        """The address agents on this machine use."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.agents.host, self.agents.host)  # noqa: S104  # read, not bound
        return f"https://{Address(host, self.agents.port)}"


class _Listen(Struct, frozen=True, forbid_unknown_fields=True):
    agents: str = "127.0.0.1:8443"
    board: str = "127.0.0.1:8080"
    hosts: list[str] = []


class _Keep(Struct, frozen=True, forbid_unknown_fields=True):
    bodies_gb: Annotated[float, Meta(ge=0.1, le=100_000)] = 20.0
    # Late data reaches 35 days back, and whoever was told of an incident is told what it changed.
    messages_days: Annotated[int, Meta(ge=40, le=4_000)] = 400


class _Quality(Struct, frozen=True, forbid_unknown_fields=True):
    reflector: Annotated[str, Meta(max_length=120)] = ""
    everywhere: bool = False


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    listen: _Listen = _Listen()
    keep: _Keep = _Keep()
    quality: _Quality = _Quality()
    database: str = ""
    measure: list[str] = []


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Settings from MOTCUA_HOME/collector.toml (may be missing) and the environment. Raises SettingsError."""
    home = Path(environment.get("MOTCUA_HOME") or "var").absolute()
    path = home / FILE
    file = strict.load(path, _File) if path.exists() else _File()
    return Settings(
        home=home,
        agents=_address(environment, "MOTCUA_AGENTS", file.listen.agents, f"{path}: listen.agents"),
        board=_address(environment, "MOTCUA_BOARD", file.listen.board, f"{path}: listen.board"),
        database=_database(environment, file.database, str(path)),
        hosts=tuple(file.listen.hosts),
        measure=_measure(environment, file.measure, f"{path}: measure"),
        bodies_bytes=round(file.keep.bodies_gb * 1e9),
        messages_ms=file.keep.messages_days * DAY_MS,
        simulated=(home / SIMULATED).exists(),
        reflector=_reflector(environment, file.quality.reflector, f"{path}: quality.reflector"),
        reflector_everywhere=file.quality.everywhere,
    )


def _reflector(environment: Mapping[str, str], value: str, key: str) -> Address | None:
    if not (environment.get("MOTCUA_REFLECTOR") or value):
        return None
    found = _address(environment, "MOTCUA_REFLECTOR", value, key)
    if not found.port or re.fullmatch(r"[0-9A-Za-z.:-]{1,100}", found.host) is None:
        raise SettingsError(f"{key}: {found} is no address of a reflector; write host:port, for example 192.0.2.1:8462")
    return found


def _address(environment: Mapping[str, str], variable: str, value: str, key: str) -> Address:
    chosen, where = (environment[variable], variable) if environment.get(variable) else (value, key)
    return address(chosen, where)


def address(text: str, where: str) -> Address:
    """`host:port` as people write it. Raises SettingsError that names `where` it was written."""
    host, colon, port = text.removeprefix("https://").removeprefix("http://").rstrip("/").rpartition(":")
    host = host.strip("[]")
    if not colon or not host or not port.isdecimal() or not 0 <= int(port) < 65_536:
        raise SettingsError(f"{where}: {text!r} is not an address; write host:port, for example 127.0.0.1:8443")
    return Address(host, int(port))


def _measure(environment: Mapping[str, str], values: Sequence[str], key: str) -> tuple[MeasureServer, ...]:
    chosen, where = (environment[MEASURE].split(), MEASURE) if MEASURE in environment else (values, key)
    found = [_measure_server(text, where) for text in chosen]
    if len(found) > MAX_MEASURE or len({server.url for server in found}) < len(found):
        raise SettingsError(f"{where}: name each measurement server once, and at most {MAX_MEASURE} of them")
    return tuple(found)


def _measure_server(text: str, where: str) -> MeasureServer:
    url, *rest = text.strip().split(",")
    try:
        parts = urlsplit(url)
        sound = parts.scheme in {"https", "http"} and bool(parts.hostname) and parts.port != 0 and len(url) <= 300
        server = MeasureServer(url, *(int(number) for number in rest))
    except (ValueError, TypeError):
        sound, server = False, MeasureServer(url)
    plain = sound and parts.username is None and not parts.query and url.isascii() and url.isprintable()
    if not plain or not (1 <= server.mbps <= 1_000_000 and 1 <= server.tests <= 1_000):
        example = "https://measure.example.vn:8444,1000,20 (address, Mbit/s, tests at once)"
        raise SettingsError(f"{where}: {text[:100]!r} is not a measurement server; write {example}")
    return server


def _database(environment: Mapping[str, str], value: str, path: str) -> str:
    chosen, where = (environment["MOTCUA_DATABASE"], "MOTCUA_DATABASE") if "MOTCUA_DATABASE" in environment else (
        value, f"{path}: database",
    )  # fmt: skip
    if chosen and not chosen.startswith(("postgresql://", "postgresql+psycopg://")):
        raise SettingsError(f"{where}: write postgresql+psycopg://user@host/name, or leave it empty for SQLite")
    return chosen
