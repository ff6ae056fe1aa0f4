"""Evidence that a phone carries from a cut-off centre to the collector: small enough for a QR code, signed by the box.

`1.<agent>.<body>.<signature>`, the last two base64 without padding: zlib of JSON, Ed25519 over the text before it.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from wire.outcomes import Outcome

MAX_BLOB: Final = 1_500
MAX_INFLATED: Final = 16_384
VERSION: Final = "1"

Short = Annotated[str, Meta(max_length=200)]


class Sight(Struct, frozen=True, array_like=True):
    """How one target stood: since when it is so, and when it last was ok (0: not since the agent started). UTC ms."""

    subject: Short
    target: Short
    outcome: Outcome
    reason: Annotated[str, Meta(max_length=32)]
    since_ms: int
    ok_ms: int


class Carried(Struct, frozen=True, array_like=True):
    """What the box knew at `at_ms`; `heard_ms` is when it last heard the collector, 0: never."""

    at_ms: int
    heard_ms: int
    sights: Annotated[list[Sight], Meta(max_length=40)]


class CarriedError(ValueError):
    """A blob that cannot be read; the text says what is wrong with it."""


_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(Carried)


def unsigned(agent: str, told: Carried) -> str:
    """The text that is signed, with as many sights, the first ones, as fit together with a signature."""
    for count in range(len(told.sights), -1, -1):
        body = zlib.compress(_ENCODER.encode(msgspec.structs.replace(told, sights=told.sights[:count])), 9)
        text = f"{VERSION}.{agent}.{_packed(body)}"
        if len(text) + 87 <= MAX_BLOB:
            return text
    raise CarriedError("not even the moment fits")


def signed(text: str, signature: bytes) -> str:
    """The whole blob."""
    return f"{text}.{_packed(signature)}"


def parse(blob: str) -> tuple[str, Carried, str, bytes]:
    """Agent, evidence, the text that was signed, and its signature. Raises CarriedError; nothing is verified yet."""
    parts = blob.strip().split(".")
    if len(blob) > MAX_BLOB or len(parts) != 4 or parts[0] != VERSION:
        raise CarriedError("this is not evidence from a centre's page: scan the code again")
    try:
        inflater = zlib.decompressobj()
        raw = inflater.decompress(_unpacked(parts[2]), MAX_INFLATED)
        told, signature = _DECODER.decode(raw), _unpacked(parts[3])
    except (zlib.error, binascii.Error, ValueError, RecursionError) as error:
        raise CarriedError("the evidence is damaged: scan the code again") from error
    return parts[1], told, blob.strip().rpartition(".")[0], signature


def _packed(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _unpacked(text: str) -> bytes:
    return base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
