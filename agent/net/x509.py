"""Four facts of a certificate, read from its DER: when it begins and ends, by whom and to whom it was issued.

The standard library tells them only of certificates it trusts, and the ones that matter here are those it does not.
Nothing is verified here, and a certificate that cannot be read is a ValueError.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Final

_SEQUENCE: Final = 0x30
_SET: Final = 0x31
_OID: Final = 0x06
_BMP_STRING: Final = 0x1E
_UTC_TIME: Final = 0x17
_GENERALIZED_TIME: Final = 0x18
_VERSION: Final = 0xA0
_NAMES: Final = {bytes([0x55, 4, 10]): "O", bytes([0x55, 4, 11]): "OU", bytes([0x55, 4, 3]): "CN"}


@dataclass(frozen=True, slots=True)
class Certificate:
    """Instants in seconds UTC; issuer and subject as `O=…, CN=…`."""

    begins_s: float
    ends_s: float
    issuer: str
    subject: str

    @property
    def self_signed(self) -> bool:
        return self.issuer == self.subject


def read(der: bytes) -> Certificate:
    """The facts of one certificate (RFC 5280 §4.1). Raises ValueError."""
    try:
        certificate = _only(der, _SEQUENCE)
        fields = _parts(_only(certificate, _SEQUENCE))
        if fields and fields[0][0] == _VERSION:
            fields = fields[1:]
        _serial, _algorithm, issuer, validity, subject = fields[:5]
        begins, ends = _parts(validity[1])
        return Certificate(_instant(*begins), _instant(*ends), _name(issuer[1]), _name(subject[1]))
    except (IndexError, OverflowError) as error:
        raise ValueError(f"not a certificate: {error}") from error


def _only(data: bytes, tag: int) -> bytes:
    """The content of the first element, which must be of that kind."""
    found, content, _ = _element(data, 0)
    if found != tag:
        raise ValueError(f"not a certificate: element {found:#x} where {tag:#x} belongs")
    return content


def _parts(data: bytes) -> list[tuple[int, bytes]]:
    parts, at = list[tuple[int, bytes]](), 0
    while at < len(data):
        tag, content, at = _element(data, at)
        parts.append((tag, content))
    return parts


def _element(data: bytes, at: int) -> tuple[int, bytes, int]:
    """Tag, content and where the next element begins (X.690 §8.1)."""
    tag, length, at = data[at], data[at + 1], at + 2
    if length & 0x80:
        count = length & 0x7F
        if not 0 < count <= 4:
            raise ValueError("not a certificate: a length that is none")
        length, at = int.from_bytes(data[at : at + count], "big"), at + count
    if at + length > len(data):
        raise ValueError("not a certificate: cut short")
    return tag, data[at : at + length], at + length


def _instant(tag: int, content: bytes) -> float:
    text = content.decode("ascii", "replace")
    if tag == _UTC_TIME:  # RFC 5280: years 50 to 99 are of the last century
        text = ("19" if text[:2] >= "50" else "20") + text
    elif tag != _GENERALIZED_TIME:
        raise ValueError("not a certificate: no time where one belongs")
    if len(text) != 15 or not text.endswith("Z"):
        raise ValueError("not a certificate: a time of no known form")
    year, rest = int(text[:4]), [int(text[n : n + 2]) for n in range(4, 14, 2)]
    return datetime.datetime(year, *rest, tzinfo=datetime.UTC).timestamp()  # type: ignore[misc,arg-type]  # five of them


def _name(data: bytes) -> str:
    found: list[str] = []
    for kind, content in _parts(data):
        if kind != _SET:
            continue
        pair = _parts(_only(content, _SEQUENCE))
        if len(pair) == 2 and pair[0][0] == _OID and (label := _NAMES.get(pair[0][1])):
            tag, text = pair[1]
            found.append(f"{label}={text.decode('utf-16-be' if tag == _BMP_STRING else 'utf-8', 'replace')}")
    return ", ".join(found)[:200]
