"""Who may read and who may act."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable, MutableMapping
from typing import cast

import httpx
import pytest

from dashboards import board_app
from dashboards.board.door import host_name
from tests.support.board_server import Served
from tests.support.reader_double import this_machine

Scope = MutableMapping[str, object]
Asgi = Callable[[Scope, Callable[[], Awaitable[Scope]], Callable[[Scope], Awaitable[None]]], Awaitable[None]]

CENTRE = "/centres/00000-1"
MEASURE = f"{CENTRE}/measure"


def order(served: Served, **changes: str) -> dict[str, str]:
    """The form behind the button of the centre's line."""
    item = next(item for item in served.world.items if item.subject == "line:00000-1/a")
    return {"agent": item.agent, "item": item.id, "csrf": "mark-of-session-1"} | changes


def test_a_login_link_works_once(one: Served) -> None:
    first = one.client.get("/login/good-link")
    assert (first.status_code, first.headers["location"]) == (303, "/")
    cookie = first.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "path=/" in cookie
    again = one.client.get("/login/good-link")
    assert again.status_code == 403
    assert "đã dùng rồi" in again.text


def test_a_preview_of_the_link_does_not_spend_it(one: Served) -> None:
    assert one.client.get("/login/good-link", headers={"sec-purpose": "prefetch"}).status_code == 403
    assert one.client.head("/login/good-link").status_code == 405
    assert one.client.get("/login/good-link").status_code == 303


def test_without_a_session_the_page_reads_and_says_why_the_button_is_missing(one: Served) -> None:
    page = one.page(CENTRE).text
    assert "Đo lại ngay" not in page
    assert "đường dẫn đăng nhập một lần" in page


def test_measuring_again_is_asked_for_and_its_way_is_shown(one: Served) -> None:
    one.log_in()
    assert one.client.get(CENTRE).text.count("Đo lại ngay") == 3
    asked = one.client.post(MEASURE, data=order(one))
    assert (asked.status_code, asked.headers["location"]) == (303, CENTRE + "#links")
    for state, said in (("queued", "đang chờ"), ("taken", "bộ đo đã nhận"), ("running", "đang đo")):
        one.world.move_task(0, state=state)
        page = one.client.get(CENTRE).text
        assert said in page
        assert "Nguyễn Thị Hoà yêu cầu lúc 09:14" in page
        assert page.count("Đo lại ngay") == 2
    observation = next(iter(one.world.stored))
    one.world.move_task(0, state="done", outcome="ok", observation=observation)
    page = one.client.get(CENTRE).text
    assert "đã đo xong: đạt" in page
    assert f"/observations/{observation}" in page


def test_a_script_asks_and_is_told_to_look_again(one: Served) -> None:
    one.log_in()
    answer = one.client.post(MEASURE, data=order(one), headers={"hx-request": "true"})
    assert (answer.status_code, answer.headers["hx-trigger"]) == (204, "refresh")


@pytest.mark.parametrize(
    ("headers", "changes", "said"),
    [
        pytest.param({"origin": "http://evil.example"}, {}, "từ một trang khác", id="foreign origin"),
        pytest.param({"origin": "null"}, {}, "từ một trang khác", id="origin null"),
        pytest.param({"sec-fetch-site": "cross-site"}, {}, "từ một trang khác", id="browser says cross-site"),
        pytest.param({"sec-fetch-site": "same-site"}, {}, "từ một trang khác", id="another port of this machine"),
        pytest.param({}, {"csrf": ""}, "thiếu dấu của phiên", id="no mark"),
        pytest.param({}, {"csrf": "mark-of-session-2"}, "thiếu dấu của phiên", id="mark of another session"),
        pytest.param({}, {"csrf": "dấu"}, "thiếu dấu của phiên", id="mark that is no ASCII"),
        pytest.param({"cookie": "motcua_session=stolen"}, {}, "Chưa đăng nhập", id="unknown session"),
    ],
)
def test_a_request_that_is_not_the_readers_own_is_refused(
    one: Served, headers: dict[str, str], changes: dict[str, str], said: str
) -> None:
    one.log_in()
    answer = one.client.post(MEASURE, data=order(one, **changes), headers=headers)
    assert answer.status_code == 403
    assert said in answer.text
    assert one.world.listed_tasks == []


