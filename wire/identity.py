"""Keys of everything that has a state. Opaque and for ever; only this module takes them apart.

`centre:07375-1` · `lan:07375-1` · `line:07375-1/a` · `device:<ulid>` · `agent:<ulid>` · `service:dvcqg` ·
`service:dvcqg@07375-1` · `signing:07375-1/<ulid>` · `found:<ulid>/<fingerprint>`
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Final, Literal, cast

Kind = Literal["centre", "lan", "line", "device", "agent", "service", "signing", "found"]

_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CENTRE: Final = r"[0-9]{5}-[0-9]{1,3}"
_ULID: Final = r"[0-7][0-9A-HJKMNP-TV-Z]{25}"
_SERVICE: Final = r"[a-z0-9][a-z0-9-]{0,39}"
_KEYS: Final[dict[str, re.Pattern[str]]] = {
    "centre": re.compile(rf"(?P<centre>{_CENTRE})"),
    "lan": re.compile(rf"(?P<centre>{_CENTRE})"),
    "line": re.compile(rf"(?P<centre>{_CENTRE})/[a-z0-9]{{1,8}}"),
    "device": re.compile(_ULID),
    "agent": re.compile(_ULID),
    "service": re.compile(rf"{_SERVICE}(@(?P<centre>{_CENTRE}))?"),
    "signing": re.compile(rf"(?P<centre>{_CENTRE})/{_ULID}"),
    "found": re.compile(rf"{_ULID}/[0-9a-f]{{8,64}}"),
}


class IdentityError(ValueError):
    """A key that is not of the form its kind demands."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Whatever has a state. `centre` is the centre's key where the subject's own key tells it."""

    kind: Kind
    key: str
    centre: str | None = None

    def __str__(self) -> str:
        return f"{self.kind}:{self.key}"


def parse_subject(text: str) -> Subject:
    """Take `kind:key` apart. Raises IdentityError, naming what was expected."""
    kind, colon, key = text.partition(":")
    pattern = _KEYS.get(kind)
    if not colon or pattern is None:
        raise IdentityError(f"{text[:60]!r} is not a subject: it begins with one of {', '.join(_KEYS)} and a colon")
    match = pattern.fullmatch(key)
    if match is None:
        raise IdentityError(f"{text[:60]!r} is not a key of a {kind}: see wire/identity.py")
    return Subject(cast("Kind", kind), key, match.groupdict().get("centre"))


def parse_centre(text: str) -> str:
    """A centre's key such as 07375-1, returned as it is. Raises IdentityError."""
    if re.fullmatch(_CENTRE, text) is None:
        raise IdentityError(f"{text[:60]!r} is not a centre's key: five digits of the commune, a dash, the site number")
    return text


def new_ulid(wall_ms: int) -> str:
    """A key that sorts by its moment of birth: 48 bits of milliseconds, 80 bits of chance (github.com/ulid/spec)."""
    number = (wall_ms & (1 << 48) - 1) << 80 | int.from_bytes(os.urandom(10), "big")
    return "".join(_CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))
