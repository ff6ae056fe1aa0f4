"""A request as it arrives: its headers, who speaks, its body within every bound. Bare ASGI, nothing kept."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from collector.web.problems import Receive, Refusal, Scope
from collector.web.speaking import bearer
from wire.codec import WireError, unpack
from wire.messages import MAX_BODY_BYTES, MAX_COMPRESSED_BYTES

BODY_TIMEOUT_S: Final = 20.0
DRAIN_BYTES: Final = (
    64 * 1024 * 1024
)  # a client that sends up to this much is read to its end and hears why it was refused
CONTENT_TYPES: Final = (b"application/x-ndjson", b"application/ndjson")


@dataclass(frozen=True, slots=True)
class Head:
    """The headers of a request that matter here; `length` None where it is sent in chunks."""

    token: bytes
    content_type: bytes
    encoding: bytes
    length: int | None


def read_head(scope: Scope) -> Head:
    """Take the headers apart. Raises Refusal for a length that is no number."""
    token = content_type = encoding = b""
    length: int | None = None
    for name, value in scope["headers"]:
        if name == b"authorization":
            token = bearer(value)
        elif name == b"content-type":
            content_type = value.partition(b";")[0].strip().lower()
        elif name == b"content-encoding":
            encoding = value.strip().lower()
        elif name == b"content-length":
            if not value.isdigit():
                raise Refusal(400, "malformed", "the content length is not a number", close=True)
            length = int(value)
    return Head(token, content_type, encoding, length)


def check_head(head: Head) -> Callable[[bytes], bytes]:
    """How the body is to be unpacked. Raises Refusal for a kind, a packing or a length that is not taken."""
    if head.content_type not in CONTENT_TYPES:
        said = head.content_type.decode("latin-1")[:60] or "nothing"
        raise Refusal(415, "content_type", f"the content type is {said}", "send application/x-ndjson")
    if head.length is not None and head.length > MAX_COMPRESSED_BYTES:
        raise _too_large(close=head.length > DRAIN_BYTES)
    if head.encoding == b"gzip":
        return unpack
    if head.encoding in {b"", b"identity"}:
        return bytes
    if head.encoding == b"zstd" and (zstd := zstd_unpacker()) is not None:
        return zstd
    raise Refusal(415, "encoding", f"{head.encoding.decode('latin-1')[:40]} is not unpacked here", "send gzip")


async def read_body(receive: Receive) -> bytes:
    """The body, never more than the limit. Raises Refusal; ConnectionError where the client went away."""
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            return await _read_all(receive)
    except TimeoutError:
        detail = f"the body had not arrived after {BODY_TIMEOUT_S:.0f} s"
        raise Refusal(408, "too_slow", detail, "send fewer batches a request", close=True) from None


async def _read_all(receive: Receive) -> bytes:
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        body: bytes = message.get("body", b"")
        if len(body) > MAX_COMPRESSED_BYTES:
            raise _too_large(close=True)
        return body
    parts, size = [], 0
    while message["type"] == "http.request":
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MAX_COMPRESSED_BYTES:
            raise _too_large(close=True)
        if not message.get("more_body"):
            return b"".join(parts)
        message = await receive()
    raise ConnectionError("the client went away before its request was complete")


def _too_large(*, close: bool) -> Refusal:
    detail = f"the body is larger than {MAX_COMPRESSED_BYTES} bytes"
    return Refusal(413, "too_large", detail, "send fewer batches a request", close=close)


def zstd_unpacker() -> Callable[[bytes], bytes] | None:
    """How to unpack zstd; None where the extra is not installed."""
    try:
        zstandard = importlib.import_module("zstandard")
    except ImportError:
        return None

    def unpack_zstd(body: bytes) -> bytes:
        try:
            with zstandard.ZstdDecompressor(max_window_size=1 << 23).stream_reader(body) as reader:
                raw: bytes = reader.read(MAX_BODY_BYTES + 1)
        except zstandard.ZstdError as error:
            raise WireError("bad_encoding", f"the body is not zstd: {error}") from error
        if len(raw) > MAX_BODY_BYTES:
            raise WireError("too_large", f"the body inflates to more than {MAX_BODY_BYTES} bytes")
        return raw

    return unpack_zstd
