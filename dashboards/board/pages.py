"""The pages: an address, the facts behind it, its template."""

from __future__ import annotations

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from collector.api import Centre, Reader, SubjectInfo
from dashboards.board import (
    centre,
    chart_facts,
    fleet,
    observation,
    offers,
    offers_wide,
    policy,
    province,
    subject,
    suite,
)
from dashboards.board.asked import asked_of
from dashboards.board.door import Door
from dashboards.board.exports import taken
from dashboards.board.incidents.notes import Notes
from dashboards.board.line_pages import LinePages
from dashboards.board.live import Live, Shown
from dashboards.board.names import centre_href, centre_name, subject_href, subject_name
from dashboards.board.once import once
from dashboards.board.render import Part, Renderer
from dashboards.board.spans import span_of
from dashboards.board.system_pages import charted, drawn
from dashboards.board.system_words import system_names
from dashboards.board.tables import Table
from dashboards.board.visit import Ask, Visit, answer
from dashboards.board.wide import widen
from dashboards.board.words import Words


def wide_pages(reader: Reader, door: Door, live: Live, render: Renderer, notes: Notes) -> list[HTTPRouteHandler]:
    """The province, its machines, its policy, and motcua itself."""
    provinces = province.Provinces(reader)

    @get("/", sync_to_thread=True)
    def province_page(request: Ask) -> Response[bytes]:
        seen = door.enter(request)
        asked = asked_of(seen.query)

        def make() -> Part:
            facts = provinces.look(seen.words, asked, wall=seen.wall)
            wide = widen(facts, reader, seen.words, asked, render.tile)
            values = {"p": facts, "wide": wide, "now_ms": reader.now_ms()}
            values |= {"acts": notes.province(seen.words, facts)}
            return Part(facts.title, render("province.html", seen, values), wide.drawn)

        makers = {"centres": lambda: offers.centres(provinces, reader, seen.words, asked)}
        return taken(request, seen, makers) or live.page(request, seen, make, here="home", map=asked.mapped)

    @get("/fleet", sync_to_thread=True)
    def fleet_page(request: Ask) -> Response[bytes]:
        seen = door.enter(request)
        only = seen.query.get("only", "")

        def make() -> Part:
            facts = fleet.look(reader, seen.words, only)
            return Part(facts.title, render("fleet.html", seen, {"f": facts, "only": only, "now_ms": facts.now_ms}))

        makers = {"fleet": lambda: offers.arrived(fleet.look(reader, seen.words), seen.words)}
        return taken(request, seen, makers) or live.page(request, seen, make, here="fleet")

    @get("/policy", sync_to_thread=True)
    def policy_page(request: Ask) -> Response[bytes]:
        seen = door.enter(request)

        def make() -> Part:
            facts = policy.look(reader, seen.words)
            return Part(facts.title, render("policy.html", seen, {"p": facts, "now_ms": facts.now_ms}))

        return live.page(request, seen, make, here="policy")

    @get("/suite", sync_to_thread=True)
    def suite_page(request: Ask) -> Response[bytes]:
        seen = door.enter(request)

        def make() -> Part:
            facts = suite.look(reader, seen.words)
            return Part(facts.title, render("suite.html", seen, {"s": facts, "now_ms": facts.health.now_ms}))

        makers = {"agents": lambda: offers.agents(reader, seen.words), "ledger": lambda: offers.ledger(reader)}
        return taken(request, seen, makers) or live.page(request, seen, make, here="suite")

    return [province_page, fleet_page, policy_page, suite_page]


