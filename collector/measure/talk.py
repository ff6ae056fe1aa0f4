"""HTTP/1.1 as far as a measurement needs it: a bounded head, whole answers, problem documents, bodies left unread.

Gone      the other side is not there any more, or took too long; nothing is to be answered
"""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass, field
from typing import Final

import msgspec

from collector.api import CollectorError
from wire.messages import Problem

MARK: Final = "Motcua-Measure: 1"
"""What tells an answer of ours from that of a portal or proxy on the way."""

MAX_HEAD_BYTES: Final = 16 * 1024
_LINE: Final = re.compile(rb"(GET|HEAD|POST) (/[!-~]{0,2000}) HTTP/1\.[01]")
_REASONS: Final = {
    200: "OK", 204: "No Content", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 405: "Method Not Allowed",
    408: "Request Timeout", 411: "Length Required", 413: "Content Too Large", 503: "Service Unavailable",
}  # fmt: skip
TITLES: Final = {
    400: "The request cannot be read",
    401: "There is no ticket, or none that is good now",
    404: "There is no such thing",
    405: "This is not done here",
    408: "The request took too long to arrive",
    411: "The request does not say its length",
    413: "More than the ticket allows",
    503: "The measurement server cannot take this now",
}


class Gone(Exception):
    """The connection is over."""


class Refusal(CollectorError):
    """A request that is answered with a problem document (RFC 9457)."""

    def __init__(self, status: int, code: str, detail: str, remedy: str = "", *, retry_after_s: int = 0) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.remedy = status, code, detail, remedy
        self.retry_after_s = retry_after_s

    def headers(self) -> list[str]:
        more = [f"Retry-After: {self.retry_after_s}"] if self.retry_after_s else []
        return [*more, "WWW-Authenticate: Bearer"] if self.status == 401 else more

    def document(self, instance: str) -> bytes:
        title = TITLES.get(self.status, "The request was refused")
        return msgspec.json.encode(
            Problem(title, self.status, self.detail, instance[:200], code=self.code, remedy=self.remedy)
        )


@dataclass(slots=True)
class Request:
    """A request's head. `length`: of its body, None where it does not say; `rest`: what is read of the body."""

    method: str
    path: str
    query: str
    length: int | None
    keeps: bool
    expects: bool
    rest: bytes = field(default=b"", repr=False)


def read_head(sock: socket.socket, before: bytes) -> tuple[bytes, bytes]:
    """The head of the next request and what came behind it. Raises Gone, Refusal; times out as the socket does."""
    raw = before
    while b"\r\n\r\n" not in raw:
        if len(raw) > MAX_HEAD_BYTES:
            raise Refusal(400, "head_too_large", f"the head has more than {MAX_HEAD_BYTES} bytes")
        more = sock.recv(4096)
        if not more:
            raise Gone
        raw += more
    head, _, rest = raw.partition(b"\r\n\r\n")
    return head, rest


def parse(head: bytes, rest: bytes) -> Request:
    """A request. Raises Refusal."""
    first, *lines = head.split(b"\r\n")
    match = _LINE.fullmatch(first)
    if match is None:
        raise Refusal(400, "bad_request", "the first line is not GET, HEAD or POST with a path")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
    if b"transfer-encoding" in headers:
        raise Refusal(411, "no_length", "a body in chunks is not read here", "send Content-Length")
    said = headers.get(b"content-length")
    if said is not None and not (said.isdigit() and len(said) < 17):
        raise Refusal(400, "bad_length", "Content-Length is no number")
    path, _, query = match[2].decode("ascii").partition("?")
    return Request(
        match[1].decode("ascii"), path, query, None if said is None else int(said),
        keeps=first.endswith(b"1") and headers.get(b"connection", b"").lower() != b"close",
        expects=headers.get(b"expect", b"").lower() == b"100-continue", rest=rest,
    )  # fmt: skip


def head(
    status: int, kind: str = "", length: int | None = 0, *, keeps: bool = True, more: list[str] | None = None
) -> bytes:
    """The head of an answer; `length` None: the body ends with the connection."""
    lines = [f"HTTP/1.1 {status} {_REASONS[status]}", MARK, "Cache-Control: no-store", *(more or [])]
    lines += [f"Content-Type: {kind}"] if kind else []
    lines += [] if length is None or status == 204 else [f"Content-Length: {length}"]
    lines += [] if keeps and length is not None else ["Connection: close"]
    return "\r\n".join([*lines, "", ""]).encode("ascii")


def answer(
    sock: socket.socket, request: Request, body: bytes, kind: str, *, status: int = 200, more: list[str] | None = None
) -> None:
    """One whole answer."""
    sock.sendall(
        head(status, kind, len(body), keeps=request.keeps, more=more) + (b"" if request.method == "HEAD" else body)
    )


def refuse(sock: socket.socket, refusal: Refusal, instance: str) -> None:
    """One whole answer that says no; the connection is not used any further."""
    body = refusal.document(instance)
    kind = "application/problem+json"
    sock.sendall(head(refusal.status, kind, len(body), keeps=False, more=refusal.headers()) + body)
