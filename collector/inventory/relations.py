"""What rows say about each other and about the world: references, spans, addresses nobody may probe."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from collector.inventory.checking import Rows, merged
from collector.inventory.naming import Communes
from collector.inventory.problems import Fault, Problems, shown
from collector.inventory.schema import Body
from collector.inventory.sheets import nearest

Held = Mapping[str, Mapping[str, Body]]
_Flaw = tuple[str, Fault]

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

OWN_ROOMS = "00000"
PRIVATE = "a private address"
NATIONAL_PERIOD_S = 300


def check_relations(held: Held, found: Mapping[str, Rows], problems: Problems) -> None:
    """Add every contradiction between the rows found, and between them and what is held of other tables."""
    world = _World(held, found)
    for table, rows in found.items():
        for key, body in rows.bodies.items():
            for column, fault in world.flaws(table, key, body, problems.room):
                problems.add(rows.file, rows.numbers[key], column, fault)
    for table, column in (("lines", "centre"), ("devices", "centre"), ("rota", "team"), ("centres", "hours")):
        if table not in found:
            _orphans(world, table, column, problems)


class _World:
    def __init__(self, held: Held, found: Mapping[str, Rows]) -> None:
        self.held, self.found = held, found
        communes = merged(held, found, "communes")
        names = {code: str(body["name"]) for code, body in communes.items()}
        self.communes = Communes(names, {code: str(body.get("former", "")) for code, body in communes.items()})
        self.centres = merged(held, found, "centres")
        self.teams = merged(held, found, "teams")
        self.schedules = {str(body["schedule"]) for body in merged(held, found, "hours").values()}
        self.circuits: dict[tuple[str, str], str] = {}
        self.pins: dict[tuple[str, str], str] = {}

    def flaws(self, table: str, key: str, body: Body, room: bool) -> Iterator[_Flaw]:
        """What is wrong with one row; `room` says whether a costly remedy is worth its while."""
        if table == "centres":
            yield from self._centre(key, body, room)
        elif table == "lines":
            yield from self._centre_is_there(key.partition("/")[0], "key")
            yield from self._circuit(key, body)
            yield from _line_addresses(body)
            yield from self._pin(key, body)
        elif table == "devices":
            yield from self._centre_is_there(str(body["centre"]), "centre")
        elif table == "rota":
            yield from self._shift(body)
        elif table == "services":
            yield from service_flaws(body)
        elif table == "norms" and "to" in body and str(body["to"]) <= str(body["from"]):
            yield "to", Fault("the norm ends before it begins", "correct from or to")

    def _centre(self, key: str, body: Body, room: bool) -> Iterator[_Flaw]:
        code = key.partition("-")[0]
        if self.communes and code != OWN_ROOMS and code not in self.communes:
            remedy = self.communes.meant(str(body["name_vi"]), code) if room else "see the table communes"
            yield "key", Fault(f"there is no commune {code}", remedy)
        if "hours" in body and body["hours"] not in self.schedules:
            remedy = (
                nearest(str(body["hours"]), sorted(self.schedules)) if self.schedules else "add it to the table hours"
            )
            yield "hours", Fault(f"there is no schedule {body['hours']}", remedy)
        if ("lat" in body) != ("lon" in body):
            yield "lat", Fault("only one of lat and lon is there", "write both or none")

    def _centre_is_there(self, centre: str, column: str) -> Iterator[_Flaw]:
        if centre not in self.centres:
            yield column, Fault(f"there is no centre {centre}", "add it to the table centres, or correct the key")

    def _circuit(self, key: str, body: Body) -> Iterator[_Flaw]:
        if "circuit" not in body:
            return
        mine = str(body["carrier"]), str(body["circuit"])
        other = self.circuits.setdefault(mine, key)
        if other != key:
            yield (
                "circuit",
                Fault(f"{mine[0]} has this circuit at {other} already", "a circuit is one line: correct one"),
            )

    def _pin(self, key: str, body: Body) -> Iterator[_Flaw]:
        """A router sends what goes to one address by one line."""
        kind, _, target = str(body.get("reach_by", "")).partition(":")
        other = self.pins.setdefault((key.partition("/")[0], target), key) if kind == "pinned" else key
        if other != key:
            yield "reach_by", Fault(f"{target} is pinned to {other} already", "pin another address to this line")

    def _shift(self, body: Body) -> Iterator[_Flaw]:
        if body["team"] not in self.teams:
            yield "team", Fault(f"there is no team {body['team']}", nearest(str(body["team"]), sorted(self.teams)[:50]))
        if str(body["ends"]) <= str(body["starts"]):
            yield "ends", Fault("the shift ends before it begins", "correct starts or ends")


def _orphans(world: _World, table: str, column: str, problems: Problems) -> None:
    """Rows held that would lose what they point to, because the file with it drops that row."""
    targets = {
        "centre": ("centres", world.centres),
        "team": ("teams", world.teams),
        "hours": ("hours", world.schedules),
    }
    name, there = targets[column]
    if name not in world.found:
        return
    for key, body in world.held.get(table, {}).items():
        wanted = body.get(column) or (key.partition("/")[0] if table == "lines" else None)
        if wanted is not None and wanted not in there:
            fault = Fault(f"{wanted} is gone, but {table} still has {key}", f"import the table {table} with it")
            problems.add(world.found[name].file, 0, "", fault)


def _line_addresses(body: Body) -> Iterator[_Flaw]:
    """Whoever is asked by a line, or about it: the address may be private, and never this machine's or nobody's."""
    kind, _, rest = str(body.get("reach_by", "")).partition(":")
    asked = {"gateway": rest, "source": rest, "pinned": rest, "snmp": rest.partition("@")[2]}.get(kind, "")
    router = str(body.get("counters", "")).partition("@")[2]
    for column, text in (("cpe_address", str(body.get("cpe_address", ""))), ("reach_by", asked), ("counters", router)):
        if text and (what := _no_server(ipaddress.ip_address(text))):
            yield column, Fault(f"{text} is {what}", "write the address of the line's own equipment")


def service_flaws(body: Body) -> Iterator[_Flaw]:
    """Rules of conduct: what may be probed, how often, and what may never be switched on."""
    scope, url = str(body["scope"]), str(body.get("url", ""))
    marked = bool(body.get("private"))
    if marked and scope == "national":
        yield "private", Fault("a national service has no private address", "write false, or correct scope")
    if url and scope != "local" and (what := _kept_from(url)) and not (marked and what == PRIVATE):
        remedy = "if it is the province's own network, mark the row private" if what == PRIVATE else ""
        yield "url", Fault(f"{shown(url)} leads to {what}", remedy or "name the service's own address")
    if scope == "national" and int(body["period_s"]) < NATIONAL_PERIOD_S:
        yield "period_s", Fault("national services are asked at most every 300 s", f"write {NATIONAL_PERIOD_S} or more")
    if body["on"]:
        yield from _may_be_on(body, scope, url)


def _may_be_on(body: Body, scope: str, url: str) -> Iterator[_Flaw]:
    if body["confidence"] != "confirmed":
        yield "on", Fault(f"its host is {body['confidence']}, not confirmed", "confirm the host first, or write false")
    if not url or not body.get("checks"):
        yield "on", Fault("it has no address or no checks", "fill url and checks, or write false")
    if scope == "local":
        yield "on", Fault("it runs on the officials' PCs, where no service probe goes", "write false")


def _kept_from(url: str) -> str:
    """What kind of address a probe must keep away from; empty where it need not."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return "this machine itself"
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        # 127.1, 0177.0.0.1 and 0x7f.1 are addresses to a resolver: a name ends in a word.
        last = host.rpartition(".")[2]
        return "" if "." in host and re.fullmatch(r"[0-9]+|0x[0-9a-f]*", last) is None else "no host of a network"
    return _no_server(ip) or ("" if _as_v4(ip).is_global else PRIVATE)


def _as_v4(ip: Address) -> Address:
    """The address itself, or the IPv4 address that it only wraps."""
    return (ip.ipv4_mapped or ip) if isinstance(ip, ipaddress.IPv6Address) else ip


def _no_server(ip: Address) -> str:
    real = _as_v4(ip)
    bad = real.is_loopback or real.is_unspecified or real.is_link_local or real.is_multicast
    return "an address that is no server" if bad else ""
