"""Lines: all of them, one of them, the data of its charts, and the acts on it: test now, test from a phone."""

from __future__ import annotations

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from markupsafe import Markup

from collector.api import Commands, NotAllowed, NotFound, PhoneTest, Reader
from dashboards.board import line, line_charts, offers, offers_lines, qr
from dashboards.board.days import days
from dashboards.board.door import Door
from dashboards.board.exports import taken
from dashboards.board.faults import Refused
from dashboards.board.incidents.notes import Notes
from dashboards.board.line import LinePage
from dashboards.board.line_use import use_of
from dashboards.board.lines import GROUPS, LinesPages
from dashboards.board.lines_asked import asked_lines
from dashboards.board.live import Live, Shown
from dashboards.board.names import line_href
from dashboards.board.once import once
from dashboards.board.render import Part, Renderer
from dashboards.board.sessions import Form, see_other
from dashboards.board.spans import Span, span_of
from dashboards.board.speed import DUE, thresholds
from dashboards.board.system_pages import data as chart_data
from dashboards.board.visit import Ask, Visit, answer

_SUBJECT = "line:"


class LinePages:
    """The page of one line, at whatever address it was asked for."""

    def __init__(self, reader: Reader, live: Live, render: Renderer, notes: Notes) -> None:
        self._reader, self._live, self._render, self._notes = reader, live, render, notes

    def page(self, request: Ask, seen: Visit, key: str) -> Response[bytes]:
        """The page of `key` (line:07375-1/a), a table of it, or its live part. Raises NotFound."""

        def look() -> LinePage:
            return line.look(once(self._reader), key, seen.words, seen.before_ms)

        def make() -> Part:
            facts = look()
            values = {"l": facts, "told": self._notes.of_subject(key, seen.words), "now_ms": facts.now_ms}
            return Part(facts.title, self._render("line.html", seen, values))

        makers = {
            "tests": lambda: offers_lines.tests(self._reader, key, seen.words),
            "flips": lambda: offers.flips(self._reader, key),
            "observations": lambda: offers.observations_of(self._reader, key, seen.words, seen.before_ms),
        }

        def chart(shown: Shown) -> str:
            return self._chart(seen, key, shown)

        return taken(request, seen, makers) or self._live.page(request, seen, make, here="lines", chart=chart)

    def _chart(self, seen: Visit, key: str, shown: Shown) -> str:
        span, found = self.drawn(seen, key)
        if shown == "figures":
            n = min(seen.of, len(found) - 1)
            return self._render("line_figures.html", seen, {"g": found[n], "n": n, "spanned": span})
        held = self._reader.intervals([key], span.from_ms, span.to_ms).get(key, []) if span.daily else []
        by_day = days(held, span.from_ms, span.to_ms) if span.daily else None
        src = f"{line_href(key)}/chart?range={span.name}"
        values = {"groups": found, "spanned": span, "src": src, "by_day": by_day, "shown": shown}
        return self._render("line_chart.html", seen, values | {"data": chart_data(line_charts.data(found, span))})

    def drawn(self, seen: Visit, key: str) -> tuple[Span, list[line_charts.Group]]:
        """What is drawn of a line over the span that was asked for. Raises NotFound."""
        reader, now_ms = self._reader, self._reader.now_ms()
        info = next((info for info in reader.subjects() if info.key == key), None)
        if info is None:
            raise NotFound(key)
        contract = next((one.contract_bps for one in reader.lines(info.centre) if one.key == key), None)
        share, span = thresholds(reader).get(DUE), span_of(seen.query, now_ms)
        due = None if contract is None or share is None else contract * share
        use = use_of(reader, key, now_ms)
        return span, line_charts.groups(reader, key, span, seen.words, contract_bps=contract, due_bps=due, use=use)


def line_pages(
    reader: Reader, commands: Commands, door: Door, *, live: Live, render: Renderer, pages: LinePages
) -> list[HTTPRouteHandler]:
    """`/lines`, `/lines/<key>` and what belongs to it."""
    every = LinesPages(reader)

    @get("/lines", sync_to_thread=True)
    def list_page(request: Ask) -> Response[bytes]:
        seen = door.enter(request)
        asked = asked_lines(seen.query)

        def make() -> Part:
            facts = every.look(seen.words, asked)
            return Part(facts.title, render("lines.html", seen, {"l": facts, "groups": GROUPS, "now_ms": facts.now_ms}))

        makers = {
            "lines": lambda: offers_lines.lines(every.look(seen.words, asked), seen.words),
            "carriers": lambda: offers_lines.carriers(every.look(seen.words, asked)),
        }
        return taken(request, seen, makers) or live.page(request, seen, make, here="lines")

    @get("/lines/{centre:str}/{name:str}", sync_to_thread=True)
    def one_page(request: Ask, centre: FromPath[str], name: FromPath[str]) -> Response[bytes]:
        return pages.page(request, door.enter(request), f"{_SUBJECT}{centre}/{name}")

    @get("/lines/{centre:str}/{name:str}/chart", sync_to_thread=True)
    def chart(request: Ask, centre: FromPath[str], name: FromPath[str]) -> Response[bytes]:
        seen = door.enter(request)
        span, found = pages.drawn(seen, f"{_SUBJECT}{centre}/{name}")
        body = msgspec.json.encode(line_charts.data(found, span)).decode()
        return answer(request, body, media_type="application/json")

    @post("/lines/{centre:str}/{name:str}/measure", status_code=303, sync_to_thread=True)
    def measure(request: Ask, centre: FromPath[str], name: FromPath[str], data: Form) -> Response[bytes]:
        actor = door.act(request, data.get("csrf", ""))
        commands.request_task(actor, data.get("agent", ""), data.get("item", ""))
        if "hx-request" in request.headers:
            return Response(b"", status_code=204, headers={"hx-trigger": "refresh"})
        return see_other(f"/lines/{centre}/{name}#ask")

    @post("/lines/{centre:str}/{name:str}/phone", status_code=200, sync_to_thread=True)
    def phone(request: Ask, centre: FromPath[str], name: FromPath[str], data: Form) -> Response[bytes]:
        actor, key = door.act(request, data.get("csrf", "")), f"{_SUBJECT}{centre}/{name}"
        seen = door.enter(request)
        facts = line.look(reader, key, seen.words)
        try:
            ticket = commands.test_from_phone(actor, key)
        except NotAllowed as error:
            raise Refused(409, _refusal(str(error), seen)) from error
        response = answer(request, render("phone.html", seen, _phone(facts, ticket, seen)))
        response.headers["cache-control"] = "no-store"
        return response

    return [list_page, one_page, chart, measure, phone]


def _refusal(why: str, seen: Visit) -> str:
    """The sentence for a word of `wire.messages.LeaseAnswer.why`."""
    return f"phone_{why}" if f"problem.phone_{why}" in seen.words.texts else "phone_not_now"


def _phone(facts: LinePage, ticket: PhoneTest, seen: Visit) -> dict[str, object]:
    d, width = qr.path(ticket.url)
    code = Markup(  # noqa: S704 - numbers and a path of our own; the label is a word of the catalogue
        f'<svg viewBox="0 0 {width} {width}" role="img" aria-label="{seen.words("phone.code")}">'
        f'<rect class="paper" width="{width}" height="{width}"/><path d="{d}"/></svg>'
    )
    return {
        "title": seen.words("phone.title", name=facts.name),
        "name": facts.name,
        "code": code,
        "ticket": ticket,
        "back": line_href(facts.s.info.key),
        "here": "lines",
        "now_ms": facts.now_ms,
    }
