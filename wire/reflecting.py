"""What an agent and a reflector say to each other over UDP: formats, tags, bounds. Modelled on STAMP (RFC 8762).

    agent                              reflector
    ask      who, tag         ----->   is it one of ours, and not too often?
             a cookie         <-----   granted; or busy
    question number, cookie   ----->   noted by its number, if the cookie was given to this very address and port
             number, 2 times  <-----   answer, as long as the question, with the DSCP of the question
    count    cookie           ----->   after the train
             which arrived    <-----   a bit for each number

No answer is longer than what was asked. Numbers are big-endian; times are nanoseconds of the clock of the side that
wrote them: only differences mean anything.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import struct
from dataclasses import dataclass
from typing import Final

PORT: Final = 8462
MAX_NUMBERS: Final = 1_024
"""Packets of one train at most: so many bits has the answer to `count`."""

MIN_BYTES: Final = 96
MAX_BYTES: Final = 1_400
COUNT_BYTES: Final = 256
GOOD_S: Final = 60
"""How long a cookie is good at least."""

ASK, GRANT, BUSY, QUESTION, ANSWER, COUNT, COUNTED = range(1, 8)

_MAGIC: Final = b"mqT1"
_HEAD: Final = struct.Struct("!4sBBxx8s")  # magic, kind, TOS, session
_ASK: Final = struct.Struct("!8s26s16s")  # nonce, agent, tag
_GRANT: Final = struct.Struct("!8s16s")  # nonce, cookie
_QUESTION: Final = struct.Struct("!16sIQ")  # cookie, number, sent
_ANSWER: Final = struct.Struct("!IQQQ")  # number, sent, received, answered
_COUNTED: Final = struct.Struct(f"!8s{MAX_NUMBERS // 8}s")  # nonce, bits
_TAG_BYTES: Final = 16
_PASS: Final = re.compile(r"([0-9A-Z]{26})\.([0-9a-f]{32})\Z")
_AGENT: Final = re.compile(rb"[0-9A-Z]{26}")
_FOR_PASSES: Final = b"motcua reflector 1\0"


class BadPacket(Exception):
    """Nothing that one side says to the other."""


@dataclass(frozen=True, slots=True)
class Pass:
    """An agent's right to ask: its id, and a key of its own that the reflector can derive from the province's key."""

    agent: str
    key: bytes

    def __repr__(self) -> str:
        return f"Pass({self.agent})"

    def text(self) -> str:
        """As a plan's setting carries it."""
        return f"{self.agent}.{self.key.hex()}"


@dataclass(frozen=True, slots=True)
class Head:
    """What every packet begins with. `tos` of a question: as it was sent; of an answer: as the question arrived."""

    kind: int
    tos: int
    session: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """A question's way there and back: its number, and three of its four times."""

    number: int
    tos: int
    sent_ns: int
    received_ns: int
    answered_ns: int


def passes_key(key: bytes) -> bytes:
    """The key of all passes, from the province's own key: who has it can make passes, and nothing else."""
    return _digest(key, _FOR_PASSES)


def pass_of(key: bytes, agent: str) -> Pass:
    """The pass of an agent; `key` is that of all passes."""
    return Pass(agent, _digest(key, agent.encode("ascii"))[:_TAG_BYTES])


def read_pass(text: str) -> Pass:
    """A pass as `Pass.text` wrote it. Raises ValueError."""
    found = _PASS.match(text)
    if found is None:
        raise ValueError("this is no pass of an agent")
    return Pass(found[1], bytes.fromhex(found[2]))


def head_of(data: bytes) -> Head:
    """Raises BadPacket."""
    if len(data) < _HEAD.size:
        raise BadPacket("too short")
    magic, kind, tos, session = _HEAD.unpack_from(data)
    if magic != _MAGIC:
        raise BadPacket("of another protocol")
    return Head(kind, tos, session)


# --- may I? ---------------------------------------------------------------------------------------------------------


def ask(who: Pass, session: bytes, nonce: bytes) -> bytes:
    """A request for a cookie."""
    head = _HEAD.pack(_MAGIC, ASK, 0, session)
    return _padded(head + _ASK.pack(nonce, who.agent.encode("ascii"), _ask_tag(who, session, nonce)), MIN_BYTES)


def read_ask(data: bytes, key: bytes) -> tuple[str, bytes]:
    """The agent that asks, which is known by its tag, and its nonce. Raises BadPacket."""
    if len(data) < MIN_BYTES:
        raise BadPacket("too short")
    session = head_of(data).session
    nonce, agent, tag = _ASK.unpack_from(data, _HEAD.size)
    if _AGENT.fullmatch(agent) is None:
        raise BadPacket("no agent's name")
    who = pass_of(key, agent.decode("ascii"))
    if not hmac.compare_digest(tag, _ask_tag(who, session, nonce)):
        raise BadPacket("not of an agent of this province")
    return who.agent, nonce


