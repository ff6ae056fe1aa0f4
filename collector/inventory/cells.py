"""What a cell may hold: each function takes its trimmed text, never empty, and gives a value or raises CellError."""

from __future__ import annotations

import ipaddress
import math
import re
import unicodedata
from collections.abc import Callable
from datetime import date, datetime
from typing import Final
from urllib.parse import urlsplit

from collector.inventory.problems import CellError, shown
from wire.identity import IdentityError, parse_centre, parse_subject

Value = str | int | float | bool
Parse = Callable[[str], Value]

# Vietnamese typed in the fonts of the nineties (TCVN3, ABC) shows as such signs; no name in Unicode has them.
_OLD_FONT: Final = frozenset("µ¶¸¹»¼½¾¨®©¬")
_YES: Final = {"true": True, "yes": True, "on": True, "1": True, "có": True}
_NO: Final = {"false": False, "no": False, "off": False, "0": False, "không": False}
_WINDOW: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-4]):([0-5][0-9])")


def text(limit: int = 200) -> Parse:
    """Any text on one line, composed (NFC). What a spreadsheet would take for a formula is refused."""

    def parse(cell: str) -> str:
        composed = unicodedata.normalize("NFC", cell)
        if len(composed) > limit:
            raise CellError(f"{len(composed)} characters", f"write at most {limit}")
        if composed[0] in "=@":
            raise CellError(
                f"{shown(composed)} begins like a formula", "formulas are never evaluated: write the value itself"
            )
        if any(unicodedata.category(sign) in {"Cc", "Cs", "Co", "Cn"} for sign in composed):
            raise CellError("a control character or a line break", "write it on one line, as plain text")
        return composed

    return parse


def name(cell: str) -> str:
    """What people call something: text, in Unicode and not in an old font."""
    composed = str(text(200)(cell))
    if _OLD_FONT.intersection(composed):
        raise CellError(f"{shown(composed)} looks like the font TCVN3 (ABC)", "convert the text to Unicode first")
    return composed


def pattern(form: str, meant: str, limit: int = 60) -> Parse:
    """Text of a given form."""
    compiled = re.compile(form)

    def parse(cell: str) -> str:
        if len(cell) > limit or compiled.fullmatch(cell) is None:
            raise CellError(f"{shown(cell)} is not {meant}", "correct it; a spreadsheet keeps zeros only in text cells")
        return cell

    return parse


def one_of(*allowed: str) -> Parse:
    """One word of a closed list."""

    def parse(cell: str) -> str:
        if cell not in allowed:
            raise CellError(f"{shown(cell)} is not known here", f"use one of {', '.join(allowed)}")
        return cell

    return parse


def some_of(*allowed: str) -> Parse:
    """Words of a closed list, parted by blanks or semicolons; kept in order, parted by one blank."""

    def parse(cell: str) -> str:
        words = cell.replace(";", " ").split()
        for word in words:
            one_of(*allowed)(word)
        return " ".join(dict.fromkeys(words))

    return parse


def words(cell: str) -> str:
    """Keys of other things, parted by blanks or semicolons."""
    return " ".join(dict.fromkeys(str(key(word)) for word in cell.replace(";", " ").split()))


key: Final = pattern(r"[A-Za-z0-9][A-Za-z0-9._/-]*", "a key: letters, digits, dots, dashes, slashes; at most 60", 60)


def whole(low: int, high: int) -> Parse:
    """A whole number within bounds."""

    def parse(cell: str) -> int:
        if re.fullmatch(r"-?[0-9]{1,18}", cell) is None:
            raise CellError(f"{shown(cell)} is not a whole number", "write digits only, without separators or units")
        if not low <= int(cell) <= high:
            raise CellError(f"{cell} is out of bounds", f"write a number from {low} to {high}")
        return int(cell)

    return parse


def number(low: float, high: float) -> Parse:
    """A finite number within bounds, with a decimal point."""

    def parse(cell: str) -> float:
        try:
            found = float(cell) if re.fullmatch(r"[-+0-9.eE]{1,40}", cell) else math.nan
        except ValueError:
            found = math.nan
        if not math.isfinite(found):
            raise CellError(f"{shown(cell)} is not a number", "write it with a decimal point, such as 21.5")
        if not low <= found <= high:
            raise CellError(f"{cell} is out of bounds", f"write a number from {low:g} to {high:g}")
        return found

    return parse


def yes_no(cell: str) -> bool:
    """True or false."""
    found = {**_YES, **_NO}.get(cell.lower())
    if found is None:
        raise CellError(f"{shown(cell)} is neither true nor false", "write true or false")
    return found


def day(cell: str) -> str:
    """A date: 2026-11-21, or day first as it is written in Vietnam: 21/11/2026. Kept as 2026-11-21."""
    for form in ("%Y-%m-%d", "%d/%m/%Y"):
        try:
            found = datetime.strptime(cell, form).date()  # noqa: DTZ007  # a day has no zone
        except ValueError:
            continue
        if date(1990, 1, 1) <= found <= date(2100, 12, 31):
            return found.isoformat()
    raise CellError(f"{shown(cell)} is not a date from 1990 to 2100", "write 2026-11-21, or 21/11/2026 (day first)")


