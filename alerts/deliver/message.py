"""What a message says, whoever gets it by whatever channel: sentences by their keys, and the facts that go along."""

from __future__ import annotations

from typing import Final, Literal

import msgspec
from msgspec import Struct

from alerts.api import Owner, Said
from collector.api import State

Kind = Literal["call", "correction", "recovered", "digest", "escalation", "reminder"]


class Message(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing to tell about one incident, or a digest of several.

    `title` is a whole sentence and enough for an SMS; `lines` go on from it. `link` leads to the incident. `centres`,
    `circuits`: those concerned, keys and circuit ids as contracted. `person`, `phone` and `email` are of whoever is to
    get it, where the rota or the inventory knows.
    """

    incident: str
    number: int
    kind: Kind
    owner: Owner
    state: State
    title: Said
    lines: list[Said] = []
    link: str = ""
    centres: list[str] = []
    circuits: list[str] = []
    since_ms: int
    ended_ms: int | None = None
    person: str = ""
    phone: str = ""
    email: str = ""


_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(Message)


def pack(message: Message) -> str:
    """As it lies in the outbox."""
    return _ENCODER.encode(message).decode()


def unpack(text: str) -> Message:
    """Raises msgspec.DecodeError for what `pack` did not write."""
    return _DECODER.decode(text)
