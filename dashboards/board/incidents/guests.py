"""A technician's phone: `/t/<token>`, a signed link that speaks for one team about one incident, without an account."""

from __future__ import annotations

import hmac
import re
from dataclasses import replace
from typing import Final
from urllib.parse import quote

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from alerts.api import NotFound
from alerts.api import Refused as NotGranted
from collector.api import Actor
from dashboards.board.door import address_of, own_origin
from dashboards.board.faults import Refused
from dashboards.board.incidents import onsite, page
from dashboards.board.incidents.acting import read_code
from dashboards.board.incidents.calling import Namer
from dashboards.board.incidents.routes import House
from dashboards.board.incidents.rows import Teller
from dashboards.board.incidents.sheet import sheet_of
from dashboards.board.render import Part
from dashboards.board.sessions import Form, see_other
from dashboards.board.visit import Ask, Visit, answer

_TOKEN: Final = re.compile(r"[0-9A-Za-z._~=-]{8,1000}")
_ACTS: Final = frozenset({"move", "comment", "test"})


class Guests:
    """Who comes in by a link. Every address of theirs begins with the token, and reaches its incident only."""

    def __init__(self, house: House) -> None:
        self._house = house

    def enter(self, request: Ask, token: str) -> tuple[Visit, Actor, str]:
        """The visit, who the token speaks for, and its incident. Raises Refused for a link that is not right."""
        seen = self._house.door.enter(request, open_to_all=True)
        if not _TOKEN.fullmatch(token):
            raise Refused(403, "guest_link")
        try:
            actor, incident = self._house.acts.guest(token)
        except (NotGranted, NotFound) as error:
            raise Refused(403, "guest_link") from error
        return replace(seen, actor=actor), actor, incident

    def act(self, request: Ask, token: str, csrf: str) -> tuple[Actor, str]:
        """Who may act. The token in the address is what no other site knows; where the actor has a mark, it counts."""
        _, actor, incident = self.enter(request, token)
        if not own_origin(request):
            raise Refused(403, "foreign")
        if actor.csrf and not hmac.compare_digest(actor.csrf.encode(), csrf.encode()):
            raise Refused(403, "bad_csrf")
        return actor, incident

    def phone(self, request: Ask, token: str) -> Response[bytes]:
        """The page of the incident, with the code of the place filled in where the address brings one."""
        house = self._house
        seen, actor, incident = self.enter(request, token)

        def make() -> Part:
            facts = page.look(house.alerts, house.reader, incident, seen.words)
            values = {"p": facts, "base": f"/t/{token}", "code": read_code(seen.query), "now_ms": facts.now_ms}
            return Part(facts.row.title, house.render("incidents/phone.html", seen, values))

        here = self._called(actor, seen)
        response = house.live.page(request, seen, make, here=here, frame="incidents/phone_frame.html")
        response.headers["x-robots-tag"] = "noindex"
        if not seen.part:
            response.set_cookie(onsite.remember(request, token))
        return response

    def sheet(self, request: Ask, token: str) -> Response[bytes]:
        """Before and after, for A4."""
        house = self._house
        seen, actor, incident = self.enter(request, token)
        facts = sheet_of(house.alerts, house.reader, incident, seen.words, seen.base)
        title = seen.words("sheet.title", number=str(facts.p.i.number))
        values = {"s": facts, "title": title, "here": self._called(actor, seen), "back": f"/t/{token}"}
        return answer(request, house.render("incidents/sheet.html", seen, values | {"now_ms": facts.p.now_ms}))

    def _called(self, actor: Actor, seen: Visit) -> str:
        return Teller(seen.words, Namer(self._house.reader), 0).person(actor.name)


def guest_pages(house: House) -> list[HTTPRouteHandler]:
    """The page of one incident on a phone, the way in by the code of the centre, the sheet, and the acts."""
    guests, acts = Guests(house), house.deeds

    @get("/t/{token:str}", sync_to_thread=True)
    def phone_page(request: Ask, token: FromPath[str]) -> Response[bytes]:
        return guests.phone(request, token)

    @get("/t/{token:str}/here", sync_to_thread=True)
    def here_page(request: Ask, token: FromPath[str]) -> Response[bytes]:
        return guests.phone(request, token)

    @get("/t/{token:str}/sheet", sync_to_thread=True)
    def phone_sheet(request: Ask, token: FromPath[str]) -> Response[bytes]:
        return guests.sheet(request, token)

    @post("/t/{token:str}/{act:str}", status_code=303, sync_to_thread=True)
    def act_on(request: Ask, token: FromPath[str], act: FromPath[str], data: Form) -> Response[bytes]:
        actor, incident = guests.act(request, token, data.get("csrf", ""))
        if act not in _ACTS:
            raise Refused(404, "404")
        acts.do(act, actor, incident, data, address_of(request))
        code = read_code(data) if data.get("to") != "on_site" else ""  # one that was read waits until it is asked for
        return see_other(f"/t/{token}/here?code={quote(code)}#acts" if code else f"/t/{token}#acts")

    return [phone_page, here_page, phone_sheet, act_on]
