"""The one-time join code: a secret, the fingerprint of the CA to trust, and a check that catches a typing error.

27 bytes as 44 Crockford base32 letters in groups of four: 10 bytes secret, 16 bytes of the CA's SHA-256, 1 byte CRC-8,
which finds every wrong letter and every two neighbours exchanged (a byte of a longer CRC misses some).
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import Final

_LETTERS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_READ_AS: Final = str.maketrans("OIL", "011")
_POLYNOMIAL: Final = 0x07  # CRC-8/SMBUS: any burst of up to eight bits is found
_SECRET, _FINGERPRINT, _CHARACTERS = 10, 16, 44


class JoinCodeError(ValueError):
    """Text that is no join code; the message says what to look at."""


@dataclass(frozen=True, slots=True)
class JoinCode:
    secret: bytes = field(repr=False)
    fingerprint: bytes

    def __str__(self) -> str:
        body = self.secret + self.fingerprint
        number = int.from_bytes(body + _check(body), "big") << 4
        letters = "".join(_LETTERS[number >> shift & 31] for shift in range(5 * (_CHARACTERS - 1), -1, -5))
        return "-".join(letters[n : n + 4] for n in range(0, _CHARACTERS, 4))

    def trusts(self, ca_sha256: bytes) -> bool:
        """Whether this code was made for the CA with this SHA-256."""
        return hmac.compare_digest(self.fingerprint, ca_sha256[:_FINGERPRINT])


def make(secret: bytes, ca_sha256: bytes) -> JoinCode:
    """A code from a fresh secret of 10 bytes and the CA's fingerprint."""
    if len(secret) != _SECRET:
        raise ValueError(f"a join secret has {_SECRET} bytes")
    return JoinCode(secret, ca_sha256[:_FINGERPRINT])


def parse(text: str) -> JoinCode:
    """Read a code as a person types it: any case, with or without dashes, O for 0. Raises JoinCodeError."""
    letters = "".join(text.upper().split()).replace("-", "").translate(_READ_AS)
    if len(letters) != _CHARACTERS or any(c not in _LETTERS for c in letters):
        raise JoinCodeError(
            f"a join code has {_CHARACTERS} letters and digits in groups of four; this has {len(letters)}"
        )
    number = 0
    for letter in letters:
        number = number << 5 | _LETTERS.index(letter)
    body = (number >> 4).to_bytes(_SECRET + _FINGERPRINT + 1, "big")
    if number & 15 or _check(body[:-1]) != body[-1:]:
        raise JoinCodeError("the join code has a typing error: compare it group by group")
    return JoinCode(body[:_SECRET], body[_SECRET:-1])


def _check(body: bytes) -> bytes:
    crc = 0
    for byte in body:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ _POLYNOMIAL) & 0xFF if crc & 0x80 else crc << 1
    return bytes([crc])
