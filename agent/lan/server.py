"""Serves the LAN page: plain HTTP, read-only but for one button, which is limited."""

from __future__ import annotations

import threading
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Final

from agent.lan.page import View, moment, render
from agent.lan.words import LANGS
from agent.serving import Asked, PageServer, Reply

MAX_FORM: Final = 2_048
MAX_TEXT: Final = 200
PRESSED_MS: Final = 60_000
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Desk:
    """What the page asks of the agent. `slow(text)` notes it and starts measuring; true where the province hears it."""

    look: Callable[[], View]
    slow: Callable[[str], bool]
    mono_ms: Callable[[], int]


class LanPage(PageServer):
    """The page and its button."""

    def __init__(self, address: tuple[str, int], desk: Desk) -> None:
        self._desk, self._lock = desk, threading.Lock()
        self._pressed_ms, self._pressed_at = -PRESSED_MS, 0
        super().__init__(address, self._answer, name="lan page", headers=_HEADERS)

    def _answer(self, asked: Asked) -> Reply:
        match asked.method, asked.path:
            case "GET", "/":
                return self._page(asked, 200)
            case "GET", _:
                return Reply(404, b"there is only one page here: /\n")
            case "POST", "/slow" if _own(asked):
                return self._slow(asked)
            case "POST", "/slow":
                return Reply(403, b"only the page of this box may press its button\n")
            case _:
                return Reply(404, b"there is nothing here\n")

    def _slow(self, asked: Asked) -> Reply:
        told = asked.form("text", MAX_FORM)
        if told is None:
            return Reply(413, b"too long\n")
        text = "".join(c for c in " ".join(told.split()) if c.isprintable())[:MAX_TEXT]
        say = LANGS[_lang(asked)]
        with self._lock:
            left_ms = self._pressed_ms + PRESSED_MS - self._desk.mono_ms()
            if left_ms <= 0:
                self._pressed_ms, self._pressed_at = self._desk.mono_ms(), self._desk.look().now_ms
        if left_ms > 0:
            again = say["slow_again"].format(at=moment(self._pressed_at), wait=-(-left_ms // 1000))
            return self._page(asked, 429, again)
        sent = say["slow_sent" if self._desk.slow(text) else "slow_kept"]
        return self._page(asked, 200, say["slow_done"].format(at=moment(self._pressed_at), sent=sent))

    def _page(self, asked: Asked, status: int, told: str = "") -> Reply:
        body = render(replace(self._desk.look(), told=told), _lang(asked))
        return Reply(status, body.encode(), "text/html; charset=utf-8")


def _lang(asked: Asked) -> str:
    lang = asked.word("lang")
    return lang if lang in LANGS else "vi"


def _own(asked: Asked) -> bool:
    """Not a page of somebody else's: by origin, and by an address as host, which cannot be rebound."""
    origin = asked.headers.get("Origin")
    try:
        literal = asked.host == "localhost" or bool(ip_address(asked.host))
        return literal and (origin is None or urllib.parse.urlsplit(origin).netloc == asked.headers.get("Host"))
    except ValueError:
        return False
