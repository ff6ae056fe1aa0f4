"""`alerts.toml` in the home: channels by name, who is told by which of them, and the collector's own heartbeat."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final

from msgspec import Meta, Struct

from alerts import channels
from alerts.channels import Address, Letter, Post, alertmanager
from alerts.channels.address import check_url
from alerts.channels.letter import Lang
from alerts.deliver import heartbeat
from alerts.dispatch.calling import DEPUTY
from wire import strict
from wire.clock import Clock
from wire.strict import SettingsError

__all__ = ["Outlet", "Quiet", "Route", "Settings", "SettingsError", "read_settings"]

FILE: Final = "alerts.toml"
_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_AUDIENCE: Final = re.compile(r"officer|deputy|\*|team:(\*|[a-z0-9-]{1,60})|centre:(\*|[0-9]{5}-[0-9]{1,3})")
_SPAN: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True, slots=True)
class Outlet:
    """A channel as it is set up here; `name` is what the outbox calls it."""

    name: str
    kind: str
    config: Struct

    @property
    def address(self) -> Address:
        """What its letters need for an address. Raises ImportError where its library is missing."""
        return channels.load(self.kind).ADDRESS

    def send(self, letter: Letter, post: Post) -> str:
        """Raises ChannelError, and ImportError where its library is missing."""
        return channels.load(self.kind).send(self.config, letter, post)


@dataclass(frozen=True, slots=True)
class Quiet:
    """Minutes of the local day from which and until which nobody is woken; it may go over midnight."""

    from_min: int
    to_min: int

    def holds(self, minute: int) -> bool:
        """Whether a minute of the local day is quiet."""
        if self.from_min <= self.to_min:
            return self.from_min <= minute < self.to_min
        return minute >= self.from_min or minute < self.to_min


@dataclass(frozen=True, slots=True)
class Route:
    """How an audience is told: by each of `outlets`, in this order. `addresses` by name of the channel, where the
    settings tell them; else a team's e-mail or telephone of the inventory is meant."""

    outlets: tuple[str, ...]
    lang: Lang = "vi"
    quiet: Quiet | None = None
    addresses: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything of the file. `board_url`: what links in letters begin with; empty: letters have none."""

    path: Path
    outlets: Mapping[str, Outlet] = field(default_factory=dict)
    routes: Mapping[str, Route] = field(default_factory=dict)
    board_url: str = ""
    ca_file: str = ""
    heartbeat: heartbeat.Config | None = None

    def post(self, clock: Clock) -> Post:
        """What its channels send by."""
        ca_file = self.path.parent / self.ca_file if self.ca_file else None
        return Post(self.path.parent, clock, ca_file=ca_file)

    def beats_to(self) -> alertmanager.Config | None:
        """The Alertmanager that hears the heartbeat, where one does."""
        name = self.heartbeat.channel if self.heartbeat is not None else ""
        config = self.outlets[name].config if name else None
        return config if isinstance(config, alertmanager.Config) else None

    @property
    def has_deputy(self) -> bool:
        """Whether somebody hears where the officer does not answer: only whom the settings name, not `*`."""
        return bool((found := self.routes.get(DEPUTY)) and found.outlets)

    def route(self, audience: str) -> Route | None:
        """Of `team:vnpt-bac`: its own, that of `team:*`, that of `*`; None: nobody is told."""
        kind = audience.partition(":")[0]
        return next((r for key in (audience, f"{kind}:*", "*") if (r := self.routes.get(key))), None)


class _Route(Struct, frozen=True, forbid_unknown_fields=True):
    channels: list[str]
    lang: Lang = "vi"
    quiet: str = ""
    addresses: dict[str, str] = {}


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    board_url: Annotated[str, Meta(max_length=200)] = ""
    ca_file: str = ""
    channels: dict[str, dict[str, object]] = {}
    routes: dict[str, _Route] = {}
    heartbeat: heartbeat.Config | None = None


def read_settings(home: Path) -> Settings:
    """The settings in `home`; where there is no file, nobody is told anything. Raises SettingsError."""
    path = home / FILE
    if not path.exists():
        return Settings(path)
    file = strict.load(path, _File)
    outlets = {name: _outlet(name, tree, f"{path}: channels.{name}") for name, tree in file.channels.items()}
    routes = {name: _route(name, raw, outlets, f"{path}: routes.{name}") for name, raw in file.routes.items()}
    beat = _heartbeat(file.heartbeat, outlets, f"{path}: heartbeat.channel")
    return Settings(path, outlets, routes, _board(file.board_url, f"{path}: board_url"), file.ca_file, beat)


def _board(url: str, where: str) -> str:
    try:
        if url:
            check_url(url)
    except ValueError as error:
        raise SettingsError(f"{where}: {error}") from error
    return url.rstrip("/")


def _heartbeat(beat: heartbeat.Config | None, outlets: Mapping[str, Outlet], where: str) -> heartbeat.Config | None:
    named = beat.channel if beat is not None else ""
    able = [name for name, outlet in outlets.items() if outlet.kind == "alertmanager"]
    if named and named not in able:
        raise SettingsError(f"{where}: there is no channel {named!r} of kind alertmanager{strict.nearest(named, able)}")
    return beat


def _outlet(name: str, tree: Mapping[str, object], where: str) -> Outlet:
    if _NAME.fullmatch(name) is None:
        raise SettingsError(f"{where}: a channel's name is small letters, digits, - and _, at most 40")
    kind = tree.get("kind")
    if not isinstance(kind, str) or kind not in channels.CHANNELS:
        raise SettingsError(f"{where}: kind is one of {', '.join(channels.CHANNELS)}, not {str(kind)[:40]!r}")
    try:
        struct = channels.load(kind).Config
    except ModuleNotFoundError as error:
        raise SettingsError(f"{where}: needs {error.name}: pip install 'motcua[alerts]'") from error
    return Outlet(name, kind, strict.convert({k: v for k, v in tree.items() if k != "kind"}, struct, where))


def _route(audience: str, raw: _Route, outlets: Mapping[str, Outlet], where: str) -> Route:
    if _AUDIENCE.fullmatch(audience) is None:
        raise SettingsError(f"{where}: an audience is officer, deputy, team:<key>, team:*, centre:<key>, centre:* or *")
    for name in (*raw.channels, *raw.addresses):
        if name not in outlets:
            raise SettingsError(f"{where}: there is no channel {name[:40]!r}{strict.nearest(name, list(outlets))}")
    return Route(tuple(raw.channels), raw.lang, _quiet(raw.quiet, f"{where}.quiet"), raw.addresses)


def _quiet(text: str, where: str) -> Quiet | None:
    if not text:
        return None
    found = _SPAN.fullmatch(text)
    if found is None:
        raise SettingsError(f"{where}: {text[:40]!r} is no span of the day; write 22:00-06:00")
    hours, minutes, to_hours, to_minutes = (int(part) for part in found.groups())
    return Quiet(hours * 60 + minutes, to_hours * 60 + to_minutes)
