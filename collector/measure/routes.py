"""What is asked of a measurement server, under `/m/<ticket>/`: our test, the browser's page, Speedtest Mini."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from importlib.resources import files
from typing import Final

from collector.measure import mini, streams
from collector.measure.ledger import Full, Ledger, Load
from collector.measure.streams import Visit
from collector.measure.talk import Refusal, Request, answer, head
from collector.measure.ticket import TicketError

_PATH: Final = re.compile(r"/+m/([A-Za-z0-9_.-]{1,500})/+(.*)")
_FILES: Final = {
    "": ("page.html", "text/html; charset=utf-8"),
    "page.js": ("page.js", "text/javascript; charset=utf-8"),
    "page.css": ("page.css", "text/css; charset=utf-8"),
}
_PAGE_HEADERS: Final = [
    "Content-Security-Policy: default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy: no-referrer",
    "X-Content-Type-Options: nosniff",
]


def enter(request: Request, ledger: Ledger) -> tuple[Load, str]:
    """The load of the ticket in the path, and what is asked. Raises Refusal."""
    match = _PATH.fullmatch(request.path)
    if match is None:
        raise Refusal(401, "no_ticket", "nothing is measured without a ticket", "ask the collector for a lease")
    try:
        return ledger.enter(match[1]), match[2].lstrip("/")
    except TicketError as error:
        raise Refusal(401, error.code, str(error), "ask the collector for a new one") from error
    except Full as error:
        raise Refusal(503, "full", str(error), "come again later", retry_after_s=error.retry_after_s) from error


def serve(visit: Visit, route: str) -> None:
    """Answer one request. Raises Refusal; Gone when the connection is used up."""
    if visit.request.method == "POST":
        _post(visit, route)
    elif visit.request.length:
        raise Refusal(400, "bad_request", "GET with a body is not read here")
    elif route == "ping":
        visit.sock.sendall(head(204))
    elif (load := _LOADS.get(route)) is not None:
        load(visit)
    elif (size := mini.image_bytes(route)) is not None:
        streams.send_noise(visit, size, "image/jpeg")
    else:
        _small(visit, route)


_LOADS: Final[dict[str, Callable[[Visit], None]]] = {
    "download": streams.download,
    "series": streams.series,
    "report": streams.report,
}


def _post(visit: Visit, route: str) -> None:
    if route not in ("upload", "speedtest/upload.php"):
        raise Refusal(405, "not_done", "only an upload is posted")
    size = streams.upload(visit)
    answer(visit.sock, visit.request, b"size=%d" % size, "text/plain")


def _small(visit: Visit, route: str) -> None:
    if route == "speedtest/latency.txt":
        answer(visit.sock, visit.request, mini.LATENCY, "text/plain")
    elif route == "speedtest/upload.php":
        answer(visit.sock, visit.request, b"size=0", "text/plain")
    elif route in _FILES:
        name, kind = _FILES[route]
        answer(visit.sock, visit.request, _file(name), kind, more=_PAGE_HEADERS)
    else:
        raise Refusal(404, "not_found", "there is no such thing under this ticket")


@lru_cache(maxsize=8)
def _file(name: str) -> bytes:
    return files("collector.measure").joinpath(name).read_bytes()
