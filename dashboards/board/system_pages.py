"""Shared systems: all of them, one of them; and the data of charts that do not belong to a centre."""

from __future__ import annotations

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from markupsafe import Markup

from collector.api import Reader
from dashboards.board import chart_facts, offers_wide, system
from dashboards.board.asked import asked_of
from dashboards.board.chart_facts import Charts
from dashboards.board.door import Door
from dashboards.board.exports import taken
from dashboards.board.incidents.notes import Notes
from dashboards.board.live import Live, Shown
from dashboards.board.once import once
from dashboards.board.render import Part, Renderer
from dashboards.board.spans import span_of
from dashboards.board.systems import SystemPages
from dashboards.board.visit import Ask, Visit, answer


def system_pages(reader: Reader, door: Door, live: Live, render: Renderer, notes: Notes) -> list[HTTPRouteHandler]:
    """Who sees what of the shared systems."""
    systems = SystemPages(reader)

    @get("/systems", sync_to_thread=True)
    def list_page(request: Ask) -> Response[bytes]:
        seen = door.enter(request)

        def make() -> Part:
            facts = systems.look(seen.words)
            return Part(facts.title, render("systems.html", seen, {"s": facts, "now_ms": facts.now_ms}))

        makers = {"systems": lambda: offers_wide.systems(systems.look(seen.words))}
        return taken(request, seen, makers) or live.page(request, seen, make, here="systems")

    @get("/systems/{name:str}", sync_to_thread=True)
    def one_page(request: Ask, name: FromPath[str]) -> Response[bytes]:
        seen = door.enter(request)
        asked = asked_of(seen.query)

        def make() -> Part:
            facts = system.look(systems, once(reader), name, seen.words, asked)
            told = notes.of_subject(f"service:{name}", seen.words)
            return Part(facts.title, render("system.html", seen, {"s": facts, "told": told, "now_ms": facts.now_ms}))

        def chart(shown: Shown) -> str:
            return drawn(render, seen, _charts(reader, name, seen), f"/systems/{name}/chart", shown)

        makers = {"places": lambda: offers_wide.places(reader, name, seen.words)}
        return taken(request, seen, makers) or live.page(request, seen, make, here="systems", chart=chart)

    @get("/systems/{name:str}/chart", sync_to_thread=True)
    def system_chart(request: Ask, name: FromPath[str]) -> Response[bytes]:
        seen = door.enter(request)
        return charted(request, seen, _charts(reader, name, seen))

    @get("/charts/{key:path}", sync_to_thread=True)
    def subject_chart(request: Ask, key: FromPath[str]) -> Response[bytes]:
        seen = door.enter(request)
        span = span_of(seen.query, reader.now_ms())
        return charted(request, seen, chart_facts.of_subject(reader, key.removeprefix("/"), seen.words, span))

    return [list_page, one_page, system_chart, subject_chart]


def drawn(render: Renderer, seen: Visit, charts: Charts, src: str, shown: Shown) -> str:
    """The chart's part of a page; its script asks `src` for the same span a minute later."""
    if shown == "figures":
        n = min(seen.of, len(charts.curves) - 1)
        return "" if n < 0 else render("chart_figures.html", seen, {"charts": charts, "n": n})
    src = f"{src}?range={charts.span.name}"
    return render(
        "chart.html", seen, {"charts": charts, "src": src, "data": data(charts.data(seen.words)), "shown": shown}
    )


def data(held: dict[str, object]) -> Markup:
    """JSON that may stand in a page: nothing in it ends the element it stands in."""
    return Markup(msgspec.json.encode(held).decode().replace("<", "\\u003c"))  # noqa: S704


def charted(request: Ask, seen: Visit, charts: Charts) -> Response[bytes]:
    """The data of a chart."""
    body = msgspec.json.encode(charts.data(seen.words)).decode()
    return answer(request, body, media_type="application/json")


def _charts(reader: Reader, name: str, seen: Visit) -> Charts:
    span = span_of(seen.query, reader.now_ms())
    subjects = system.charted(reader, name, seen.words)
    return chart_facts.look(reader, subjects, seen.words, span, states=system.for_all(name, subjects, seen.words))
