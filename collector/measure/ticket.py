"""Permission to load one line once: a short text that any measurement server of the province can check by itself.

The collector signs it (HMAC-SHA256), the measurement server needs the same key and no database. A ticket is good until
its moment, for so many bytes altogether, and opens nothing else.

KeyFileError      the key file cannot be used; the text names it and the remedy
TicketError       a ticket that is refused; `code` is bad_ticket or ticket_expired
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from collector.api import CollectorError

KEY_FILE: Final = "measure.key"
"""Its name in the collector's home."""

KEY_BYTES: Final = 32
MAX_TICKET: Final = 500
LONGEST_MS: Final = 3_600_000
"""No ticket is believed that is good for longer: a wall clock that is wrong must not make one for ever."""

Kind = Literal["agent", "browser"]

_PURPOSE: Final = b"motcua measure ticket 1\0"


class KeyFileError(CollectorError):
    """The key of the tickets cannot be read, or not safely."""


class TicketError(CollectorError):
    """A ticket that opens nothing. `code` is for machines."""

    def __init__(self, code: Literal["bad_ticket", "ticket_expired"], text: str) -> None:
        super().__init__(text)
        self.code = code


class Ticket(Struct, frozen=True, array_like=True):
    """What a ticket says. `max_bytes` counts both directions; `expires_ms` is UTC and ends what is under way, too."""

    lease: Annotated[str, Meta(min_length=1, max_length=64)]
    line: Annotated[str, Meta(min_length=1, max_length=100)]
    max_bytes: Annotated[int, Meta(ge=1, le=2**53)]
    expires_ms: Annotated[int, Meta(ge=0, le=2**53)]
    kind: Kind


_DECODER: Final = msgspec.json.Decoder(Ticket)


def issue(key: bytes, *, lease: str, line: str, max_bytes: int, expires_ms: int, kind: Kind = "agent") -> str:
    """A ticket: at most `MAX_TICKET` characters, none of which needs quoting in an address. Raises ValueError.

    `line` is the line's key, such as 07375-1/a. `key` comes from `load_key`.
    """
    try:
        ticket = msgspec.convert((lease, line, max_bytes, expires_ms, kind), Ticket)
    except msgspec.ValidationError as error:
        raise ValueError(f"no ticket can say this: {error}") from error
    body = msgspec.json.encode(ticket)
    text = f"{_text(body)}.{_text(_tag(key, body))}"
    if len(text) > MAX_TICKET:
        raise ValueError(f"the ticket of line {line[:100]!r} would have more than {MAX_TICKET} characters")
    return text


def read(key: bytes, text: str, *, now_ms: int) -> Ticket:
    """What a ticket says, its signature and its time being right. Raises TicketError."""
    try:
        ticket = _DECODER.decode(_signed(key, text))
    except (ValueError, msgspec.MsgspecError) as error:
        raise TicketError("bad_ticket", "the ticket was not made here, or it was damaged on the way") from error
    if not now_ms < ticket.expires_ms <= now_ms + LONGEST_MS:
        raise TicketError("ticket_expired", "the time of this ticket is over, or one of two clocks is wrong")
    return ticket


def load_key(path: Path, *, make: bool = False) -> bytes:
    """The key kept in `path`; with `make`, a new one where there is none. Raises KeyFileError."""
    try:
        if make and not path.exists():
            _make(path)
        if path.stat().st_mode & 0o077:
            raise KeyFileError(f"{path}: others may read it; chmod 600 {path}")
        key = bytes.fromhex(path.read_text("ascii").strip())
    except OSError as error:
        raise KeyFileError(f"{path}: {error.strerror}; copy {KEY_FILE} from the collector's home") from error
    except ValueError as error:
        raise KeyFileError(f"{path}: this is no key; copy {KEY_FILE} from the collector's home again") from error
    if len(key) != KEY_BYTES:
        raise KeyFileError(f"{path}: a key has {KEY_BYTES} bytes, this has {len(key)}; copy {KEY_FILE} again")
    return key


def _make(path: Path) -> None:
    """Two processes may come at once: the first one's key stays, whole, and both read it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(KEY_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(beside, path)
    except FileExistsError:
        pass
    finally:
        beside.unlink()


def _signed(key: bytes, text: str) -> bytes:
    """The body of a ticket whose signature is right. Raises ValueError."""
    head, dot, tail = text.partition(".")
    if not dot or len(text) > MAX_TICKET or not text.isascii():
        raise ValueError("not of the form of a ticket")
    body, tag = _bytes(head), _bytes(tail)
    if not hmac.compare_digest(tag, _tag(key, body)):
        raise ValueError("signed by another key")
    return body


def _tag(key: bytes, body: bytes) -> bytes:
    return hmac.new(key, _PURPOSE + body, hashlib.sha256).digest()


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    """Only the one spelling that `_text` makes: two texts of one ticket would have two allowances of bytes."""
    raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if _text(raw) != text:
        raise ValueError("another spelling")
    return raw
