"""How well the box hears its access point, where its default route goes out by Wi-Fi: signal and quality.

Target `default`: the interface of the default route. Read from /proc/net/wireless; nothing is sent.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from agent.context import Context
from agent.net import gateway
from agent.probes import Measured
from agent.probes.given import Ended, bad_setting, kind_of, settings_of
from wire.messages import PlanItem, Value
from wire.outcomes import OK, unknown

PHASES: Final = ()

_MAX_TABLE_BYTES: Final = 64 * 1024
_ROW: Final = re.compile(r"\s*(?P<name>\S+):\s+[0-9a-fA-F]+\s+(?P<link>-?\d+)\.?\s+(?P<level>-?\d+)\.?\s")
# cfg80211 tells signals from -110 to -40 dBm as a link of 0 to 70 (net/wireless/wext-compat.c), and others of 100.
_DBM: Final = range(-120, 0)
_BEST_DBM, _BEST = 70, 100


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """`interface`: look at this one instead of the default route's."""

    interface: Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{0,15}\Z")] = ""


def probe(item: PlanItem, ctx: Context) -> Measured:
    """One look. Unknown where the way out is no Wi-Fi, or where its driver tells nothing this way."""
    try:
        kind_of(item, ("lan",))
        name = settings_of(item, Settings).interface
        if item.target != "default":
            raise bad_setting("target", "default: the interface of the default route")
        name = name or _outlet(ctx)
        link, level = _row(name, ctx)
    except Ended as ended:
        return Measured(ended.result, detail=ended.detail)
    ctx.explain(f"{name}: link {link}, level {level}")
    values = values_of(name, link, level)
    if not values:
        return Measured(unknown("unsupported"), detail={"interface": name, "link": link, "level": level})
    return Measured(OK, values, detail={"interface": name})


def values_of(name: str, link: int, level: int) -> list[Value]:
    """A row's numbers; what is out of all bounds is left out."""
    in_dbm = level in _DBM
    best = _BEST_DBM if in_dbm and link <= _BEST_DBM else _BEST
    values = [Value("motcua_lan_wifi_signal_dbm", float(level), name)] if in_dbm else []
    return [*values, Value("motcua_lan_wifi_quality_ratio", link / best, name)] if 0 <= link <= best else values


def _outlet(ctx: Context) -> str:
    try:
        name = gateway.outlet(ctx.proc)
    except gateway.Unsupported as error:
        raise Ended(unknown("unsupported"), error=str(error)) from error
    if name is None:
        raise Ended(unknown("no_gateway"), error="there is no default route")
    return name


def _row(name: str, ctx: Context) -> tuple[int, int]:
    table = _read(ctx.proc / "net/wireless")
    for line in table.splitlines():
        row = _ROW.match(line)
        if row is not None and row["name"] == name:
            return int(row["link"]), int(row["level"])
    known = ctx.root / "sys/class/net" / name
    if (known / "wireless").exists() or (known / "phy80211").exists():
        raise Ended(unknown("unsupported"), interface=name, error="its driver is not in /proc/net/wireless")
    raise Ended(unknown("not_wireless"), interface=name)


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_TABLE_BYTES).decode("ascii", "replace")
    except OSError:
        return ""  # without a wireless driver Linux has no such file