def grant(session: bytes, nonce: bytes, cookie: bytes) -> bytes:
    """Go ahead."""
    return _HEAD.pack(_MAGIC, GRANT, 0, session) + _GRANT.pack(nonce, cookie)


def busy(session: bytes, nonce: bytes) -> bytes:
    """Not now: there is no room, or this address asked too often."""
    return _HEAD.pack(_MAGIC, BUSY, 0, session) + _GRANT.pack(nonce, bytes(_TAG_BYTES))


def read_grant(data: bytes, session: bytes, nonce: bytes) -> bytes | None:
    """The cookie; None where the reflector is busy. Raises BadPacket for anything that is no answer to this ask."""
    head = head_of(data)
    if head.kind not in {GRANT, BUSY} or head.session != session or len(data) < _HEAD.size + _GRANT.size:
        raise BadPacket("no answer to what was asked")
    echoed, cookie = _GRANT.unpack_from(data, _HEAD.size)
    if echoed != nonce:
        raise BadPacket("of another ask")
    return bytes(cookie) if head.kind == GRANT else None


# --- the train ------------------------------------------------------------------------------------------------------


def question(session: bytes, cookie: bytes, number: int, sent_ns: int, *, tos: int, size: int) -> bytes:
    """One packet of a train, `size` bytes long."""
    return _padded(_HEAD.pack(_MAGIC, QUESTION, tos, session) + _QUESTION.pack(cookie, number, sent_ns), size)


def read_question(data: bytes) -> tuple[bytes, int, int]:
    """Cookie, number and time of sending. Raises BadPacket."""
    if len(data) < MIN_BYTES:
        raise BadPacket("too short")
    cookie, number, sent_ns = _QUESTION.unpack_from(data, _HEAD.size)
    if number >= MAX_NUMBERS:
        raise BadPacket("a number beyond every train")
    return cookie, number, sent_ns


def answer(session: bytes, found: Answer, size: int) -> bytes:
    """The answer to a question of `size` bytes, as long as it."""
    body = _ANSWER.pack(found.number, found.sent_ns, found.received_ns, found.answered_ns)
    return _padded(_HEAD.pack(_MAGIC, ANSWER, found.tos, session) + body, size)


def read_answer(data: bytes, session: bytes) -> Answer:
    """Raises BadPacket for anything that is no answer to a question of this session."""
    head = head_of(data)
    if head.kind != ANSWER or head.session != session or len(data) < MIN_BYTES:
        raise BadPacket("no answer to a question")
    number, sent, received, answered = _ANSWER.unpack_from(data, _HEAD.size)
    return Answer(number, head.tos, sent, received, answered)


def count(session: bytes, cookie: bytes, nonce: bytes) -> bytes:
    """Which of my questions arrived?"""
    return _padded(_HEAD.pack(_MAGIC, COUNT, 0, session) + _GRANT.pack(nonce, cookie), COUNT_BYTES)


def read_count(data: bytes) -> tuple[bytes, bytes]:
    """Cookie and nonce. Raises BadPacket."""
    if len(data) < COUNT_BYTES:
        raise BadPacket("too short")
    nonce, cookie = _GRANT.unpack_from(data, _HEAD.size)
    return cookie, nonce


def counted(session: bytes, nonce: bytes, arrived: int) -> bytes:
    """`arrived`: bit n is set where question n came."""
    bits = arrived.to_bytes(MAX_NUMBERS // 8, "little")
    return _HEAD.pack(_MAGIC, COUNTED, 0, session) + _COUNTED.pack(nonce, bits)


def read_counted(data: bytes, session: bytes, nonce: bytes) -> int:
    """The bits. Raises BadPacket for anything that is no answer to this count."""
    head = head_of(data)
    if head.kind != COUNTED or head.session != session or len(data) < _HEAD.size + _COUNTED.size:
        raise BadPacket("no answer to what was asked")
    echoed, bits = _COUNTED.unpack_from(data, _HEAD.size)
    if echoed != nonce:
        raise BadPacket("of another count")
    return int.from_bytes(bits, "little")


def _ask_tag(who: Pass, session: bytes, nonce: bytes) -> bytes:
    return _digest(who.key, session + nonce + who.agent.encode("ascii"))[:_TAG_BYTES]


def _digest(key: bytes, text: bytes) -> bytes:
    return hmac.digest(key, text, hashlib.sha256)


def _padded(data: bytes, size: int) -> bytes:
    return data + bytes(max(0, size - len(data)))
