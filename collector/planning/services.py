"""A row of the table `services` as something to measure: what is asked, and how many requests a run may make."""

from __future__ import annotations

import ipaddress
from typing import Final
from urllib.parse import urlsplit

from collector.inventory.schema import Body
from collector.planning.budget import Service
from collector.planning.drawing import REDIRECTS

OFF: Final = "it is switched off"
LONGEST: Final = 200
"""Characters of a plan item's target (wire.messages.Text)."""

_BOTH: Final = 2  # versions of IP
_PORTS: Final = {"https": 443, "http": 80}
# The first of these among a row's checks says what is spoken; the probe has no word for the others.
_SPOKEN: Final = ("http", "ttfb", "rfc3161", "ocsp", "smtp", "imap", "tcp", "tls")


def service_of(body: Body) -> Service | str:
    """What a row asks to have measured; a sentence where it is not measured, and why."""
    if not body["on"]:
        return OFF
    if body["confidence"] != "confirmed":
        return f"its host is {body['confidence']}, not confirmed"
    if not body["budget_per_minute"]:
        return "its budget is 0"
    checks, url = str(body.get("checks", "")).split(), str(body.get("url", ""))
    spoken = next((check for check in _SPOKEN if check in checks), "")
    target = _target(spoken, url)
    if not target or len(target) > LONGEST:
        return f"the agents cannot ask {' '.join(checks) or 'nothing'} of {url[:80] or 'no address'}"
    followed = target.startswith(("http://", "https://"))
    return Service(
        str(body["id"]), target, body["scope"] == "national", float(body["period_s"]), int(body["budget_per_minute"]),
        _BOTH * (1 + REDIRECTS if followed else 1), bool(body.get("private")),
    )  # fmt: skip


def _target(spoken: str, url: str) -> str:
    """The probe's URL; empty where there is none for what is spoken."""
    parts = urlsplit(url)
    web = parts.scheme in _PORTS
    if spoken in {"http", "ttfb"} or (spoken == "tls" and web):
        return url if web else ""
    if spoken in {"rfc3161", "ocsp"}:
        return f"{spoken}{url.removeprefix('http')}" if parts.scheme == "http" else ""
    if spoken == "tcp" and web:
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        return f"tcp://{host}:{parts.port or _PORTS[parts.scheme]}"
    if spoken in {"smtp", "imap"} and web:
        return f"{spoken}://{parts.hostname}"
    return url if parts.scheme == spoken else ""


def host_of(service: Service) -> str:
    """The name that is looked up before it is asked; empty where its address is a numeric one."""
    host = urlsplit(service.target).hostname or ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host
    return ""
