"""Coming in by a one-time link, going out, and the one act there is: measure again now."""

from __future__ import annotations

from typing import Annotated

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.handlers import HTTPRouteHandler
from litestar.params import Body, FromPath

from collector.api import Commands, NotAllowed
from dashboards.board.door import Door
from dashboards.board.faults import Refused
from dashboards.board.names import centre_href
from dashboards.board.render import Renderer
from dashboards.board.visit import SESSION_COOKIE, Ask, answer, cookie

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]


def session_routes(commands: Commands, door: Door, render: Renderer) -> list[HTTPRouteHandler]:
    """`/login`, `/login/<link>`, `/logout` and `/centres/<key>/measure`."""

    @get("/login", sync_to_thread=True)
    def login_page(request: Ask) -> Response[bytes]:
        seen = door.enter(request, open_to_all=True)
        return answer(request, render("login.html", seen, {"title": seen.words("login.title"), "here": "login"}))

    @get("/login/{link:str}", sync_to_thread=True)
    def login(request: Ask, link: FromPath[str]) -> Response[bytes]:
        door.enter(request, open_to_all=True)
        if "prefetch" in request.headers.get("sec-purpose", "") + request.headers.get("purpose", ""):
            raise Refused(403, "spent_link")  # a preview must not spend the link: it stays good
        try:
            session = commands.open_session(link)
        except NotAllowed as error:
            raise Refused(403, "spent_link") from error
        response = see_other("/")
        secure = request.url.scheme == "https"
        response.set_cookie(cookie(SESSION_COOKIE, session, max_age=None, secure=secure))
        return response

    @post("/logout", status_code=303, sync_to_thread=True)
    def logout(request: Ask, data: Form) -> Response[bytes]:
        door.act(request, data.get("csrf", ""))
        commands.close_session(request.cookies[SESSION_COOKIE])
        response = see_other("/")
        response.set_cookie(cookie(SESSION_COOKIE, "", max_age=0))
        return response

    @post("/centres/{key:str}/measure", status_code=303, sync_to_thread=True)
    def measure(request: Ask, key: FromPath[str], data: Form) -> Response[bytes]:
        actor = door.act(request, data.get("csrf", ""))
        commands.request_task(actor, data.get("agent", ""), data.get("item", ""))
        if "hx-request" in request.headers:
            return Response(b"", status_code=204, headers={"hx-trigger": "refresh"})
        return see_other(centre_href(key) + "#links")

    return [login_page, login, logout, measure]


def see_other(path: str) -> Response[bytes]:
    """After an act: go and look there."""
    return Response(b"", status_code=303, headers={"location": path, "cache-control": "no-store"})
