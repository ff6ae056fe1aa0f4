"""A technician's phone: `/t/<token>`, a signed link that speaks for one team about one incident, without an account."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from alerts.api import NotFound
from alerts.api import Refused as NotGranted
from collector.api import Actor
from dashboards.board.door import own_origin
from dashboards.board.faults import Refused
from dashboards.board.incidents import page
from dashboards.board.incidents.acting import Acts
from dashboards.board.incidents.calling import Namer
from dashboards.board.incidents.routes import House
from dashboards.board.incidents.rows import Teller
from dashboards.board.incidents.sheet import sheet_of
from dashboards.board.render import Part
from dashboards.board.sessions import Form, see_other
from dashboards.board.visit import Ask, Visit, answer

_TOKEN: Final = re.compile(r"[0-9A-Za-z._~=-]{8,1000}")
_CODE: Final = re.compile(r"[0-9A-Za-z-]{1,40}")


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


def guest_pages(house: House) -> list[HTTPRouteHandler]:
    """The page of one incident on a phone, the way in by the code of the centre, the sheet, and the acts."""
    guests = Guests(house)
    acts = Acts(house.alerts, house.acts, house.reader, house.commands)
    todo: dict[str, Callable[[Actor, str, Form], object]] = {
        "move": acts.move,
        "comment": acts.comment,
        "test": lambda actor, key, _form: acts.test(actor, key),
    }

    def phone(request: Ask, token: str) -> Response[bytes]:
        seen, actor, incident = guests.enter(request, token)
        code = seen.query.get("code", "")
        code = code if _CODE.fullmatch(code) else ""

        def make() -> Part:
            facts = page.look(house.alerts, house.reader, incident, seen.words)
            values = {"p": facts, "base": f"/t/{token}", "code": code, "now_ms": facts.now_ms}
            return Part(facts.row.title, house.render("incidents/phone.html", seen, values))

        response = house.live.page(request, seen, make, here=called(actor, seen), frame="incidents/phone_frame.html")
        response.headers["x-robots-tag"] = "noindex"
        return response

    def called(actor: Actor, seen: Visit) -> str:
        return Teller(seen.words, Namer(house.reader), 0).person(actor.name)

    @get("/t/{token:str}", sync_to_thread=True)
    def phone_page(request: Ask, token: FromPath[str]) -> Response[bytes]:
        return phone(request, token)

    @get("/t/{token:str}/here", sync_to_thread=True)
    def here_page(request: Ask, token: FromPath[str]) -> Response[bytes]:
        return phone(request, token)

    @get("/t/{token:str}/sheet", sync_to_thread=True)
    def phone_sheet(request: Ask, token: FromPath[str]) -> Response[bytes]:
        seen, actor, incident = guests.enter(request, token)
        facts = sheet_of(house.alerts, house.reader, incident, seen.words, seen.base)
        values = {
            "s": facts,
            "title": seen.words("sheet.title", number=str(facts.p.i.number)),
            "here": called(actor, seen),
        }
        values |= {"back": f"/t/{token}", "now_ms": facts.p.now_ms}
        return answer(request, house.render("incidents/sheet.html", seen, values))

    @post("/t/{token:str}/{act:str}", status_code=303, sync_to_thread=True)
    def act_on(request: Ask, token: FromPath[str], act: FromPath[str], data: Form) -> Response[bytes]:
        actor, incident = guests.act(request, token, data.get("csrf", ""))
        if act not in todo:
            raise Refused(404, "404")
        todo[act](actor, incident, data)
        return see_other(f"/t/{token}#acts")

    return [phone_page, here_page, phone_sheet, act_on]
