"""`/e`: where a phone brings what a cut-off centre's box signed. Open to all: what counts is the signature."""

from __future__ import annotations

from typing import Final

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler

from alerts.api import Refused as NotTaken
from collector.api import CarriedIn
from dashboards.board.faults import Refused
from dashboards.board.incidents.calling import Namer
from dashboards.board.incidents.routes import House
from dashboards.board.sessions import Form
from dashboards.board.visit import Ask, answer
from wire.carried import MAX_BLOB, Sight

_WORST_FIRST: Final = {"fail": 0, "unknown": 1, "ok": 2}


def carrying_pages(house: House) -> list[HTTPRouteHandler]:
    """The page that a QR code opens, and what it brings."""

    @get("/e", sync_to_thread=True)
    def carry_page(request: Ask) -> Response[bytes]:
        seen = house.door.enter(request, open_to_all=True)
        values = {"title": seen.words("carry.title"), "told": None, "here": "", "now_ms": house.reader.now_ms()}
        return answer(request, house.render("incidents/carry.html", seen, values))

    @post("/e/send", status_code=200, sync_to_thread=True)
    def carry(request: Ask, data: Form) -> Response[bytes]:
        seen = house.door.enter(request, open_to_all=True)
        blob = data.get("blob", "").strip().rpartition("#")[2]
        if len(blob) > MAX_BLOB:
            raise Refused(422, "carry")
        try:
            told, joined = house.acts.carry(blob)
        except NotTaken as error:
            raise Refused(422, "carry") from error
        place = Namer(house.reader).centre(told.centre, seen.words)
        values = {"title": seen.words("carry.taken", place=place), "told": told, "joined": joined, "here": ""}
        values |= {"sights": _sorted(told), "now_ms": house.reader.now_ms()}
        return answer(request, house.render("incidents/carry.html", seen, values))

    return [carry_page, carry]


def _sorted(told: CarriedIn) -> list[Sight]:
    return sorted(told.sights, key=lambda one: (_WORST_FIRST[one.outcome], one.subject, one.target))
