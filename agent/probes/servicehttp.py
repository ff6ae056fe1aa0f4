"""The service probe on the web: one page asked for as a browser would, redirects followed within bounds."""

from __future__ import annotations

import unicodedata
import zlib
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse, IncompleteRead
from typing import TYPE_CHECKING, Final, cast

from agent.net import trust
from agent.net.links import now_s
from agent.net.ranges import is_public
from agent.net.stream import Pages, Stream, StreamError, Untrusted
from agent.probes.given import Ended
from agent.probes.serviceplan import ENDPOINTS, Place, at_home, onward
from agent.probes.serviceportal import Heard, who_answered
from agent.probes.servicerun import USER_AGENT, Run
from wire.outcomes import fail, unknown

if TYPE_CHECKING:
    import socket

_ONWARD: Final = frozenset({301, 302, 303, 307, 308})
_CHUNK: Final = 16 * 1024
_LOOKED_AT: Final = 64 * 1024
_BLIND_BYTES: Final = 16 * 1024
_BLIND_S: Final = 3.0


@dataclass(frozen=True, slots=True)
class Page:
    """An answer. `start` is its beginning as it came, `read_bytes` how much was read, `location` where it sends on."""

    place: Place
    status: int
    headers: dict[str, str]
    start: bytes
    read_bytes: int
    location: str

    def text(self, most: int) -> str:
        """The first `most` bytes as text, unpacked where the server packed them without being asked."""
        raw = self.start
        if self.headers.get("content-encoding", "").lower() in {"gzip", "x-gzip", "deflate"}:
            try:
                raw = zlib.decompressobj(47).decompress(raw, most)
            except zlib.error:
                return ""
        words = self.headers.get("content-type", "").lower().partition("charset=")[2].split(";")
        try:
            return raw[:most].decode(words[0].strip(" \"'") or "utf-8", "replace")
        except (LookupError, ValueError):  # no such charset, a name that cannot be one, or one that will not replace
            return raw[:most].decode("utf-8", "replace")


def ask(run: Run, place: Place) -> None:
    """Ask for the page of `place`. Returns where it is as expected; else raises Ended or StreamError."""
    run.find_target(place)
    seen, cookies, trail, here = set[tuple[str, str]](), dict[str, str](), list[str](), place
    sure = True  # whether whoever speaks now proved to be the service, or was named by it
    while True:
        mark = (f"{here.scheme}://{here.netloc}{here.path}", cookies.get(here.host, ""))
        if mark in seen or len(trail) > run.settings.redirects:
            raise StreamError(fail("redirect_loop"), f"after {len(trail)} redirects again {here.shown}")
        seen.add(mark)
        page = _fetch(run, here, cookies)
        proved = here.scheme == "https" and run.settings.trust == "system"
        sure = proved and (sure or at_home(here.host, place.host, run.settings.hosts))
        if not page.location or place.scheme in ENDPOINTS or not run.settings.redirects:
            return _judge(run, place, page, sure=sure)
        here = _next(run, place, page, sure=sure)
        trail.append(here.shown)
        run.numbers["redirects_count"] = len(trail)
        run.detail["redirects"] = " → ".join(trail)[:500]


def _fetch(run: Run, here: Place, cookies: dict[str, str]) -> Page:
    address = run.find(here)
    try:
        with run.connected(address, here) as stream:
            page = _exchange(run, stream, here, cookies, 1024 * run.settings.body_kib)
    except Untrusted as refused:
        raise _behind(run, address, here, refused) from refused
    run.numbers |= {"status_code": page.status, "body_bytes": page.read_bytes}
    if page.read_bytes >= 1024 * run.settings.body_kib:
        run.detail["cut_at_bytes"] = page.read_bytes
    return page


def _exchange(run: Run, stream: Stream, here: Place, cookies: dict[str, str], most: int) -> Page:
    """One request and its answer over a connection that stands."""
    run.ctx.explain(f"GET {here.shown}")
    stream.send(_request(here, cookies.get(here.host, "")))
    pages = Pages(stream)
    try:
        answer = HTTPResponse(cast("socket.socket", pages), method="GET")  # all it asks of a socket is makefile
        with answer:
            answer.begin()
            pages.head_is_over = True
            start, count = _read(answer, most)
            headers = {name.lower(): value for name, value in answer.getheaders()}
            _remember(cookies, here.host, answer.msg.get_all("set-cookie") or [])
    except IncompleteRead as error:
        raise StreamError(fail("cut_short"), "the connection ended before the declared length") from error
    except ConnectionError as error:  # http.client's own, for an end without a word
        raise StreamError(fail("reset"), "closed without an answer") from error
    except (HTTPException, ValueError) as error:
        raise StreamError(fail("bad_answer"), f"this is not HTTP: {type(error).__name__} {str(error)[:100]}") from error
    stream.phases.setdefault("transfer", 0.0)  # all of it came with its first byte
    run.ctx.explain(f"answered {answer.status} {answer.reason[:60]}, {count} bytes")
    location = headers.get("location", "") if answer.status in _ONWARD else ""
    return Page(here, answer.status, headers, start, count, location)