def test_nothing_can_be_done_without_a_session(one: Served) -> None:
    for path in (MEASURE, "/logout"):
        answer = one.client.post(path, data=order(one))
        assert answer.status_code == 403
        assert "Chưa đăng nhập" in answer.text
    assert one.world.listed_tasks == []


def test_an_item_that_is_in_no_plan_is_not_found(one: Served) -> None:
    one.log_in()
    assert one.client.post(MEASURE, data=order(one, item="nothing")).status_code == 404


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        pytest.param(b"csrf=%FF%FE", "application/x-www-form-urlencoded", id="no UTF-8"),
        pytest.param(b"{}", "application/json", id="JSON"),
        pytest.param(b"", "application/x-www-form-urlencoded", id="empty"),
        pytest.param(b"csrf=a&csrf=b", "application/x-www-form-urlencoded", id="twice"),
        pytest.param(b"x=" + b"y" * 40_000, "application/x-www-form-urlencoded", id="too large"),
    ],
)
def test_a_garbled_form_is_a_refusal_and_never_a_fault(one: Served, body: bytes, kind: str) -> None:
    one.log_in()
    answer = one.client.post(MEASURE, content=body, headers={"content-type": kind})
    assert 400 <= answer.status_code < 500


def test_logging_out_ends_the_session(one: Served) -> None:
    one.log_in()
    assert one.client.post("/logout", data={"csrf": "mark-of-session-1"}).status_code == 303
    assert one.world.sessions == {}
    assert "Đo lại ngay" not in one.client.get(CENTRE).text


PATHS = [
    "/",
    CENTRE,
    CENTRE + "/chart",
    "/subjects/line:00000-1/a",
    "/observations/x",
    "/suite",
    "/login",
    "/login/good-link",
]


@pytest.mark.parametrize("path", PATHS)
def test_the_board_does_not_answer_to_a_strangers_name(one: Served, path: str) -> None:
    answer = one.client.get(path, headers={"host": "rebound.example"})
    assert answer.status_code == 421
    assert one.world.links == {"good-link"}


@pytest.mark.parametrize("path", PATHS[:-2])
def test_through_a_proxy_only_a_session_reads(one: Served, path: str) -> None:
    assert one.client.get(path, headers={"x-forwarded-for": "198.51.100.7"}).status_code == 403
    one.log_in()
    assert one.client.get(path, headers={"x-forwarded-for": "198.51.100.7"}).status_code in {200, 404}


@pytest.mark.anyio
@pytest.mark.parametrize(("address", "status"), [("127.0.0.1", 200), ("::1", 200), ("198.51.100.7", 403)])
async def test_from_another_machine_only_a_session_reads(address: str, status: int) -> None:
    world = this_machine()
    app = board_app(world, world, hosts=frozenset({"board.example"}))
    transport = httpx.ASGITransport(app=cast("Asgi", app), client=(address, 40_000))
    async with httpx.AsyncClient(transport=transport, base_url="http://board.example:8080") as client:
        assert (await client.get("/")).status_code == status
        assert (await client.get("/login")).status_code == 200


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.parametrize(
    ("header", "name"),
    [
        pytest.param("127.0.0.1:8080", "127.0.0.1", id="port"),
        pytest.param("LOCALHOST", "localhost", id="capitals"),
        pytest.param("[::1]:8080", "[::1]", id="six"),
        pytest.param("", "", id="none"),
        pytest.param("127.0.0.1.evil.example", "127.0.0.1.evil.example", id="a name that begins well"),
    ],
)
def test_the_port_is_no_part_of_the_name(header: str, name: str) -> None:
    assert host_name(header) == name


def test_a_request_without_a_host_is_refused(one: Served) -> None:
    port = int(one.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as raw:
        raw.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert raw.recv(100).startswith(b"HTTP/1.1 4")
