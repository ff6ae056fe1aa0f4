"""One visit: who looks, in which language and look, and the answer that fits it."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from typing import Final, Literal, cast
from urllib.parse import urlencode

from litestar import Request, Response
from litestar.datastructures import Cookie, State

from collector.api import Actor
from dashboards.board.words import LANGS, Lang, Words, catalogue

Ask = Request[object, object, State]
Theme = Literal["auto", "light", "dark"]

SESSION_COOKIE: Final = "motcua_session"
LANG_COOKIE: Final = "motcua_lang"
THEME_COOKIE: Final = "motcua_theme"
YEAR_S: Final = 365 * 86_400
MAX_QUERY: Final = 100
_GZIP_FROM: Final = 600
_PASSING: Final = frozenset({"part", "of", "lang", "theme", "format", "table"})


@dataclass(frozen=True, slots=True)
class Visit:
    """What a page needs to know of its reader. `actor` None: reads only."""

    path: str
    query: dict[str, str]
    words: Words
    theme: Theme
    wall: bool
    actor: Actor | None
    base: str = ""  # where this board was found, http://127.0.0.1:8080: for links that are read elsewhere

    def link(self, **changes: str | None) -> str:
        """This page with parts of its query changed; None takes one away. What is meant for one answer never
        travels."""
        kept = {key: value for key, value in self.query.items() if key not in _PASSING}
        merged = {key: value for key, value in {**kept, **changes}.items() if value is not None}
        return f"{self.path}?{urlencode(merged)}" if merged else self.path

    @property
    def before_ms(self) -> int | None:
        """Where a list that is paged back begins; None for its newest page and for what is no moment."""
        text = self.query.get("before", "")
        return int(text) if text.isascii() and text.isdecimal() and len(text) <= 15 else None

    @property
    def part(self) -> str:
        """The part of the page that was asked for; empty for the whole page."""
        return self.query.get("part", "")

    @property
    def of(self) -> int:
        """Which of several, from 0; the first where that is no number."""
        text = self.query.get("of", "")
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 4 else 0


def visit(request: Ask, actor: Actor | None) -> Visit:
    """Read the visit out of a request; unknown languages and looks fall back to the first."""
    query = {key: value[:MAX_QUERY] for key, value in request.query_params.items() if isinstance(value, str)}
    return Visit(
        path=request.url.path,
        query=query,
        words=catalogue(chosen_lang(request)),
        theme=_theme(query.get("theme") or request.cookies.get(THEME_COOKIE)),
        wall=query.get("wall") == "1",
        actor=actor,
        base=str(request.base_url).rstrip("/"),
    )


def chosen_lang(request: Ask) -> Lang:
    asked = request.query_params.get("lang") or request.cookies.get(LANG_COOKIE)
    return cast("Lang", asked) if asked in LANGS else "vi"


def _theme(asked: str | None) -> Theme:
    return cast("Theme", asked) if asked in {"light", "dark"} else "auto"


def preferences(seen: Visit) -> list[Cookie]:
    """Cookies for a language or look that this request chose."""
    cookies = []
    if seen.query.get("lang") in LANGS:
        cookies.append(cookie(LANG_COOKIE, seen.words.lang, max_age=YEAR_S))
    if "theme" in seen.query:
        cookies.append(cookie(THEME_COOKIE, seen.theme, max_age=YEAR_S))
    return cookies


def cookie(name: str, value: str, *, max_age: int | None, secure: bool = False) -> Cookie:
    """A cookie of this site only, out of reach of scripts."""
    return Cookie(key=name, value=value, path="/", max_age=max_age, secure=secure, httponly=True, samesite="lax")


def etag(*parts: object) -> str:
    """A weak tag over everything an answer depends on."""
    text = "\x1f".join(map(str, parts))
    return f'W/"{hashlib.sha256(text.encode()).hexdigest()[:20]}"'


def unchanged(request: Ask, tag: str) -> bool:
    """Does the browser hold exactly this already?"""
    held = request.headers.get("if-none-match", "")
    return tag in {part.strip() for part in held.split(",")}


def answer(
    request: Ask, text: str, *, media_type: str = "text/html; charset=utf-8", tag: str = "", status: int = 200
) -> Response[bytes]:
    """A page as bytes, packed where the browser takes it. Never shared between readers, always asked for again."""
    body, headers = text.encode(), {"cache-control": "private, no-cache", "vary": "accept-encoding, cookie"}
    if tag:
        headers["etag"] = tag
    if len(body) > _GZIP_FROM and "gzip" in request.headers.get("accept-encoding", ""):
        body = gzip.compress(body, 4, mtime=0)
        headers["content-encoding"] = "gzip"
    return Response(body, media_type=media_type, headers=headers, status_code=status)


def not_modified(tag: str) -> Response[bytes]:
    headers = {"etag": tag, "cache-control": "private, no-cache", "vary": "accept-encoding, cookie"}
    return Response(b"", status_code=304, headers=headers)
