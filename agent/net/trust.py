"""TLS as a browser of this machine would speak it, and the certificate it was shown, accepted or not."""

from __future__ import annotations

import ssl
import time
from functools import lru_cache
from pathlib import Path
from typing import Final

from agent.net.x509 import Certificate, read

_KEEP_S: Final = 86_400


class NoTrust(Exception):
    """This machine knows no authority at all, so it can judge no certificate; the text names the remedy."""


def context(*, verify: bool) -> ssl.SSLContext:
    """The one context of its kind, its authorities read again once a day. Raises NoTrust."""
    return _made(verify, int(time.monotonic() // _KEEP_S))


# Reading the authorities takes longer than a handshake, and each context holds its own copy of them.
@lru_cache(maxsize=2)
def _made(verify: bool, _day: int) -> ssl.SSLContext:
    if not verify:
        blind = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        blind.check_hostname, blind.verify_mode = False, ssl.CERT_NONE
        return blind
    made = ssl.create_default_context()
    if not made.cert_store_stats()["x509_ca"] and not _folder_holds_any():
        raise NoTrust("no authorities are known to this machine: install the package ca-certificates")
    return made


def forget() -> None:
    """Read the authorities again at the next use."""
    _made.cache_clear()


def _folder_holds_any() -> bool:
    folder = ssl.get_default_verify_paths().capath
    return bool(folder) and any(Path(folder).glob("*.[0-9]"))


def facts(der: bytes) -> Certificate | None:
    """What a certificate says of itself; None where it cannot be read."""
    try:
        return read(der)
    except ValueError:
        return None
