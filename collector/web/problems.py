"""Every refusal over HTTP as a problem document (RFC 9457): title, detail, instance, a code, and a remedy."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, Final

import msgspec

from collector.api import CollectorError, NotAllowed, NotFound
from collector.store.faults import Busy, Unavailable
from wire.messages import Problem, Receipt

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

TITLES: Final[dict[int, str]] = {
    400: "The request cannot be read",
    401: "Who is speaking is not known",
    403: "This is not allowed",
    404: "There is no such thing",
    405: "This is not done here",
    408: "The request took too long to arrive",
    409: "Another batch was stored under this number",
    411: "The request does not say its length",
    413: "The request is too large",
    415: "The request is of a kind that is not read here",
    422: "The request does not say what it must",
    429: "Too many attempts",
    500: "The collector failed",
    503: "The collector cannot take this now",
}


class Refusal(CollectorError):
    """A request that is answered with a problem. `code` is for machines, `remedy` for the person who reads it."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        remedy: str = "",
        *,
        retry_after_s: int | None = None,
        close: bool = False,
        receipts: Iterable[Receipt] = (),
    ) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.remedy = status, code, detail, remedy
        self.retry_after_s, self.close, self.receipts = retry_after_s, close, list(receipts)

    def headers(self) -> dict[str, str]:
        """The headers that belong to this refusal, but for its length."""
        headers = {"content-type": "application/problem+json", "cache-control": "no-store"}
        if self.retry_after_s is not None:
            headers["retry-after"] = str(self.retry_after_s)
        if self.status == 401:
            headers["www-authenticate"] = "Bearer"
        if self.close:
            headers["connection"] = "close"
        return headers

    def document(self, instance: str) -> bytes:
        """The problem document, for the path `instance`."""
        problem = Problem(
            title=TITLES.get(self.status, "The request was refused"), status=self.status, detail=self.detail,
            instance=instance[:200], code=self.code, remedy=self.remedy, receipts=self.receipts,
        )  # fmt: skip
        return msgspec.json.encode(problem)


def refusal_of(error: BaseException) -> Refusal:
    """The refusal that an error of the collector is answered with; 500 for one that nobody foresaw."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, Busy):
        return Refusal(503, "busy", str(error), "ask again later", retry_after_s=2)
    if isinstance(error, Unavailable):
        return Refusal(503, error.reason, str(error), "ask again later; the spool keeps it", retry_after_s=5)
    if isinstance(error, NotFound):
        return Refusal(404, "not_found", str(error))
    if isinstance(error, NotAllowed):
        return Refusal(403, "not_allowed", str(error))
    return Refusal(500, "internal", "the collector's log says more", "report it with the time of the request")


async def send_json(send: Send, status: int, body: bytes, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
    """One whole answer in JSON."""
    base = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body)), *headers]
    await send({"type": "http.response.start", "status": status, "headers": base})
    await send({"type": "http.response.body", "body": body})


async def send_refusal(scope: Scope, send: Send, refusal: Refusal) -> None:
    """One whole answer that says no."""
    body = refusal.document(str(scope.get("path", "")))
    headers = [(k.encode(), v.encode()) for k, v in refusal.headers().items()]
    headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
