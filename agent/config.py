"""The agent's settings: strict TOML in `agent.toml` of its home; everything has a default that is right for most."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from wire import strict
from wire.strict import SettingsError

FILE: Final = "agent.toml"


class Config(msgspec.Struct, frozen=True):
    """Settings of one agent. Who it is and where its collector is stands in `identity.json`, after enrolment."""

    home: str = "/var/lib/motcua-agent"
    collector_url: str = ""  # in place of the address it was enrolled at: a collector that moved keeps its CA
    cut_s: Annotated[float, Meta(ge=1, le=60)] = 60.0
    spool_max_mb: Annotated[int, Meta(ge=1, le=8_192)] = 512
    spool_max_days: Annotated[float, Meta(gt=0, le=30)] = 30.0  # the collector recognises duplicates for 40
    backlog_pace_s: Annotated[float, Meta(ge=0.1, le=60)] = 2.0
    workers: Annotated[int, Meta(ge=1, le=64)] = 8
    metrics_listen: str = ""  # such as "127.0.0.1:9410"; empty: no listener at all
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    def home_path(self) -> Path:
        return Path(self.home).absolute()


def load(path: Path) -> Config:
    """Read and check `path`. Raises SettingsError."""
    return _checked(strict.load(path, Config), str(path))


def for_home(home: Path, path: Path | None = None) -> Config:
    """The settings for the agent in `home`: from `path`, or `home`/agent.toml, or defaults. Raises SettingsError."""
    source = path or home / FILE
    config = load(source) if path is not None or source.exists() else Config()
    return msgspec.structs.replace(config, home=str(home.absolute()))


def listen_address(text: str) -> tuple[str, int]:
    """Host and port of `metrics_listen`. Raises ValueError unless it is a literal loopback address with a port."""
    host, colon, port = text.rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    if not colon or not port.isdigit() or not 0 <= int(port) <= 65_535:
        raise ValueError("it is address:port, such as 127.0.0.1:9410")
    if not ipaddress.ip_address(bare).is_loopback:
        raise ValueError("the agent listens on loopback addresses only")
    return bare, int(port)


def _checked(config: Config, name: str) -> Config:
    if "\0" in config.home or not config.home.strip():
        raise SettingsError(f"{name}: home: this is no folder's name")
    if config.home_path().exists() and not config.home_path().is_dir():
        raise SettingsError(f"{name}: home: {config.home} is there, but it is not a folder")
    if config.collector_url and not config.collector_url.startswith("https://"):
        raise SettingsError(f"{name}: collector_url: the address of a collector begins with https://")
    if config.metrics_listen:
        try:
            listen_address(config.metrics_listen)
        except ValueError as error:
            raise SettingsError(f"{name}: metrics_listen: {error}") from error
    return config