def _request(here: Place, cookie: str) -> bytes:
    lines = [
        f"GET {here.path} HTTP/1.1", f"Host: {here.netloc}", f"User-Agent: {USER_AGENT}", "Accept: */*",
        "Accept-Encoding: identity", "Cache-Control: no-cache", "Connection: close",
    ]  # fmt: skip
    return "\r\n".join([*lines, *([f"Cookie: {cookie}"] if cookie else []), "", ""]).encode("latin-1", "replace")


def _read(answer: HTTPResponse, most: int) -> tuple[bytes, int]:
    """The beginning of a body, and how much of it there was; reading ends at `most` bytes."""
    start, count = bytearray(), 0
    while count < most and (chunk := answer.read(min(_CHUNK, most - count))):
        start += chunk[: max(0, 1024 * 1024 - len(start))]
        count += len(chunk)
    if count < most and answer.length:
        raise IncompleteRead(b"", answer.length)
    return bytes(start), count


def _remember(cookies: dict[str, str], host: str, headers: list[str]) -> None:
    """Keep what a host sets, for this run and this host alone: some send everybody in a circle who does not."""
    kept = dict(pair.split("=", 1) for pair in cookies.get(host, "").split("; ") if "=" in pair)
    for header in headers[:10]:
        name, equals, value = header.partition(";")[0].partition("=")
        if equals and (name + value).isprintable():
            kept[name.strip()] = value.strip()
    cookies[host] = "; ".join(f"{name}={value}" for name, value in kept.items())[:2048]


def _next(run: Run, asked: Place, page: Page, *, sure: bool) -> Place:
    """Where an answer sends on, if that may be followed. Raises Ended, StreamError."""
    try:
        there = onward(page.place, page.location)
    except ValueError as error:
        raise StreamError(fail("redirect_refused"), str(error)) from error
    home = at_home(there.host, asked.host, run.settings.hosts)
    run.detail["redirected_to"] = there.shown
    if not home and not sure and (found := _suspect(run, asked, page, home=False, wrong=False)) is not None:
        raise StreamError(fail(found), f"sent on to {there.shown}")
    address = run.find(there)
    if run.settings.allow_private or is_public(address):
        return there
    # A service of the open internet that sends its visitors into the local network is not that service.
    reason = "redirect_refused" if sure or home else "captive_portal"
    raise StreamError(fail(reason), f"sent on to {there.shown} at {address}, which is not of the open internet")


def _judge(run: Run, asked: Place, page: Page, *, sure: bool) -> None:
    """Whether the last answer is the expected one. Raises StreamError."""
    settings = run.settings
    endpoint = asked.scheme in ENDPOINTS
    good_status = endpoint or settings.passes(page.status)
    good_text = not settings.text or _norm(settings.text) in _norm(page.text(1024 * settings.text_kib))
    home = at_home(page.place.host, asked.host, settings.hosts)
    if not sure:
        wrong = not (good_status and good_text) or (endpoint and "html" in page.headers.get("content-type", ""))
        found = None if settings.text and good_text else _suspect(run, asked, page, home=home, wrong=wrong)
        if found is None and endpoint and page.location and not _leads_home(run, asked, page):
            found = "captive_portal"
        if found is not None:
            raise StreamError(fail(found), f"{page.place.shown} answered {page.status}")
    if not good_status:
        raise StreamError(fail("bad_status"), f"status {page.status}, expected {settings.status}")
    if not good_text:
        raise StreamError(fail("missing_text"), f"{settings.text!r} is not in the first {settings.text_kib} KiB")


def _leads_home(run: Run, asked: Place, page: Page) -> bool:
    try:
        return at_home(onward(page.place, page.location).host, asked.host, run.settings.hosts)
    except ValueError:
        return False


def _suspect(run: Run, asked: Place, page: Page, *, home: bool, wrong: bool) -> str | None:
    public = is_public(run.find(asked))
    return who_answered(Heard(page.status, page.headers, page.text(_LOOKED_AT), home, wrong, public))


def _behind(run: Run, address: str, here: Place, refused: Untrusted) -> Ended | StreamError:
    """Look at the certificate that was refused and at the page behind it: it may be the portal's and not the service's.

    Nothing is sent there but the request itself, and what it took is no part of the measurement.
    """
    until = now_s() + _BLIND_S
    stream = Stream(lambda: max(0.0, min(run.left_s(), until - now_s())), {})
    certificate, found = None, None
    try:
        stream.connect(address, here.port)
        certificate = trust.facts(stream.secure(trust.context(verify=False), here.host))
        if refused.result.reason != "cert_expired":
            page = _exchange(run, stream, here, {}, _BLIND_BYTES)
            found = _suspect(run, here, page, home=_home_behind(run, here, page), wrong=True)
    except StreamError as error:
        run.ctx.explain(f"behind the refused certificate: {error}")
    finally:
        stream.close()
    ended = run.explained(refused, certificate)
    return Ended(fail(found), **ended.detail) if found and ended.result != unknown("clock_wrong") else ended


def _home_behind(run: Run, here: Place, page: Page) -> bool:
    return not page.location or _leads_home(run, here, page)


def _norm(text: str) -> str:
    return unicodedata.normalize("NFC", text)
