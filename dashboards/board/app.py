"""The board as an ASGI application: everything it knows comes through `collector.api`."""

from __future__ import annotations

from typing import Final

from litestar import Litestar, Response, get
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from alerts.api import Commands as AlertCommands
from alerts.api import Reader as Alerts
from collector.api import Commands, Reader
from dashboards.board.door import Door
from dashboards.board.guard import add_headers
from dashboards.board.incidents.carrying import carrying_pages
from dashboards.board.incidents.desk_routes import desk_pages
from dashboards.board.incidents.guests import guest_pages
from dashboards.board.incidents.notes import Notes
from dashboards.board.incidents.onsite import onsite_pages
from dashboards.board.incidents.routes import House, incident_acts, incident_pages
from dashboards.board.incidents.tries import Tries
from dashboards.board.line_pages import LinePages, line_pages
from dashboards.board.live import Live
from dashboards.board.pages import centre_pages, narrow_pages, wide_pages
from dashboards.board.problems import handlers
from dashboards.board.render import Renderer
from dashboards.board.sessions import session_routes
from dashboards.board.static_files import Shelf
from dashboards.board.system_pages import system_pages
from dashboards.board.visit import Ask
from wire.clock import Clock, SystemClock

MAX_FORM_BYTES: Final = 16 * 1024
SETTLE_MS: Final = 1_000


def board_app(
    reader: Reader,
    commands: Commands,
    *,
    hosts: frozenset[str] = frozenset(),
    clock: Clock | None = None,
    settle_ms: int = SETTLE_MS,
    simulated: bool = False,
    alerts: tuple[Alerts, AlertCommands] | None = None,
) -> Litestar:
    """The built-in web pages.

    `hosts`: names the board answers to besides those of loopback. `settle_ms`: how old the pages may be that readers
    share; with polling every 3 s a change is on every screen within 5 s of its commit. `simulated`: every page says so.
    `alerts`: who keeps incidents; without them there are no pages about incidents.
    """
    shelf = Shelf()
    render = Renderer(shelf, simulated=simulated, incidents=alerts is not None)
    door = Door(reader, hosts)
    beside = alerts[0].revision if alerts else str
    live = Live(reader, render, shelf.digest, clock=clock or SystemClock(), settle_ms=settle_ms, beside=beside)
    notes = Notes(alerts[0] if alerts else None, reader)
    lines = LinePages(reader, live, render, notes)
    return Litestar(
        route_handlers=[
            *wide_pages(reader, door, live, render, notes),
            *system_pages(reader, door, live, render, notes),
            *centre_pages(reader, door, live, render, notes),
            *narrow_pages(reader, door, live, render, (lines, notes)),
            *line_pages(reader, commands, door, live=live, render=render, pages=lines),
            *session_routes(commands, door, render),
            *(_incidents(House(*alerts, reader, commands, door, live, render, Tries(reader.now_ms))) if alerts else ()),
            *_plain_routes(reader, shelf),
        ],
        exception_handlers=handlers(render),
        before_send=[add_headers],
        request_max_body_size=MAX_FORM_BYTES,
        openapi_config=None,
        logging_config=None,
        debug=False,
    )


def _incidents(house: House) -> list[HTTPRouteHandler]:
    mine = (incident_pages, desk_pages, incident_acts, guest_pages, onsite_pages, carrying_pages)
    return [route for pages in mine for route in pages(house)]


def _plain_routes(reader: Reader, shelf: Shelf) -> list[HTTPRouteHandler]:
    @get("/static/{digest:str}/{name:path}", sync_to_thread=False)
    def static(request: Ask, digest: FromPath[str], name: FromPath[str]) -> Response[bytes]:
        file = shelf.files.get(name.removeprefix("/"))
        if file is None:
            raise NotFoundException
        current = digest == file.digest
        headers = {
            "cache-control": "public, max-age=31536000, immutable" if current else "no-cache",
            "etag": f'"{file.digest}"',
            "vary": "accept-encoding",
        }
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(file.packed, media_type=file.media_type, headers=headers | {"content-encoding": "gzip"})
        return Response(file.body, media_type=file.media_type, headers=headers)

    @get("/healthz", sync_to_thread=True)
    def healthz() -> Response[bytes]:
        reader.now_ms()
        reader.revision()
        return Response(b"ok\n", media_type="text/plain", headers={"cache-control": "no-store"})

    return [static, healthz]
