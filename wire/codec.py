"""To and from bytes: NDJSON under gzip, every line decoded alone, every bound checked at the door.

A request is an envelope line, then for each batch a header line and one line for each observation. A line that cannot
be read is rejected by its position and its neighbours stay; only what makes the whole request unreadable raises:

    WireError(code, detail, remedy)
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

import msgspec

from wire.messages import (
    MAX_BATCHES,
    MAX_BODY_BYTES,
    MAX_DEPTH,
    MAX_DETAIL_BYTES,
    MAX_LINE_BYTES,
    MAX_OBSERVATIONS,
    MAX_REQUEST_VALUES,
    VERSION,
    Batch,
    Envelope,
    Observation,
    Rejected,
)

_ENCODER: Final = msgspec.json.Encoder()
_ENVELOPE: Final = msgspec.json.Decoder(Envelope)
_BATCH: Final = msgspec.json.Decoder(Batch)
_OBSERVATION: Final = msgspec.json.Decoder(Observation)
# What a decoder may raise on bytes from outside; RecursionError from 200,000 brackets, the others from broken text.
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeError, RecursionError, OverflowError)
_HEADER_WORD: Final = b'"epoch"'
_HEADER_MARK: Final = b'{"epoch":'
_IS_WHOLE: Final = re.compile(rb"\{.*\}", re.DOTALL).fullmatch
_TEXT: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_NO_BRACKETS: Final = bytes(set(range(256)) - set(b"{}[]"))
# No detail in a line this short is over its limit, however its numbers were spelled: 32 of them grow by 20 bytes each.
_SHORT_LINE_BYTES: Final = MAX_DETAIL_BYTES - 1024


class WireError(ValueError):
    """A whole request that cannot be taken. `code` is for machines; text and remedy for the person who reads them."""

    def __init__(self, code: str, detail: str, remedy: str = "") -> None:
        super().__init__(detail)
        self.code, self.detail, self.remedy = code, detail, remedy


@dataclass(slots=True)
class Parcel:
    """One batch as it came: its header, its bytes, what could be read of it and what could not."""

    header: Batch
    raw: bytes
    observations: list[Observation] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.raw).hexdigest()


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
    parcels = [_decode_parcel(chunk) for chunk in _chunks(rest)]
    if len(parcels) > MAX_BATCHES:
        raise WireError("too_large", f"more than {MAX_BATCHES} batches in one request", "send fewer batches a request")
    if sum(len(o.values) for p in parcels for o in p.observations) > MAX_REQUEST_VALUES:
        raise WireError("too_large", f"more than {MAX_REQUEST_VALUES} values in one request", "send fewer batches")
    return Request(envelope, parcels)


def decode_parcel(raw: bytes) -> Parcel:
    """Read one batch back from the bytes of `encode_batch`. Raises WireError where its header cannot be read."""
    return _decode_parcel(raw)


def _decode_envelope(line: bytes) -> Envelope:
    if len(line) > MAX_LINE_BYTES:
        raise WireError("too_large", f"the envelope line is longer than {MAX_LINE_BYTES} bytes")
    try:
        envelope = _ENVELOPE.decode(line)
    except _UNREADABLE as error:
        raise WireError("malformed", f"line 1, the envelope: {_short(error)}") from error
    if envelope.version != VERSION:
        raise WireError(
            "version", f"version {envelope.version} of the wire is not spoken here", f"this collector reads {VERSION}"
        )
    return envelope


def _chunks(rest: bytes) -> Iterator[bytes]:
    """Cut at every header line. Looks only where the word is, and at no line twice: linear in hostile bodies too."""
    begin, at = 0, rest.find(_HEADER_WORD, len(_HEADER_MARK))
    seen = 0
    while at >= 0:
        start = rest.rfind(b"\n", seen, at) + 1
        end = rest.index(b"\n", at) + 1
        if start > begin and _is_header(rest[start:end]):
            yield rest[begin:start]
            begin = start
        seen = end - 1
        at = rest.find(_HEADER_WORD, end)
    yield rest[begin:]


def _is_header(line: bytes) -> bool:
    """Whether a line is, or was meant to be, the header of a batch; in another order of keys it must be readable."""
    if line.startswith(_HEADER_MARK):
        return True
    if len(line) > MAX_LINE_BYTES:
        return False
    try:
        _BATCH.decode(line)
    except _UNREADABLE:
        return False
    return True


def _decode_parcel(chunk: bytes) -> Parcel:
    first, _, body = chunk.partition(b"\n")
    try:
        header = _BATCH.decode(first) if len(first) <= MAX_LINE_BYTES else None
    except _UNREADABLE as error:
        raise WireError("malformed", f"a batch's header line cannot be read: {_short(error)}") from error
    if header is None:
        raise WireError("too_large", f"a batch's header line is longer than {MAX_LINE_BYTES} bytes")
    parcel = Parcel(header, chunk)
    if body.count(b"\n") > MAX_OBSERVATIONS:
        raise WireError("too_large", f"batch {header.batch} holds more than {MAX_OBSERVATIONS} observations")
    lines = body.split(b"\n")
    if lines.pop():
        raise WireError("truncated", f"the last line of batch {header.batch} does not end: it was cut short")
    observations = _decode_at_once(body, lines)
    if observations is None:
        _decode_by_line(parcel, lines)
    else:
        parcel.observations = observations
    return parcel


def _decode_at_once(body: bytes, lines: list[bytes]) -> list[Observation] | None:
    """The way of nearly every batch: one call for all lines. None where anything at all is unusual."""
    # A line break between } and { is never inside a value, so as many values as such lines means one on each.
    if not all(map(_IS_WHOLE, lines)) or (b"\\" in body and b"\\u00" in body):
        return None
    longest = max(map(len, lines), default=0)
    if longest > MAX_LINE_BYTES:
        return None
    try:
        observations = _OBSERVATION.decode_lines(body)
    except _UNREADABLE:
        return None
    return observations if _are_usual(observations, body, len(lines), longest) else None


def _are_usual(observations: list[Observation], body: bytes, lines: int, longest: int) -> bool:
    # More brackets than ours have: an unknown field that may nest too deep.
    brackets = body.count(b"{") + body.count(b"[")
    if len(observations) != lines or brackets > sum([4 + len(o.values) for o in observations]):
        return False
    for n, o in enumerate(observations):
        if o.i != n or (o.reason is None) != (o.outcome == "ok"):
            return False
    return longest <= _SHORT_LINE_BYTES or not any(map(_detail_too_large, observations))


def _decode_by_line(parcel: Parcel, lines: list[bytes]) -> None:
    lost = False
    for n, line in enumerate(lines):
        decoded = _decode_line(line, n)
        if isinstance(decoded, Observation):
            parcel.observations.append(decoded)
            continue
        if lost and decoded.code == "bad_position":
            # After an unreadable line positions start anew: that line was the header of another batch.
            raise WireError("lost_header", f"line {n} of batch {parcel.header.batch}: a header before it is unreadable")
        lost = lost or decoded.code == "malformed"
        parcel.rejected.append(decoded)


def _decode_line(line: bytes, n: int) -> Observation | Rejected:
    if len(line) > MAX_LINE_BYTES:
        return Rejected(n, "too_large", f"the line is longer than {MAX_LINE_BYTES} bytes")
    if b"\\u00" in line and _control_character(line):
        return Rejected(n, "invalid", "a text holds a control character")
    if _depth(line) > MAX_DEPTH:
        return Rejected(n, "too_deep", f"nested deeper than {MAX_DEPTH}")
    try:
        observation = _OBSERVATION.decode(line)
    except msgspec.ValidationError as error:
        return Rejected(n, "invalid", _short(error))
    except _UNREADABLE as error:
        return Rejected(n, "malformed", _short(error))
    code = _flaw(observation, n)
    return Rejected(n, code, _FLAWS[code]) if code else observation


_FLAWS: Final = {
    "bad_position": "i is not the position of the line in its batch",
    "no_reason": "only outcome ok goes without a reason",
    "too_large": f"detail is larger than {MAX_DETAIL_BYTES} bytes",
}


def _flaw(o: Observation, n: int) -> str | None:
    """What the types cannot say of an observation: the code of its flaw, or None."""
    if o.i != n:
        return "bad_position"
    if (o.reason is None) != (o.outcome == "ok"):
        return "no_reason"
    if o.detail and _detail_too_large(o):
        return "too_large"
    return None


def _detail_too_large(o: Observation) -> bool:
    # Escapes and numbers at most sextuple a character; only what might be too large is measured exactly.
    if sum([len(k) + (len(v) if type(v) is str else 24) for k, v in o.detail.items()]) * 6 < MAX_DETAIL_BYTES:
        return False
    return len(_ENCODER.encode(o.detail)) > MAX_DETAIL_BYTES


def _depth(line: bytes) -> int:
    """How deep brackets nest outside strings."""
    depth = deepest = 0
    for byte in _TEXT.sub(b"", line).translate(None, _NO_BRACKETS):
        depth += 1 if byte in b"{[" else -1
        deepest = max(deepest, depth)
    return deepest


def _control_character(line: bytes) -> bool:
    lowered = line.lower().replace(b"\\\\", b"")
    return any(b"\\u00%02x" % code in lowered for code in range(0x20))


def _short(error: BaseException) -> str:
    return str(error)[:200] or type(error).__name__
