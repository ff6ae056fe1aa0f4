"""The tables of a province: their columns, what a cell may hold, what the key is. `province/SOURCES.md` explains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from collector.inventory import cells
from collector.inventory.cells import Parse, Value

Body = Mapping[str, Value]
"""A row as it is kept: only the columns that were filled."""

ROWS: Final = 100_000
INVENTED: Final = "invented"
CONFIDENCE: Final = ("confirmed", "second_hand", "memory", "guessed", "verify", "unknown")
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class Column:
    """One column. A cell that is needed may not be empty."""

    name: str
    parse: Parse
    needed: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """One table; the key of a row is made of the columns `key`, joined by slashes."""

    name: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    def key_of(self, row: Body) -> str:
        return "/".join(str(row[column]) for column in self.key)


def _needed(name: str, parse: Parse) -> Column:
    return Column(name, parse, needed=True)


_NOTE: Final = (Column(INVENTED, cells.text(200)), Column("note", cells.text(500)))
_PLACE: Final = (Column("lat", cells.number(-90, 90)), Column("lon", cells.number(-180, 180)))
_CODE: Final = cells.pattern(r"[0-9]{5}", "a commune's code of five digits")
_SLUG: Final = cells.pattern(r"[a-z0-9][a-z0-9-]{0,39}", "an id: small letters, digits and dashes, at most 40")
_SEASON: Final = cells.pattern(r"(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])", "a day of the year such as 04-16")
_PHONE: Final = cells.pattern(r"\+?[0-9][0-9 .-]{2,19}", "a telephone number")

_COMMUNES: Final = Table("communes", ("code",), (
    _needed("code", _CODE), _needed("name", cells.name), _needed("type", cells.one_of("phường", "xã", "đặc khu")),
    _needed("province_code", cells.pattern(r"[0-9]{2}", "a province's code of two digits")),
    _needed("province", cells.name), *_PLACE, Column("former", cells.name), Column("since", cells.day),
    Column("basis", cells.text()), *_NOTE,
))  # fmt: skip

_HOURS: Final = Table("hours", ("schedule", "season_from"), (
    _needed("schedule", _SLUG), _needed("season_from", _SEASON), _needed("season_to", _SEASON),
    *(_needed(day, cells.windows) for day in DAYS), Column("name_vi", cells.name), Column("name_en", cells.name),
    *_NOTE,
))  # fmt: skip

_HOLIDAYS: Final = Table("holidays", ("date",), (
    _needed("date", cells.day), _needed("kind", cells.one_of("off", "off_provisional", "working_swap")),
    _needed("name", cells.name), Column("source", cells.text()),
))  # fmt: skip

_CENTRES: Final = Table("centres", ("key",), (
    _needed("key", cells.centre_key), _needed("name_vi", cells.name), Column("name_en", cells.name),
    Column("type", cells.text(40)), *_PLACE, Column("located", cells.one_of("area_centroid", "office")),
    Column("area", _SLUG), Column("hours", _SLUG), Column("dossiers_per_hour", cells.number(0, 10_000)),
    Column("contact", cells.name), Column("phone", _PHONE), *_NOTE,
))  # fmt: skip

_LINES: Final = Table("lines", ("key",), (
    _needed("key", cells.line_key), _needed("kind", cells.one_of("internet", "tslcd", "mobile")),
    _needed("carrier", _SLUG), Column("circuit", cells.text(60)),
    Column("contract_bps", cells.whole(1, 1_000_000_000_000)), Column("cpe_address", cells.address),
    Column("uplink_group", _SLUG), Column("reach_by", cells.reach_by),
    Column("egress", cells.networks), Column("counters", cells.counters), *_NOTE,
))  # fmt: skip

DEVICE_KINDS: Final = (
    "pc", "laptop", "printer", "scanner", "photocopier", "multifunction", "router", "cpe", "switch", "wifi", "firewall",
    "ups", "camera", "recorder", "kiosk", "queue", "display", "card_reader", "video_conference", "sensor", "other",
)  # fmt: skip

_DEVICES: Final = Table("devices", ("key",), (
    _needed("key", cells.key), _needed("centre", cells.centre_key), _needed("kind", cells.one_of(*DEVICE_KINDS)),
    Column("name", cells.name), Column("model", cells.text(120)), Column("os", cells.text(80)),
    Column("bought", cells.day), Column("cost_vnd", cells.whole(0, 10_000_000_000_000)),
    Column("life_years", cells.whole(1, 50)), Column("life_basis", cells.text(120)),
    Column("address", cells.address), *_NOTE,
))  # fmt: skip

_TEAMS: Final = Table("teams", ("key",), (
    _needed("key", _SLUG), _needed("name_vi", cells.name), Column("name_en", cells.name),
    _needed("organisation", _SLUG), Column("areas", cells.words),
    Column("owns", cells.some_of("power", "lan", "device", "line", "province", "service", "signing", "certificate")),
    Column("phone", _PHONE), Column("email", cells.pattern(r"[^@\s<>]+@[^@\s<>]+", "a mail address", 120)), *_NOTE,
))  # fmt: skip

_ROTA: Final = Table("rota", ("team", "starts", "person"), (
    _needed("team", _SLUG), _needed("starts", cells.moment), _needed("ends", cells.moment),
    _needed("person", cells.name), Column("phone", _PHONE), *_NOTE,
))  # fmt: skip

CHECKS: Final = ("http", "tls", "ttfb", "tcp", "udp", "smtp", "imap", "rfc3161", "ocsp", "websocket")

_SERVICES: Final = Table("services", ("id",), (
    _needed("id", _SLUG), _needed("name_vi", cells.name), _needed("name_en", cells.name),
    _needed("owner", cells.name), _needed("scope", cells.one_of("national", "province", "local")),
    Column("url", cells.url), Column("checks", cells.some_of(*CHECKS)), _needed("slow_s", cells.number(0.01, 300)),
    _needed("period_s", cells.whole(30, 86_400)), _needed("budget_per_minute", cells.whole(0, 10_000)),
    _needed("on", cells.yes_no), Column("private", cells.yes_no),
    _needed("confidence", cells.one_of(*CONFIDENCE)), Column("source", cells.text()),
    *_NOTE,
))  # fmt: skip

FIGURES: Final = (
    "use_p95", "speed_share", "contract", "rtt", "loss", "jitter", "availability", "longest_outage", "outage_p90",
)  # fmt: skip
"""What of a line a norm is about (collector/reading/norms.py); a norm that names none is shown and not compared."""

UNITS: Final = ("s", "ratio", "bit_s", "vnd", "years", "persons_per_unit", "celsius", "humidity_ratio")

_NORMS: Final = Table("norms", ("id", "from"), (
    _needed("id", _SLUG), _needed("name_vi", cells.name), _needed("name_en", cells.name), _needed("from", cells.day),
    Column("to", cells.day), Column("applies_to", cells.words), _needed("value", cells.number(-1e15, 1e15)),
    _needed("unit", cells.one_of(*UNITS)),
    Column("limit", cells.one_of("at_most", "at_least", "equal")), Column("figure", cells.one_of(*FIGURES)),
    _needed("basis", cells.text()),
    _needed("confidence", cells.one_of(*CONFIDENCE)), *_NOTE,
))  # fmt: skip

TABLES: Final[Mapping[str, Table]] = {
    table.name: table
    for table in (
        _COMMUNES, _HOURS, _HOLIDAYS, _CENTRES, _LINES, _DEVICES, _TEAMS, _ROTA, _SERVICES, _NORMS,
    )
}  # fmt: skip
"""By name, in the order of import."""