def moment(cell: str) -> str:
    """A local time of a day: 2026-11-21 07:30, or the day alone for its beginning."""
    head, _, tail = cell.replace("T", " ").partition(" ")
    clock = tail[:5] or "00:00"
    if re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", clock) is None or tail[5:] not in {"", ":00"}:
        raise CellError(f"{shown(cell)} is not a local time", "write 2026-11-21 07:30")
    return f"{day(head)} {clock}"


def windows(cell: str) -> str:
    """Opening hours of a weekday, `07:30-11:30; 13:30-17:00`, or `closed`."""
    if cell == "closed":
        return cell
    parts = [part.strip() for part in cell.split(";") if part.strip()]
    last = ""
    for part in parts:
        start, _, end = part.partition("-")
        if _WINDOW.fullmatch(part) is None or not last <= start < end <= "24:00":
            raise CellError(f"{shown(cell)} are not opening hours", "write 07:30-11:30; 13:30-17:00, or closed")
        last = end
    return "; ".join(parts)


def address(cell: str) -> str:
    """An IP address."""
    try:
        return str(ipaddress.ip_address(cell))
    except ValueError:
        raise CellError(f"{shown(cell)} is not an IP address", "write one such as 192.0.2.7 or 2001:db8::7") from None


def networks(cell: str) -> str:
    """Addresses and networks, parted by blanks or semicolons; at most 16, none wider than /16 or /48."""
    found: list[str] = []
    for word in cell.replace(";", " ").split():
        try:
            network = ipaddress.ip_network(word, strict=False)
        except ValueError:
            raise CellError(
                f"{shown(word)} is not an address or network",
                "write some such as 192.0.2.7 or 198.51.100.0/28",
            ) from None
        if network.prefixlen < (16 if network.version == 4 else 48):
            raise CellError(f"{shown(word)} is too wide to tell a line by", "write the addresses of this line alone")
        found.append(str(network.network_address) if network.num_addresses == 1 else str(network))
    if not 0 < len(found) <= 16:
        raise CellError(f"{len(found)} addresses", "write 1 to 16")
    return " ".join(dict.fromkeys(found))


def reach_by(cell: str) -> str:
    """How a box sends by this line, or what else tells of it.

    `default`, `interface:<name>`, `source:<address>`, `gateway:<address>`, `pinned:<address>` (a router at the centre
    sends what goes there by this line), `snmp:<interface>[@<address>]` (only its router's counters), `none`.
    """
    kind, _, rest = cell.partition(":")
    if kind in {"gateway", "source", "pinned"} and rest:
        return f"{kind}:{address(rest)}"
    if cell in {"default", "none"} or re.fullmatch(r"interface:[A-Za-z0-9._-]{1,15}", cell):
        return cell
    if kind == "snmp":
        return _snmp(rest)
    raise CellError(
        f"{shown(cell)} does not say how the line is reached",
        "write default, interface:eth1, source:192.0.2.7, pinned:198.51.100.9, snmp:wan1, gateway:192.0.2.1 or none",
    )


def counters(cell: str) -> str:
    """What counts the traffic of a line: `snmp:<interface>[@<address>]`, or `none`: not even the port of the box."""
    kind, _, rest = cell.partition(":")
    if cell == "none":
        return cell
    if kind == "snmp":
        return _snmp(rest)
    raise CellError(f"{shown(cell)} does not say what counts", "write snmp:wan1, snmp:wan1@192.0.2.1 or none")


def _snmp(rest: str) -> str:
    """An interface of a router by its name (ifName, RFC 2863) or number (ifIndex), and the router's address."""
    interface, at, host = rest.partition("@")
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._/:-]{0,39}", interface) is None or (at and not host):
        raise CellError(
            f"{shown(rest)} is not an interface of a router", "write snmp:wan1, snmp:3 or snmp:wan1@192.0.2.1"
        )
    return f"snmp:{interface}@{address(host)}" if at else f"snmp:{interface}"


def centre_key(cell: str) -> str:
    """A centre's key such as 07375-1."""
    try:
        return parse_centre(cell)
    except IdentityError as error:
        raise CellError(f"{shown(cell)} is not a centre's key", _key_remedy(cell)) from error


def line_key(cell: str) -> str:
    """A line's key such as 07375-1/a."""
    try:
        return parse_subject(f"line:{cell}").key
    except IdentityError as error:
        raise CellError(
            f"{shown(cell)} is not a line's key", "write the centre's key, / and a letter: 07375-1/a"
        ) from error


def _key_remedy(cell: str) -> str:
    zero = re.fullmatch(r"([0-9]{4})-([0-9]{1,3})", cell)
    if zero:
        return f"a leading zero was lost, probably by a spreadsheet: 0{cell}; format the column as text"
    return "write the commune's five digits, a dash and the site number: 07375-1"


def url(cell: str) -> str:
    """An address of the web, of a mail server or of a bare port, without credentials."""
    try:
        parts = urlsplit(cell)
        sound = parts.scheme in URL_SCHEMES and bool(parts.hostname) and parts.port != 0 and parts.username is None
    except ValueError:
        sound = False
    if not sound or len(cell) > 300 or re.fullmatch(r"[!-~]+", cell) is None or set("<>\"'{}|\\^`").intersection(cell):
        raise CellError(
            f"{shown(cell)} is not an address", f"write one of {', '.join(URL_SCHEMES)} and ://, a host, no password"
        )
    return cell


URL_SCHEMES: Final = ("https", "http", "wss", "tcp", "udp", "smtp", "imap")