def centre_pages(reader: Reader, door: Door, live: Live, render: Renderer, notes: Notes) -> list[HTTPRouteHandler]:
    """One centre, and the data of its chart."""

    @get("/centres/{key:str}", sync_to_thread=True)
    def centre_page(request: Ask, key: FromPath[str]) -> Response[bytes]:
        seen = door.enter(request)

        def make() -> Part:
            facts = centre.look(once(reader), key, seen.words)
            told = notes.of_centre(key, seen.words)
            html = render("centre.html", seen, {"c": facts, "told": told, "now_ms": facts.now_ms})
            return Part(f"{facts.name}: {facts.title}", html)

        def chart(shown: Shown) -> str:
            charts = chart_facts.of_centre(reader, key, seen.words, span_of(seen.query, reader.now_ms()))
            return drawn(render, seen, charts, f"{centre_href(key)}/chart", shown)

        def observations() -> Table:
            facts = centre.look(reader, key, seen.words)
            return offers.observations(reader.latest(key), facts.names, seen.words)

        makers = {
            "lines": lambda: offers.lines(centre.look(reader, key, seen.words)),
            "systems": lambda: offers_wide.seen_here(centre.look(reader, key, seen.words)),
            "observations": observations,
        }
        return taken(request, seen, makers) or live.page(request, seen, make, here="", chart=chart)

    @get("/centres/{key:str}/chart", sync_to_thread=True)
    def chart_data(request: Ask, key: FromPath[str]) -> Response[bytes]:
        seen = door.enter(request)
        span = span_of(seen.query, reader.now_ms())
        return charted(request, seen, chart_facts.of_centre(reader, key, seen.words, span))

    return [centre_page, chart_data]


def narrow_pages(
    reader: Reader, door: Door, live: Live, render: Renderer, others: tuple[LinePages, Notes]
) -> list[HTTPRouteHandler]:
    """One subject, one observation; a line has pages of its own."""
    lines, notes = others

    @get("/subjects/{key:path}", sync_to_thread=True)
    def subject_page(request: Ask, key: FromPath[str]) -> Response[bytes]:
        seen, name = door.enter(request), key.removeprefix("/")
        if name.startswith("line:"):
            return lines.page(request, seen, name)

        def make() -> Part:
            facts = subject.look(reader, name, seen.before_ms)
            called = _name(reader, facts.info, facts.centre, seen.words)
            values = {
                "s": facts,
                "name": called,
                "told": notes.of_subject(name, seen.words),
                "axes": len(chart_facts.panels_of(facts.info.kind)),
                "now_ms": facts.now_ms,
            }
            return Part(called, render("subject.html", seen, values))

        def chart(shown: Shown) -> str:
            charts = chart_facts.of_subject(reader, name, seen.words, span_of(seen.query, reader.now_ms()))
            return drawn(render, seen, charts, f"/charts/{subject_href(name).removeprefix('/subjects/')}", shown)

        makers = {
            "observations": lambda: offers.observations_of(reader, name, seen.words, seen.before_ms),
            "flips": lambda: offers.flips(reader, name),
        }
        return taken(request, seen, makers) or live.page(request, seen, make, here="", chart=chart)

    @get("/observations/{key:path}", sync_to_thread=True)
    def observation_page(request: Ask, key: FromPath[str]) -> Response[bytes]:
        seen = door.enter(request)
        facts = observation.look(reader, key.removeprefix("/"))
        makers = {"values": lambda: offers.values(facts.stored, seen.words)}
        if (table := taken(request, seen, makers)) is not None:
            return table
        return answer(request, render("observation.html", seen, _observation_values(reader, facts, seen)))

    return [subject_page, observation_page]


def _observation_values(reader: Reader, facts: observation.Asked, seen: Visit) -> dict[str, object]:
    held, words = facts.stored.observation, seen.words
    probe, outcome = words.declared("probe", held.probe), words(f"outcome.{held.outcome}")
    return {
        "o": facts,
        "name": _name(reader, facts.info, facts.centre, words) if facts.info else held.subject,
        "place": centre_name(facts.centre, words) if facts.centre else "",
        "title": words("observation.title", probe=probe, outcome=outcome),
        "here": "",
        "now_ms": facts.now_ms,
    }


def _name(reader: Reader, info: SubjectInfo, place: Centre | None, words: Words) -> str:
    system = info.key.removeprefix("service:").partition("@")[0] if info.kind == "service" else ""
    known = system_names(reader.systems(), words) if system else {}
    if system in known:
        return words("subject.service", name=known[system])
    return subject_name(info, words, {place.key: place} if place else None)
