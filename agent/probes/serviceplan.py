"""What a plan may ask of the service probe: settings with their bounds, and a target as a place to go to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Final
from urllib.parse import quote, urljoin, urlsplit

import msgspec
from msgspec import Meta

from agent.net.ranges import literal
from agent.net.resolve import Family
from agent.probes.given import bad_setting

_HOST: Final = re.compile(r"(?=.{1,253}\Z)([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.?)+\Z")
_STATUSES: Final = r"^[1-5][0-9]{2}(-[1-5][0-9]{2})?(,[1-5][0-9]{2}(-[1-5][0-9]{2})?)*\Z"
_SECOND_LEVEL: Final = frozenset({"gov", "com", "edu", "org", "net", "ac", "co"})

# Scheme: port, and what is spoken there.
PORTS: Final = {
    "http": 80, "https": 443, "rfc3161": 80, "ocsp": 80, "smtp": 25, "smtps": 465, "imap": 143, "imaps": 993,
    "tcp": 0, "udp": 0,
}  # fmt: skip
WEB: Final = frozenset({"http", "https"})
ENDPOINTS: Final = frozenset({"rfc3161", "ocsp"})
MAIL: Final = frozenset({"smtp", "smtps", "imap", "imaps"})
SECURE: Final = frozenset({"https", "smtps", "imaps"})

Line = Annotated[str, Meta(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*\Z")]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How a service is asked and what is expected of it.

    `dual` asks over IPv4 and IPv6, one after the other. `allow_private` lets it go to addresses that are not of the
    open internet. `status` lists what HTTP status passes, `text` what must stand in the first `text_kib` of the page;
    no more than `body_kib` are read. `hosts` are those that redirects may lead to, beside the target's own zone.
    `trust` is `system`, or `any` for a certificate of a private authority: only its end is judged then. `issuer` is a
    part of the name of the certificate's issuer. `starttls` is for mail, `banner` for mail and tcp, `send` (hex) for
    udp.
    """

    family: Family = "any"
    dual: bool = False
    allow_private: bool = False
    status: Annotated[str, Meta(max_length=120, pattern=_STATUSES)] = "200-399"
    text: Line = ""
    text_kib: Annotated[int, Meta(ge=1, le=1024)] = 64
    body_kib: Annotated[int, Meta(ge=1, le=4096)] = 256
    redirects: Annotated[int, Meta(ge=0, le=10)] = 5
    hosts: Line = ""
    trust: Annotated[str, Meta(pattern=r"^(system|any)\Z")] = "system"
    issuer: Line = ""
    starttls: Annotated[str, Meta(pattern=r"^(offered|required|no)\Z")] = "offered"
    banner: Line = ""
    send: Annotated[str, Meta(max_length=1024, pattern=r"^([0-9A-Fa-f]{2})*\Z")] = ""

    def passes(self, status: int) -> bool:
        """Whether a status is among the expected ones."""
        spans = (span.partition("-") for span in self.status.split(","))
        return any(int(low) <= status <= int(high or low) for low, _, high in spans)


@dataclass(frozen=True, slots=True)
class Place:
    """Where to ask, and in which language. `path` is for HTTP and begins with a slash."""

    scheme: str
    host: str
    port: int
    path: str = "/"

    @property
    def shown(self) -> str:
        """The place for people and records: without its query, which may hold what nobody should read."""
        port = "" if self.port == PORTS[self.scheme] else f":{self.port}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        path = self.path.partition("?")[0] if self.web else ""
        return f"{self.scheme}://{host}{port}{path}"[:200]

    @property
    def netloc(self) -> str:
        """For the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def web(self) -> bool:
        return self.scheme in WEB | ENDPOINTS

    @property
    def secure(self) -> bool:
        """Encrypted from the first byte on."""
        return self.scheme in SECURE


def place(url: str) -> Place:
    """Take a target apart. Raises ValueError with what is wrong."""
    parts = urlsplit(url)
    if parts.scheme not in PORTS:
        raise ValueError(f"does not begin with one of {', '.join(f'{s}://' for s in PORTS)}")
    if "@" in parts.netloc:
        raise ValueError("holds a login, and the agent logs in nowhere")
    host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
    if not port:
        raise ValueError("names no port")
    if not literal(host) and not _HOST.match(host):
        raise ValueError(f"has a host {host[:60]!r} that is neither a name of letters and digits nor an address")
    path = quote((parts.path or "/") + (f"?{parts.query}" if parts.query else ""), safe="%/:=&?~#+!$,;'@()*[]")
    if parts.scheme not in WEB | ENDPOINTS and path != "/":
        raise ValueError(f"{parts.scheme}:// has a host and a port, and no path")
    return Place(parts.scheme, host, port, path)


def target(url: str) -> Place:
    """The place a plan names. Raises Ended."""
    try:
        return place(url)
    except ValueError as error:
        raise bad_setting("target", f"a service's URL; this one {error}") from error


def onward(here: Place, location: str) -> Place:
    """Where a redirect leads. Raises ValueError where that is no place on the web."""
    raw = location.encode("latin-1", "replace").decode("utf-8", "replace")  # as http.client read it
    scheme = here.scheme if here.scheme in WEB else "http"
    there = place(urljoin(f"{scheme}://{here.netloc}{here.path}", raw.strip()[:4096]))
    if there.scheme not in WEB:
        raise ValueError(f"{there.scheme}:// is not the web")
    return there


def at_home(host: str, asked: str, allowed: str) -> bool:
    """Whether `host` is of the zone of the host that was asked, or among the allowed ones (`a.vn, b.vn`)."""
    if host == asked or (not literal(host) and not literal(asked) and zone(host) == zone(asked)):
        return True
    return host in {name.strip().lower() for name in allowed.split(",")}


def zone(host: str) -> str:
    """What one owner holds of a name, near enough: `bacninh.gov.vn` of `www.bacninh.gov.vn`."""
    labels = host.lower().rstrip(".").split(".")
    return ".".join(labels[-3:] if len(labels) > 2 and labels[-2] in _SECOND_LEVEL else labels[-2:])
