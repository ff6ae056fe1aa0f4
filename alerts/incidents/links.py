"""Signed links: one incident, one team, until a moment; whoever holds it may act without an account.

The key lies beside the settings, for its owner only. A token is `<payload>.<seal>`, both base64url without padding; the
seal is HMAC-SHA256 over the payload.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import Final

import msgspec

from alerts.api import Refused

KEY_FILE: Final = "links.key"
KEY_BYTES: Final = 32
SEAL_BYTES: Final = 16
TOKEN_MOST: Final = 400
LASTS_MOST_S: Final = 30 * 86_400.0


class Pass(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What a token says."""

    incident: str
    team: str
    until_ms: int


_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(Pass)


def sign(home: Path, given: Pass) -> str:
    """A token. Raises OSError where the key can be neither read nor made."""
    payload = _text(_ENCODER.encode(given))
    return f"{payload}.{_text(_seal(_key(home), payload))}"


def read(home: Path, token: str, now_ms: int) -> Pass:
    """What a token says. Raises Refused for one that was forged, cut or is over."""
    payload, dot, seal = token.partition(".")
    if len(token) > TOKEN_MOST or not dot:
        raise Refused("this is not a link to an incident: open it as it was sent")
    try:
        same = hmac.compare_digest(_bytes(seal), _seal(_key(home), payload))
        given = _DECODER.decode(_bytes(payload)) if same else None
    except (binascii.Error, ValueError, msgspec.DecodeError):
        given = None
    if given is None:
        raise Refused("this link was not made here, or was cut on its way: ask for it again")
    if now_ms >= given.until_ms:
        raise Refused("this link is over: ask for a new one")
    return given


def _key(home: Path) -> bytes:
    """The key, made where there is none; of two who make it at once, one wins."""
    path = home / KEY_FILE
    if not path.exists():
        own = path.with_name(f"{KEY_FILE}.{secrets.token_hex(4)}")
        made = os.open(own, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(made, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(own, path)
        except FileExistsError:
            pass
        finally:
            own.unlink()
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise Refused(f"{path} does not hold {KEY_BYTES} bytes: remove it, and every link is to be made anew")
    return key


def _seal(key: bytes, payload: str) -> bytes:
    return hmac.new(key, payload.encode(), hashlib.sha256).digest()[:SEAL_BYTES]


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
