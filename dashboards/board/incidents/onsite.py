"""`/here`: what the QR code on a centre's own page opens. It leads to where the person who scans it works, the code
filled in: a phone to the incident it holds a link for, an account to the open incident of that centre."""

from __future__ import annotations

import re
from typing import Final

from litestar import Response, get
from litestar.datastructures import Cookie
from litestar.handlers import HTTPRouteHandler

from alerts.api import AlertsError
from dashboards.board.faults import Refused
from dashboards.board.incidents.acting import read_code
from dashboards.board.incidents.routes import House
from dashboards.board.sessions import see_other
from dashboards.board.visit import Ask, answer, cookie

LINKS_COOKIE: Final = "motcua_links"
LINKS_KEPT: Final = 5
"""So many of the links that a phone opened last; they fit into a cookie."""

LASTS_S: Final = 30 * 86_400
_BETWEEN: Final = ":"
_CENTRE: Final = re.compile(r"[0-9]{5}-[0-9]{1,3}")


def remember(request: Ask, token: str) -> Cookie:
    """Which links this phone opened of late, the newest first; no script reads it."""
    held = [token, *(one for one in _held(request) if one != token)][:LINKS_KEPT]
    secure = request.url.scheme == "https"
    return cookie(LINKS_COOKIE, _BETWEEN.join(held), max_age=LASTS_S, secure=secure)


def onsite_pages(house: House) -> list[HTTPRouteHandler]:
    """The one page."""

    @get("/here", sync_to_thread=True)
    def here_page(request: Ask) -> Response[bytes]:
        seen = house.door.enter(request, open_to_all=True)
        centre, code = seen.query.get("at", ""), read_code(seen.query)
        if not code or not _CENTRE.fullmatch(centre):
            raise Refused(400, "incident_code")
        token = _link(house, _held(request), centre)
        if token:
            return see_other(f"/t/{token}/here?code={code}#acts")
        if seen.actor is not None and (number := _number(house, centre)):
            return see_other(f"/incidents/{number}?code={code}#acts")
        values = {"title": seen.words("onsite.title", code=code), "here": "", "signed_in": seen.actor is not None}
        return answer(request, house.render("incidents/here.html", seen, values | {"now_ms": house.reader.now_ms()}))

    return [here_page]


def _held(request: Ask) -> list[str]:
    return [one for one in request.cookies.get(LINKS_COOKIE, "").split(_BETWEEN) if one][:LINKS_KEPT]


def _link(house: House, tokens: list[str], centre: str) -> str:
    """The newest of the links whose incident is at that centre and not closed; empty where there is none."""
    for token in tokens:
        try:
            _, key = house.acts.guest(token)
            held = house.alerts.incident(key)
        except AlertsError:
            continue
        if held.closed_ms is None and centre in held.verdict.centres:
            return token
    return ""


def _number(house: House, centre: str) -> int | None:
    """The most pressing incident for which somebody has to go there."""
    going = (one for one in house.alerts.open(centre) if one.verdict.visit and centre in one.verdict.centres)
    return next((one.number for one in going), None)
