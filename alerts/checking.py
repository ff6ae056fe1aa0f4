"""`motcua alerts check-config`: what is in effect, secrets masked, and what of it cannot work."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

import msgspec
import typer
from msgspec import Struct

from alerts.channels import ChannelError
from alerts.channels.post import read_secret
from alerts.settings import Route, Settings, SettingsError, read_settings

FAILED, USAGE = 1, 2
_MASK: Final = "••••••"


@dataclass(frozen=True, slots=True)
class Found:
    """One setting in effect; `fault` is empty where it can be used."""

    key: str
    value: str
    fault: str = ""


def look(settings: Settings) -> list[Found]:
    """Everything the settings say, defaults included, in the order of the file's sections."""
    home = settings.path.parent
    found = [
        Found("board_url", settings.board_url or "–"),
        Found("ca_file", settings.ca_file or "–", _unread(settings)),
    ]
    for name, outlet in settings.outlets.items():
        found.append(Found(f"channels.{name}", outlet.kind))
        found += _fields(f"channels.{name}", outlet.config, home)
    found += [Found(f"routes.{audience}", _way(settings, route)) for audience, route in settings.routes.items()]
    if settings.routes and not settings.has_deputy:
        found.append(Found("routes.deputy", "– (nobody else hears where the officer does not answer)"))
    if settings.heartbeat is None:
        return [*found, Found("heartbeat", "–")]
    return [*found, *_fields("heartbeat", settings.heartbeat, home)]


def mount(app: typer.Typer) -> None:
    """Put the command into a group of commands."""

    @app.command("check-config")
    def check_config(
        path: Annotated[
            Path | None, typer.Option("--home", help="the folder with alerts.toml; else MOTCUA_HOME")
        ] = None,
    ) -> None:
        """Say what alerts.toml brings into effect, without a secret, and what of it cannot work."""
        where = (path or Path(os.environ.get("MOTCUA_HOME") or "var")).absolute()
        try:
            settings = read_settings(where)
        except SettingsError as error:
            sys.stderr.write(f"motcua: {error}\n")
            raise typer.Exit(USAGE) from error
        if not settings.path.exists():
            sys.stdout.write(f"{settings.path} is not there: nobody is told; begin with alerts/alerts.example.toml\n")
            return
        if tell(look(settings)):
            raise typer.Exit(FAILED)


def tell(found: list[Found]) -> int:
    """Write it all out; how many faults there are."""
    width = max(len(one.key) for one in found)
    for one in found:
        sys.stdout.write(f"{one.key:<{width}}  {one.value}\n")
        if one.fault:
            sys.stdout.write(f"{'':<{width}}  ! {one.fault}\n")
    faults = sum(bool(one.fault) for one in found)
    sys.stdout.write(f"\n{faults} fault{'' if faults == 1 else 's'}\n" if faults else "\nall of it can be used\n")
    return faults


def _fields(at: str, config: Struct, home: Path) -> Iterator[Found]:
    for field in msgspec.structs.fields(config):
        value = getattr(config, field.name)
        if isinstance(value, Struct):
            yield from _fields(f"{at}.{field.name}", value, home)
        elif value not in {None, ""} if isinstance(value, str | None) else True:
            yield _found(f"{at}.{field.name}", field.name, value, home)


def _found(key: str, name: str, value: object, home: Path) -> Found:
    if name.endswith("_file"):
        return Found(key, f"{value} ({_MASK})" if name != "ca_file" else str(value), _unfit(home / str(value), name))
    if name in {"url", "urls"}:
        every = [value] if isinstance(value, str) else value if isinstance(value, list) else []
        return Found(key, ", ".join(masked(str(url)) for url in every))
    if name == "template":
        return Found(key, f"{len(str(value))} characters")
    if isinstance(value, dict):
        return Found(key, ", ".join(f"{a} = {b}" for a, b in value.items()) or "–")
    if isinstance(value, list | tuple):
        return Found(key, ", ".join(map(str, value)) or "–")
    return Found(key, str(value).lower() if isinstance(value, bool) else str(value))


def masked(url: str) -> str:
    """An address without what follows its host: many services keep their token there."""
    parts = urlsplit(url)
    rest = parts.path.strip("/") or parts.query
    return f"{parts.scheme}://{parts.netloc}/{_MASK if rest else ''}"


def _unfit(path: Path, name: str) -> str:
    if name == "ca_file":
        return "" if path.is_file() else f"{path}: there is no such file"
    try:
        read_secret(path)
    except ChannelError as error:
        return str(error)
    return ""


def _unread(settings: Settings) -> str:
    return _unfit(settings.path.parent / settings.ca_file, "ca_file") if settings.ca_file else ""


def _way(settings: Settings, route: Route) -> str:
    outlets = ", ".join(f"{name} ({settings.outlets[name].kind})" for name in route.outlets) or "nobody"
    quiet = f"; quiet {_clock(route.quiet.from_min)}-{_clock(route.quiet.to_min)}" if route.quiet else ""
    return f"{outlets}; {route.lang}{quiet}"


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
