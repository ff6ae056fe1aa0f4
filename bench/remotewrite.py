"""Prometheus' remote write 1.0, just enough to load a receiver: protobuf by hand, snappy without compressing.

https://prometheus.io/docs/specs/prw/remote_write_spec/ ; snappy's format_description.txt allows a stream of literals,
which the receiver inflates with a plain copy: that is the least work it can be given.
"""

from __future__ import annotations

import struct
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bench.mix import Sender

STEP_MS: Final = 5
MINUTE_MS: Final = 60
_VALUE: Final = struct.Struct("<d")


class Series:
    """One request's series as encoded labels, and how many samples of each it holds."""

    def __init__(self, labels: dict[bytes, int]) -> None:
        self._labels = labels
        self.samples = sum(labels.values())

    def request(self, at_ms: int) -> bytes:
        """A body whose samples lie STEP_MS apart from `at_ms` on."""
        longest = max(self._labels.values())
        samples = [_sample(at_ms + n * STEP_MS) for n in range(longest)]
        tails = {count: b"".join(samples[:count]) for count in set(self._labels.values())}
        return _snappy(
            b"".join([
                b"\x0a" + _varint(len(labels) + len(tails[count])) + labels + tails[count]
                for labels, count in self._labels.items()
            ])
        )  # fmt: skip


class Stream:
    """What one connection writes: `groups` in turn, their time running on a thousand times too fast."""

    def __init__(self, groups: Sequence[Series]) -> None:
        self._groups = groups
        self._at_ms = int(time.time() * 1000) - 3_600_000  # far enough back never to overtake the present
        self._turn = 0

    def request(self) -> tuple[bytes, bytes]:
        self._turn += 1
        turn = self._turn % len(self._groups)
        self._at_ms += MINUTE_MS if turn == 0 else 0
        body = self._groups[turn].request(self._at_ms)
        return _head(body), body


@dataclass(frozen=True, slots=True)
class Writers:
    """A stream for each connection: samples out of order would be refused. `samples` of one request."""

    streams: list[Stream]
    samples: int

    def request(self, connection: int) -> tuple[bytes, bytes]:
        return self.streams[connection].request()


def minutes(senders: Sequence[Sender], connections: int) -> Writers:
    """The same minutes as our own agents send: few series, 6 or 12 samples of each."""
    groups = [Series(dict(Counter(_label_sets(s, s.agent)))) for s in senders]
    return Writers([Stream(groups[n::connections]) for n in range(connections)], groups[0].samples)


def wide(senders: Sequence[Sender], connections: int, series: int) -> Writers:
    """Requests of `series` series with one sample each."""
    copies = range(-(-connections * series // (len(senders) * 40)))
    names = [(s, f"{s.agent}-{n}") for n in copies for s in senders]
    every = list(dict.fromkeys(labels for s, name in names for labels in _label_sets(s, name)))
    groups = [Series(dict.fromkeys(every[n * series : (n + 1) * series], 1)) for n in range(connections)]
    return Writers([Stream([group]) for group in groups], min(group.samples for group in groups))


def _head(body: bytes) -> bytes:
    return (
        "POST /api/v1/write HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-protobuf\r\n"
        f"Content-Encoding: snappy\r\nX-Prometheus-Remote-Write-Version: 0.1.0\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode("ascii")


def _label_sets(sender: Sender, name: str) -> Iterator[bytes]:
    """The labels of every value in a sender's minute; the same ones come again for the next look at the same thing."""
    for observation in sender.minutes[0]:
        for value in observation.values:
            pairs = [("__name__", value.metric), ("agent", name), ("subject", observation.subject)]
            pairs += [("target", observation.target), *([("of", value.of)] if value.of else [])]
            yield b"".join(_label(name, text) for name, text in sorted(pairs))


def _label(name: str, text: str) -> bytes:
    return _bytes_field(0x0A, _bytes_field(0x0A, name.encode()) + _bytes_field(0x12, text.encode()))


def _sample(at_ms: int) -> bytes:
    body = b"\x09" + _VALUE.pack(at_ms % 1000 / 7) + b"\x10" + _varint(at_ms)
    return b"\x12" + _varint(len(body)) + body


def _bytes_field(tag: int, content: bytes) -> bytes:
    return bytes((tag,)) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _snappy(body: bytes) -> bytes:
    """A snappy block of literals, 64 KiB each: tag 61 << 2 says that the length less one follows in two bytes."""
    parts = [_varint(len(body))]
    for start in range(0, len(body), 65_536):
        piece = body[start : start + 65_536]
        parts += [b"\xf4" + struct.pack("<H", len(piece) - 1), piece]
    return b"".join(parts)
