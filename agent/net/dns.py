"""One question to one resolver (RFC 1035): the address of a name, over UDP, over TCP where the answer was cut."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agent.net.stream import Stream, StreamError
from wire.outcomes import fail

MOST_RESOLVERS: Final = 3
"""As many as the C library asks (resolv.conf(5), MAXNS)."""

PHASE: Final = "dns"

_HEAD: Final = struct.Struct("!6H")
_RECORD: Final = struct.Struct("!2HIH")
_RECURSE, _TRUNCATED, _ANSWER = 0x0100, 0x0200, 0x8000
_A, _IN = 1, 1
_MAX_TABLE_BYTES: Final = 64 * 1024
_LABEL: Final = re.compile(rb"[!-~]{1,63}")
_FILES: Final = ("etc/resolv.conf", "run/systemd/resolve/resolv.conf")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a resolver said: its code (0 is "no error", 3 "no such name") and the first address, empty without one."""

    rcode: int
    address: str
    cut: bool = False


class NoAnswerToThis(ValueError):
    """A message that answers something else, or nothing that can be read."""


# --- whom to ask ----------------------------------------------------------------------------------------------------


def resolvers(root: Path) -> list[str]:
    """The resolvers of this machine; those behind systemd's local one where that is all its resolv.conf names.

    Raises OSError where there is no such file.
    """
    found = _nameservers((root / _FILES[0]).read_bytes()[:_MAX_TABLE_BYTES])
    if found and all(ipaddress.ip_address(server.partition("%")[0]).is_loopback for server in found):
        with contextlib.suppress(OSError):  # else a resolver of its own runs here, and is the one that programs ask
            found = _nameservers((root / _FILES[1]).read_bytes()[:_MAX_TABLE_BYTES]) or found
    return found[:MOST_RESOLVERS]


def _nameservers(table: bytes) -> list[str]:
    found: list[str] = []
    for line in table.decode("ascii", "replace").splitlines():
        words = line.split()
        if len(words) >= 2 and words[0] == "nameserver":
            try:
                ipaddress.ip_address(words[1])
            except ValueError:
                continue
            found.append(words[1])
    return list(dict.fromkeys(found))


# --- asking ---------------------------------------------------------------------------------------------------------


def ask(resolver: str, port: int, name: str, left: Callable[[], float], phases: dict[str, float]) -> Answer:
    """Ask a resolver once; `left` says how many seconds there still are. Raises StreamError, ValueError for no name."""
    ident = int.from_bytes(os.urandom(2), "big")
    question = query(name, ident)
    stream = Stream(left, phases)
    try:
        stream.connect(resolver, port, socket.SOCK_DGRAM)
        stream.send(question, PHASE)
        answer = _hear(stream, question)
    finally:
        stream.close()
        phases.pop("connect", None)  # UDP has none
    return _ask_by_tcp(resolver, port, question, Stream(left, phases)) if answer.cut else answer


def _hear(stream: Stream, question: bytes) -> Answer:
    """The first message that answers the question; others are somebody's guess at it."""
    while True:
        try:
            return read(stream.receive(65_535, PHASE), question)
        except NoAnswerToThis:
            continue


def _ask_by_tcp(resolver: str, port: int, question: bytes, stream: Stream) -> Answer:
    try:
        stream.connect(resolver, port)
        stream.send(len(question).to_bytes(2, "big") + question, PHASE)
        size = int.from_bytes(_exactly(stream, 2), "big")
        return read(_exactly(stream, size), question)
    except NoAnswerToThis as error:
        raise StreamError(fail("bad_answer"), str(error)) from error
    finally:
        stream.close()


def _exactly(stream: Stream, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = stream.receive(size - len(data), PHASE)
        if not more:
            raise StreamError(fail("cut_short"), "closed in the middle of an answer")
        data += more
    return data


def query(name: str, ident: int) -> bytes:
    """A question for the IPv4 address of `name`. Raises ValueError where that can be no name."""
    labels = name.rstrip(".").encode("ascii", "replace").split(b".")
    if not all(map(_LABEL.fullmatch, labels)) or sum(len(label) + 1 for label in labels) > 254:
        raise ValueError(f"{name[:80]!r} can be no name")
    text = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    return _HEAD.pack(ident, _RECURSE, 1, 0, 0, 0) + text + struct.pack("!2H", _A, _IN)


def read(data: bytes, question: bytes) -> Answer:
    """A message as the answer to `question`. Raises NoAnswerToThis."""
    try:
        ident, flags, questions, answers, _, _ = _HEAD.unpack_from(data)
        asked = _HEAD.unpack_from(question)[0]
        if ident != asked or not flags & _ANSWER or questions > 1:
            raise NoAnswerToThis("an answer to something else")
        rcode, at = flags & 15, _HEAD.size
        if questions:
            at = len(question)
            if data[_HEAD.size : at].lower() != question[_HEAD.size :].lower():
                raise NoAnswerToThis("an answer about another name")
        if flags & _TRUNCATED:
            return Answer(rcode, "", cut=True)
        return Answer(rcode, _first_address(data, at, answers) if rcode == 0 else "")
    except (struct.error, IndexError, ipaddress.AddressValueError) as error:
        raise NoAnswerToThis("an answer that ends in its middle") from error


def _first_address(data: bytes, at: int, count: int) -> str:
    """The first A record among `count` records from `at` on; they are skipped forward only, so this ends."""
    for _ in range(count):
        at = _behind_name(data, at)
        kind, klass, _, size = _RECORD.unpack_from(data, at)
        at += _RECORD.size
        if (kind, klass, size) == (_A, _IN, 4):
            return str(ipaddress.IPv4Address(data[at : at + 4]))
        at += size
    return ""


def _behind_name(data: bytes, at: int) -> int:
    while data[at] and data[at] < 0xC0:
        at += data[at] + 1
    return at + (2 if data[at] else 1)
