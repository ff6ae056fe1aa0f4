"""Somebody else answered: login pages of networks on the way, and pages of proxies and filters. Pure recognition.

Whoever stands in between cannot speak with the certificate of the service: what came verified is never suspected.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from agent.net.ranges import is_public, literal
from agent.net.x509 import Certificate

_LOGIN: Final = re.compile(r"""<input[^>]{0,300}type\s*=\s*["']?password""", re.IGNORECASE)
_SENDS_ON: Final = re.compile(
    r"""(?:url\s*=|location(?:\.href)?\s*=|location\.(?:replace|assign)\()\s*["']?https?://([^/"'\s>;:?]{1,253})""",
    re.IGNORECASE,
)
_PORTAL: Final = re.compile(
    r"wispaccessgatewayparam|captive[ _-]?portal|\bhotspot\b|mikrotik|wifidog|chillispot|coovachilli|nodogsplash"
    r"|đăng nhập wi-?fi|wi-?fi login|wifi marketing",
    re.IGNORECASE,
)
_PROXY: Final = re.compile(
    r"\bsquid\b|forti(?:gate|guard|net|proxy)|zscaler|\bsophos\b|blue ?coat|web ?page (?:is )?blocked|web filter"
    r"|palo alto networks|sonicwall|watchguard|cisco umbrella|pfsense|squidguard|mitmproxy|untangle|kerio",
    re.IGNORECASE,
)
_HEADERS: Final = ("server", "via", "x-squid-error", "proxy-agent", "proxy-connection", "www-authenticate")


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer by somebody who did not prove to be the service.

    `home` says whether it came from the service's own zone; `wrong` whether it is not what was expected.
    """

    status: int
    headers: Mapping[str, str]
    text: str
    home: bool
    wrong: bool
    asked_public: bool


def who_answered(heard: Heard) -> str | None:
    """`captive_portal`, `proxy_page`, or None where nothing speaks against the service itself."""
    if heard.status == 511 or "wispaccessgatewayparam" in heard.text.lower() or _logs_in(heard):
        return "captive_portal"
    if heard.status == 407 or "x-squid-error" in heard.headers:
        return "proxy_page"
    return _by_its_words(heard) if heard.wrong else None


def _logs_in(heard: Heard) -> bool:
    """Whether it leads to a login that is not the service's own."""
    if not heard.home and _LOGIN.search(heard.text):
        return True
    return heard.asked_public and any(_own_network(host) for host in _SENDS_ON.findall(heard.text))


def _by_its_words(heard: Heard) -> str | None:
    if _PORTAL.search(heard.text):
        return "captive_portal"
    told = heard.text + " " + " ".join(heard.headers.get(name, "") for name in _HEADERS)
    return "proxy_page" if _PROXY.search(told) else None


def who_signed(certificate: Certificate | None) -> str | None:
    """Of whom a certificate is that should be the service's: None where its names tell nothing."""
    names = "" if certificate is None else f"{certificate.issuer} {certificate.subject}"
    if _PROXY.search(names):
        return "proxy_page"
    return "captive_portal" if _PORTAL.search(names) else None


def _own_network(host: str) -> bool:
    return literal(host) and not is_public(host)
