"""Prometheus' remote write 1.0, just enough to load a receiver: protobuf by hand, snappy without compressing.

https://prometheus.io/docs/specs/prw/remote_write_spec/ ; snappy's format_description.txt allows a stream of literals,
which the receiver inflates with a plain copy: that is the least work it can be given.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator

from wire.messages import Observation

_VALUE = struct.Struct("<d")


class Series:
    """The label sets of one agent's minute, as encoded bytes; their samples change, the labels do not."""

    def __init__(self, agent: str, observations: list[Observation]) -> None:
        self._labels = [_labels(pairs) for pairs in _distinct(agent, observations)]

    def __len__(self) -> int:
        return len(self._labels)

    def request(self, at_ms: int) -> bytes:
        """A body with one sample of every series at `at_ms`."""
        stamp = b"\x10" + _varint(at_ms)
        sample = b"\x09" + _VALUE.pack(at_ms % 1000 / 7) + stamp
        tail = b"\x12" + _varint(len(sample)) + sample
        body = b"".join([b"\x0a" + _varint(len(labels) + len(tail)) + labels + tail for labels in self._labels])
        return _snappy(body)


class Stream:
    """Requests of a Prometheus client that writes `groups` in turn, each a little later than before."""

    def __init__(self, groups: list[Series]) -> None:
        self._groups = groups
        self._at_ms = int(time.time() * 1000) - 3_600_000  # within the head, and never overtaking the present
        self._turn = 0

    @property
    def samples(self) -> int:
        return len(self._groups[0])

    def request(self) -> tuple[bytes, bytes]:
        self._turn += 1
        group = self._groups[self._turn % len(self._groups)]
        self._at_ms += self._turn % len(self._groups) == 0
        body = group.request(self._at_ms)
        return _head(body), body


def _head(body: bytes) -> bytes:
    return (
        "POST /api/v1/write HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-protobuf\r\n"
        f"Content-Encoding: snappy\r\nX-Prometheus-Remote-Write-Version: 0.1.0\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode("ascii")


def _distinct(agent: str, observations: list[Observation]) -> Iterator[list[tuple[str, str]]]:
    """A label set for every value of a minute: `turn` tells repetitions apart, as each request holds a series once."""
    for n, observation in enumerate(observations):
        for value in observation.values:
            pairs = [("__name__", value.metric), ("agent", agent), ("subject", observation.subject)]
            pairs += [("of", value.of)] if value.of else []
            yield sorted([*pairs, ("target", observation.target), ("turn", str(n))])


def _labels(pairs: list[tuple[str, str]]) -> bytes:
    return b"".join(
        _bytes_field(0x0A, _bytes_field(0x0A, k.encode()) + _bytes_field(0x12, v.encode())) for k, v in pairs
    )


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
