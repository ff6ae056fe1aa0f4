"""What the LAN page of a centre gives to people who stand there: a code that proves it, and a word to the province.

The code: six digits from the hash of the agent's token, which the agent can make and the collector keeps, and from the
half hour. The word "it is slow now" travels as an observation of the probe `complaint` on the centre itself.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

COMPLAINT: Final = "complaint"
CLERK: Final = "clerk"
"""Probe and target of a clerk's complaint; its detail `text` is in the clerk's own words."""

SLOT_MS: Final = 30 * 60_000
DIGITS: Final = 6


def token_hash(token: str) -> str:
    """As the register keeps tokens: SHA-256, hexadecimal."""
    return hashlib.sha256(token.encode()).hexdigest()


def here_code(token_sha256: str, at_ms: int) -> str:
    """The code of the half hour that a moment lies in."""
    made = hmac.digest(token_sha256.encode(), f"here {at_ms // SLOT_MS}".encode(), "sha256")
    return str(int.from_bytes(made[:8], "big") % 10**DIGITS).zfill(DIGITS)


def here_url(board: str, centre: str, code: str) -> str:
    """What the QR code of the page leads to: the board's page that fills the code in."""
    return f"{board}/here?at={centre}&code={code}"


def is_here(token_sha256: str, code: str, now_ms: int) -> bool:
    """Whether a code is that of now, or of the half hour before or after: a box that was cut may be a little off."""
    near = (here_code(token_sha256, now_ms + shift) for shift in (0, -SLOT_MS, SLOT_MS))
    return code.isascii() and any(hmac.compare_digest(one, code) for one in near)
