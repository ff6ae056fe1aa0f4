"""To and from bytes: NDJSON under gzip, every line decoded alone, every bound checked at the door.

A request is an envelope line, then for each batch a header line and one line for each observation. A line that cannot
be read is rejected by its position and its neighbours stay; only what makes the whole request unreadable raises:

    WireError(code, detail, remedy)
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import msgspec

from wire.messages import (
    MAX_BATCHES,
    MAX_BODY_BYTES,
    MAX_LINE_BYTES,
    MAX_REQUEST_VALUES,
    VERSION,
    Batch,
    Envelope,
    Observation,
)
from wire.parcel import HEADER_MARK, UNREADABLE, Parcel, WireError, decode_kept, decode_parcel, is_header, short

__all__ = [
    "Parcel",
    "Request",
    "WireError",
    "decode_kept",
    "decode_parcel",
    "decode_request",
    "encode_batch",
    "encode_request",
    "pack",
    "unpack",
]

_ENCODER: Final = msgspec.json.Encoder()
_ENVELOPE: Final = msgspec.json.Decoder(Envelope)
_HEADER_WORD: Final = b'"epoch"'


@dataclass(slots=True)
class Request:
    envelope: Envelope
    parcels: list[Parcel]


# --- to bytes -------------------------------------------------------------------------------------------------------


def encode_batch(header: Batch, observations: Iterable[Observation]) -> bytes:
    """The bytes of a batch as they are spooled, hashed and sent: for ever the same."""
    return b"".join(_ENCODER.encode(part) + b"\n" for part in (header, *observations))


def encode_request(envelope: Envelope, batches: Iterable[bytes]) -> bytes:
    """An envelope and batches from `encode_batch`, not yet compressed."""
    return _ENCODER.encode(envelope) + b"\n" + b"".join(batches)


def pack(body: bytes) -> bytes:
    """gzip, as small as is cheap."""
    packer = zlib.compressobj(level=6, wbits=31)
    return packer.compress(body) + packer.flush()


# --- from bytes -----------------------------------------------------------------------------------------------------


def unpack(body: bytes, limit: int = MAX_BODY_BYTES) -> bytes:
    """Inflate gzip, never further than `limit`. Raises WireError `bad_encoding` or `too_large`."""
    inflater = zlib.decompressobj(wbits=31)
    try:
        raw = inflater.decompress(body, limit + 1)
    except zlib.error as error:
        raise WireError("bad_encoding", f"the body is not gzip: {error}") from error
    if len(raw) > limit:
        raise WireError("too_large", f"the body inflates to more than {limit} bytes", "send fewer batches a request")
    if not inflater.eof:
        raise WireError("bad_encoding", "the gzip stream is cut short")
    if inflater.unused_data:
        raise WireError("bad_encoding", "there is something behind the gzip stream")
    return raw


def decode_request(raw: bytes) -> Request:
    """Read a request. Raises WireError for what spoils the whole; a bad observation spoils only itself."""
    first, newline, rest = raw.partition(b"\n")
    envelope = _decode_envelope(first)
    if not newline or not rest:
        raise WireError("empty", "the request holds no batch")
    if not rest.endswith(b"\n"):
        raise WireError("truncated", "the last line does not end: the request was cut short")
    parcels = [decode_parcel(chunk) for chunk in _chunks(rest)]
    if len(parcels) > MAX_BATCHES:
        raise WireError("too_large", f"more than {MAX_BATCHES} batches in one request", "send fewer batches a request")
    if sum(len(o.values) for p in parcels for o in p.observations) > MAX_REQUEST_VALUES:
        raise WireError("too_large", f"more than {MAX_REQUEST_VALUES} values in one request", "send fewer batches")
    return Request(envelope, parcels)


def _decode_envelope(line: bytes) -> Envelope:
    if len(line) > MAX_LINE_BYTES:
        raise WireError("too_large", f"the envelope line is longer than {MAX_LINE_BYTES} bytes")
    try:
        envelope = _ENVELOPE.decode(line)
    except UNREADABLE as error:
        raise WireError("malformed", f"line 1, the envelope: {short(error)}") from error
    if envelope.version != VERSION:
        raise WireError(
            "version", f"version {envelope.version} of the wire is not spoken here", f"this collector reads {VERSION}"
        )
    return envelope


def _chunks(rest: bytes) -> Iterator[bytes]:
    """Cut at every header line. Looks only where the word is, and at no line twice: linear in hostile bodies too."""
    begin, at = 0, rest.find(_HEADER_WORD, len(HEADER_MARK))
    seen = 0
    while at >= 0:
        start = rest.rfind(b"\n", seen, at) + 1
        end = rest.index(b"\n", at) + 1
        if start > begin and is_header(rest[start:end]):
            yield rest[begin:start]
            begin = start
        seen = end - 1
        at = rest.find(_HEADER_WORD, end)
    yield rest[begin:]
