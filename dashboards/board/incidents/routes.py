"""The pages of incidents for people with an account: all of them, one of them, its sheet, and the acts."""

from __future__ import annotations

from dataclasses import dataclass

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from alerts.api import Commands as AlertCommands
from alerts.api import Reader as Alerts
from collector.api import Commands, Reader
from dashboards.board import qr
from dashboards.board.door import Door, address_of
from dashboards.board.exports import taken
from dashboards.board.incidents import listing, offers, page
from dashboards.board.incidents.acting import MUTES, Acts, read_code
from dashboards.board.incidents.sheet import sheet_of
from dashboards.board.incidents.tries import Tries
from dashboards.board.live import Live
from dashboards.board.once import once
from dashboards.board.render import Part, Renderer
from dashboards.board.sessions import Form, see_other
from dashboards.board.visit import Ask, answer


@dataclass(frozen=True, slots=True)
class House:
    """What every handler of these pages needs."""

    alerts: Alerts
    acts: AlertCommands
    reader: Reader
    commands: Commands
    door: Door
    live: Live
    render: Renderer
    tries: Tries

    @property
    def deeds(self) -> Acts:
        """What may be done here, by whoever may."""
        return Acts(self.alerts, self.acts, self.reader, self.commands, self.tries)


def incident_pages(house: House) -> list[HTTPRouteHandler]:
    """`/incidents`, `/incidents/<number>`, and its sheet."""
    alerts, reader, door, live, render = house.alerts, house.reader, house.door, house.live, house.render

    @get("/incidents", sync_to_thread=True)
    def list_page(request: Ask) -> Response[bytes]:
        seen = door.enter(request)
        asked = listing.asked_of(seen.query)

        def make() -> Part:
            facts = listing.look(once(alerts), once(reader), seen.words, asked)
            return Part(facts.title, render("incidents/list.html", seen, {"p": facts, "now_ms": facts.now_ms}))

        makers = {"incidents": lambda: offers.incidents(listing.look(alerts, reader, seen.words, asked))}
        return taken(request, seen, makers) or live.page(request, seen, make, here="incidents")

    @get("/incidents/{number:int}", sync_to_thread=True)
    def one_page(request: Ask, number: FromPath[int]) -> Response[bytes]:
        seen = door.enter(request)

        def look() -> page.IncidentPage:
            return page.look(once(alerts), once(reader), str(number), seen.words)

        def make() -> Part:
            facts = look()
            values = {"p": facts, "teams": reader.teams(), "mutes": MUTES, "now_ms": facts.now_ms}
            values |= {"code": read_code(seen.query)}
            return Part(facts.row.title, render("incidents/page.html", seen, values))

        makers = {
            "evidence": lambda: offers.evidence(look()),
            "history": lambda: offers.history(look()),
            "told": lambda: offers.told([one.told for one in look().told], reader.now_ms()),
            "centres": lambda: offers.centres(look()),
            "circuits": lambda: offers.circuits(look()),
        }
        return taken(request, seen, makers) or live.page(request, seen, make, here="incidents")

    @get("/incidents/{number:int}/sheet", sync_to_thread=True)
    def sheet_page(request: Ask, number: FromPath[int]) -> Response[bytes]:
        seen = door.enter(request)
        facts = sheet_of(alerts, reader, str(number), seen.words, seen.base)
        values = {"s": facts, "title": seen.words("sheet.title", number=str(number)), "here": ""}
        values |= {"back": facts.p.row.href, "now_ms": facts.p.now_ms}
        return answer(request, render("incidents/sheet.html", seen, values))

    return [list_page, one_page, sheet_page]


def incident_acts(house: House) -> list[HTTPRouteHandler]:
    """What somebody with an account may do about an incident, and about dead letters."""
    acts = house.deeds

    @post("/incidents/{number:int}/{act:str}", status_code=303, sync_to_thread=True)
    def act_on(request: Ask, number: FromPath[int], act: FromPath[str], data: Form) -> Response[bytes]:
        actor = house.door.act(request, data.get("csrf", ""))
        acts.do(act, actor, str(number), data, address_of(request))
        back = "/work" if data.get("back") == "work" else f"/incidents/{number}"
        return see_other(f"{back}#acts")

    @post("/incidents/{number:int}/link", status_code=200, sync_to_thread=True)
    def link(request: Ask, number: FromPath[int], data: Form) -> Response[bytes]:
        actor = house.door.act(request, data.get("csrf", ""))
        held, token = acts.link(actor, str(number), data)
        seen = house.door.enter(request)
        url = f"{seen.base}/t/{token}"
        code, width = qr.path(url)
        values = {"url": url, "code": code, "width": width, "number": held.number, "here": "incidents"}
        values |= {"title": seen.words("tech.link_title", number=str(held.number)), "now_ms": house.reader.now_ms()}
        response = answer(request, house.render("incidents/link.html", seen, values))
        response.headers["cache-control"] = "no-store"
        return response

    @post("/alerts/retry", status_code=303, sync_to_thread=True)
    def retry(request: Ask, data: Form) -> Response[bytes]:
        acts.retry(house.door.act(request, data.get("csrf", "")), data)
        return see_other("/alerts#letters")

    @post("/alerts/dismiss", status_code=303, sync_to_thread=True)
    def dismiss(request: Ask, data: Form) -> Response[bytes]:
        acts.dismiss(house.door.act(request, data.get("csrf", "")), data)
        return see_other("/alerts#letters")

    return [act_on, link, retry, dismiss]
