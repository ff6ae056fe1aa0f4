"""The pages: an address, the facts behind it, its template."""

from __future__ import annotations

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from collector.api import Centre, Reader, SubjectInfo
from dashboards.board import centre, chart_facts, observation, policy, province, subject, suite
from dashboards.board.door import Door
from dashboards.board.live import Live
from dashboards.board.names import centre_name, subject_name
from dashboards.board.render import Part, Renderer
from dashboards.board.visit import Ask, Visit, answer
from dashboards.board.words import Words


def wide_pages(reader: Reader, door: Door, live: Live, render: Renderer) -> list[HTTPRouteHandler]:
    """The province, its policy, and motcua itself."""

    @get("/", sync_to_thread=True)
    def province_page(request: Ask) -> Response[bytes]:
        seen = door.enter(request)

        def make() -> Part:
            facts = province.look(reader, seen.words, seen.query.get("q", ""))
            return Part(facts.title, render("province.html", seen, {"p": facts, "now_ms": reader.now_ms()}))

        return live.page(request, seen, make, here="home")

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

        return live.page(request, seen, make, here="suite")

    return [province_page, policy_page, suite_page]


def centre_pages(reader: Reader, door: Door, live: Live, render: Renderer) -> list[HTTPRouteHandler]:
    """One centre, and the data of its chart."""

    @get("/centres/{key:str}", sync_to_thread=True)
    def centre_page(request: Ask, key: FromPath[str]) -> Response[bytes]:
        seen = door.enter(request)

        def make() -> Part:
            facts = centre.look(reader, key, seen.words)
            html = render("centre.html", seen, {"c": facts, "now_ms": facts.now_ms})
            return Part(f"{facts.name}: {facts.title}", html)

        def chart() -> str:
            charts = chart_facts.look(reader, key, seen.words)
            return render("chart.html", seen, {"charts": charts, "key": key, "now_ms": charts.now_ms})

        return live.page(request, seen, make, here="", chart=chart)

    @get("/centres/{key:str}/chart", sync_to_thread=True)
    def chart_data(request: Ask, key: FromPath[str]) -> Response[bytes]:
        seen = door.enter(request)
        data = chart_facts.look(reader, key, seen.words).data()
        return answer(request, msgspec.json.encode(data).decode(), media_type="application/json")

    return [centre_page, chart_data]


def narrow_pages(reader: Reader, door: Door, live: Live, render: Renderer) -> list[HTTPRouteHandler]:
    """One subject, one observation."""

    @get("/subjects/{key:path}", sync_to_thread=True)
    def subject_page(request: Ask, key: FromPath[str]) -> Response[bytes]:
        seen = door.enter(request)

        def make() -> Part:
            facts = subject.look(reader, key.removeprefix("/"), seen.before_ms)
            name = _name(facts.info, facts.centre, seen.words)
            return Part(name, render("subject.html", seen, {"s": facts, "name": name, "now_ms": facts.now_ms}))

        return live.page(request, seen, make, here="")

    @get("/observations/{key:path}", sync_to_thread=True)
    def observation_page(request: Ask, key: FromPath[str]) -> Response[bytes]:
        seen = door.enter(request)
        facts = observation.look(reader, key.removeprefix("/"))
        return answer(request, render("observation.html", seen, _observation_values(facts, seen)))

    return [subject_page, observation_page]


def _observation_values(facts: observation.Asked, seen: Visit) -> dict[str, object]:
    held, words = facts.stored.observation, seen.words
    probe, outcome = words.declared("probe", held.probe), words(f"outcome.{held.outcome}")
    return {
        "o": facts,
        "name": _name(facts.info, facts.centre, words) if facts.info else held.subject,
        "place": centre_name(facts.centre, words) if facts.centre else "",
        "title": words("observation.title", probe=probe, outcome=outcome),
        "here": "",
        "now_ms": facts.now_ms,
    }


def _name(info: SubjectInfo, place: Centre | None, words: Words) -> str:
    return subject_name(info, words, {place.key: place} if place else None)
