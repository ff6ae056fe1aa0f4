"""The pages of those who lead the work: a team's open sites, and the officer's."""

from __future__ import annotations

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from dashboards.board.exports import taken
from dashboards.board.incidents import listing, offers, officer, work
from dashboards.board.incidents.routes import House
from dashboards.board.incidents.rows import overdue
from dashboards.board.once import once
from dashboards.board.render import Part
from dashboards.board.tables import Table
from dashboards.board.visit import Ask


def desk_pages(house: House) -> list[HTTPRouteHandler]:
    """`/work`, `/alerts`."""
    alerts, reader, door, live, render = house.alerts, house.reader, house.door, house.live, house.render

    @get("/work", sync_to_thread=True)
    def work_page(request: Ask) -> Response[bytes]:
        chosen = door.enter(request)
        seen = work.remembered(chosen, request.cookies)

        def make() -> Part:
            facts = work.look(once(alerts), once(reader), seen.words, seen.query)
            return Part(facts.title, render("incidents/work.html", seen, {"p": facts, "now_ms": facts.now_ms}))

        def table() -> Table:
            asked = listing.Asked(team=work.team_asked(seen.query))
            return offers.incidents(listing.look(alerts, reader, seen.words, asked))

        response = taken(request, seen, {"incidents": table}) or live.page(request, seen, make, here="incidents")
        for made in work.choice(chosen):
            response.set_cookie(made)
        return response

    @get("/alerts", sync_to_thread=True)
    def officer_page(request: Ask) -> Response[bytes]:
        seen = door.enter(request)

        def look() -> officer.OfficerPage:
            return officer.look(once(alerts), once(reader), seen.words)

        def make() -> Part:
            facts = look()
            return Part(facts.title, render("incidents/officer.html", seen, {"p": facts, "now_ms": facts.now_ms}))

        def late() -> Table:
            listed = listing.look(alerts, reader, seen.words, listing.Asked())
            return offers.incidents(listed.only([one for one in listed.found if overdue(one, listed.now_ms)]))

        makers = {
            "late": late,
            "stops": lambda: offers.stops(look()),
            "changed": lambda: offers.changed(look()),
            "quality": lambda: offers.quality(look()),
            "missed": lambda: offers.missed(look()),
            "told": lambda: offers.told([one.told for one in look().dead], reader.now_ms()),
        }
        return taken(request, seen, makers) or live.page(request, seen, make, here="incidents")

    return [work_page, officer_page]
