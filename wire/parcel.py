"""One batch from its bytes, every line alone: what can be read, and what is rejected by its position."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import Final

import msgspec

from wire.messages import (
    MAX_DEPTH,
    MAX_DETAIL_BYTES,
    MAX_LINE_BYTES,
    MAX_OBSERVATIONS,
    WORD_PATTERN,
    Batch,
    Observation,
    Rejected,
)

_ENCODER: Final = msgspec.json.Encoder()
_BATCH: Final = msgspec.json.Decoder(Batch)
_OBSERVATION: Final = msgspec.json.Decoder(Observation)
# What a decoder may raise on bytes from outside; RecursionError from 200,000 brackets, the others from broken text.
UNREADABLE: Final = (msgspec.MsgspecError, UnicodeError, RecursionError, OverflowError)
HEADER_MARK: Final = b'{"epoch":'
_IS_WHOLE: Final = re.compile(rb"\{.*\}", re.DOTALL).fullmatch
_TEXT: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_NO_BRACKETS: Final = bytes(set(range(256)) - set(b"{}[]"))
_IS_WORD: Final = re.compile(WORD_PATTERN.removesuffix("$") + r"\Z").match
_WORDS: Final[set[str]] = set()
_WORDS_KEPT: Final = 4096
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


def is_header(line: bytes) -> bool:
    """Whether a line is, or was meant to be, the header of a batch; in another order of keys it must be readable."""
    if line.startswith(HEADER_MARK):
        return True
    if len(line) > MAX_LINE_BYTES:
        return False
    try:
        _BATCH.decode(line)
    except UNREADABLE:
        return False
    return True


def decode_parcel(chunk: bytes) -> Parcel:
    """Read one batch back from the bytes of `encode_batch`. Raises WireError where its header cannot be read."""
    first, _, body = chunk.partition(b"\n")
    try:
        header = _BATCH.decode(first) if len(first) <= MAX_LINE_BYTES else None
    except UNREADABLE as error:
        raise WireError("malformed", f"a batch's header line cannot be read: {short(error)}") from error
    if header is None:
        raise WireError("too_large", f"a batch's header line is longer than {MAX_LINE_BYTES} bytes")
    parcel = Parcel(header, chunk)
    lines = body.split(b"\n", MAX_OBSERVATIONS + 1)
    if len(lines) > MAX_OBSERVATIONS + 1:
        raise WireError("too_large", f"batch {header.batch} holds more than {MAX_OBSERVATIONS} observations")
    if lines.pop():
        raise WireError("truncated", f"the last line of batch {header.batch} does not end: it was cut short")
    observations = _decode_at_once(body, lines)
    if observations is None:
        _decode_by_line(parcel, lines)
    else:
        parcel.observations = observations
    return parcel


def decode_kept(chunk: bytes) -> list[Observation]:
    """The observations of a batch whose every line was taken when it came: typed, and not examined once more."""
    try:
        return _OBSERVATION.decode_lines(chunk[chunk.index(b"\n") + 1 :])
    except UNREADABLE:
        return decode_parcel(chunk).observations


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
    except UNREADABLE:
        return None
    return observations if _are_usual(observations, body, len(lines), longest) else None


def _are_usual(observations: list[Observation], body: bytes, lines: int, longest: int) -> bool:
    # More brackets than ours have: an unknown field that may nest too deep.
    opened = body.count(b"{") + body.count(b"[")
    if len(observations) != lines or opened > sum([4 + len(o.values) for o in observations]):
        return False
    if [o.i for o in observations] != list(range(lines)):
        return False
    for o in observations:
        if (o.reason is None) != (o.outcome == "ok") or not _are_words(o):
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
        return Rejected(n, "invalid", short(error))
    except UNREADABLE as error:
        return Rejected(n, "malformed", short(error))
    code = _flaw(observation, n)
    return Rejected(n, code, _FLAWS[code]) if code else observation


_FLAWS: Final = {
    "bad_position": "i is not the position of the line in its batch",
    "no_reason": "only outcome ok goes without a reason",
    "bad_word": "probe and phases are words of a to z, 0 to 9 and _, at most 32, a letter first",
    "too_large": f"detail is larger than {MAX_DETAIL_BYTES} bytes",
}


def _flaw(o: Observation, n: int) -> str | None:
    """What the types cannot say of an observation: the code of its flaw, or None."""
    if o.i != n:
        return "bad_position"
    if (o.reason is None) != (o.outcome == "ok"):
        return "no_reason"
    if not _are_words(o):
        return "bad_word"
    if o.detail and _detail_too_large(o):
        return "too_large"
    return None


def _are_words(o: Observation) -> bool:
    """Whether probe and phases are of a word's form. The same few come again and again: each is matched once."""
    if o.probe in _WORDS and (not o.phases or _WORDS.issuperset(o.phases)):
        return True
    found = [o.probe, *o.phases]
    if not all(map(_IS_WORD, found)):
        return False
    if len(_WORDS) < _WORDS_KEPT:
        _WORDS.update(found)
    return True


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


def short(error: BaseException) -> str:
    return str(error)[:200] or type(error).__name__
