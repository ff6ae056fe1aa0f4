"""The agent's settings: strict TOML in `agent.toml` of its home; everything has a default that is right for most."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address
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
    lan_listen: str = ""  # such as "0.0.0.0:8088": the page for the centre's own network; empty: none
    lan_carry: str = ""  # the board's address as phones reach it, such as "https://motcua.example.vn": for QR codes
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


def lan_address(text: str) -> tuple[str, int]:
    """Host and port of `lan_listen`. Raises ValueError for an address that is no network's own, or public."""
    host, port = _literal(text)
    if not (ip_address(host).is_private or ip_address(host).is_unspecified):
        raise ValueError("the page is for the centre's own network: listen on a private address, or on 0.0.0.0")
    return host, port


def listen_address(text: str) -> tuple[str, int]:
    """Host and port of `metrics_listen`. Raises ValueError unless it is a literal loopback address with a port."""
    bare, port = _literal(text)
    if not ip_address(bare).is_loopback:
        raise ValueError("the agent listens on loopback addresses only")
    return bare, port


def _literal(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    if not colon or not port.isdigit() or not 0 <= int(port) <= 65_535:
        raise ValueError("it is address:port, such as 127.0.0.1:9410")
    return str(ip_address(bare)), int(port)


def _checked(config: Config, name: str) -> Config:
    if "\0" in config.home or not config.home.strip():
        raise SettingsError(f"{name}: home: this is no folder's name")
    if config.home_path().exists() and not config.home_path().is_dir():
        raise SettingsError(f"{name}: home: {config.home} is there, but it is not a folder")
    if config.collector_url and not config.collector_url.startswith("https://"):
        raise SettingsError(f"{name}: collector_url: the address of a collector begins with https://")
    if config.lan_carry and not config.lan_carry.startswith("https://"):
        raise SettingsError(f"{name}: lan_carry: the address that phones open begins with https://")
    listeners: tuple[tuple[str, str, Callable[[str], object]], ...] = (
        ("metrics_listen", config.metrics_listen, listen_address), ("lan_listen", config.lan_listen, lan_address),
    )  # fmt: skip
    for key, text, read in listeners:
        try:
            if text:
                read(text)
        except ValueError as error:
            raise SettingsError(f"{name}: {key}: {error}") from error
    return config
