"""The pages of lines in a real Chromium: no sideways scrolling, no errors, shapes, keys, a test asked for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.dashboards.board.test_browser import opened
from tests.support.board_server import Served, served
from tests.support.wired import lined

pytestmark = pytest.mark.browser

SLOW_LINE = "/lines/07375-1/a"


@pytest.fixture(scope="module")
def wired() -> Iterator[Served]:
    with served(lined()) as board:
        yield board


@pytest.mark.parametrize("size", [(1440, 900), (390, 844), (320, 640)], ids=["desktop", "phone", "narrow"])
def test_lines_fit_are_quiet_and_draw_what_they_have(chromium: Browser, wired: Served, size: tuple[int, int]) -> None:
    page, errors = opened(chromium, wired, "/?lang=vi", size=size)
    for path in ("/lines", "/lines?only=unproved", f"{SLOW_LINE}?range=30d", "/lines/07616-1/a", "/lines/07375-1/c"):
        page.goto(wired.url + path)
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0], path
        assert page.locator(".panel.drawn canvas").count() == page.locator(".panel.drawn").count(), path
    assert errors == []
    page.context.close()


def test_what_is_drawn_has_the_contract_in_sight_and_its_marks_by_shape(chromium: Browser, wired: Served) -> None:
    page, errors = opened(chromium, wired, f"{SLOW_LINE}?range=30d")
    expect(page.locator(".panel.drawn canvas")).to_have_count(9)
    expect(page.locator("#panel-0 .u-legend")).to_contain_text("● hợp lệ")
    expect(page.locator("#panel-0 .u-legend")).to_contain_text("× không tính: kết quả bị cổng mạng của máy đo giới hạn")
    top = page.locator("#panel-0 .u-axis").last
    expect(top).to_be_visible()
    assert errors == []
    page.context.close()


def test_a_test_of_speed_is_confirmed_and_followed_by_the_keyboard(chromium: Browser) -> None:
    with served(lined()) as own:
        page, errors = opened(chromium, own, "/login/good-link")
        page.goto(own.url + SLOW_LINE)
        page.locator("#confirm summary").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_text("Lần trước dùng 186")).to_be_visible()
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.get_by_text("Đang chờ bộ đo nhận việc")).to_be_visible(timeout=6_000)
        own.world.move_task(0, state="taken")
        expect(page.get_by_text("đang chờ tới lượt")).to_be_visible(timeout=6_000)
        own.world.move_task(0, state="done", outcome="ok", observation=next(iter(own.world.stored)))
        expect(page.get_by_text("Đã đo xong: đạt")).to_be_visible(timeout=6_000)
        expect(page.locator(".panel.drawn canvas").first).to_be_visible()
        assert errors == []
        page.context.close()


def test_a_phone_s_code_is_black_on_white_in_the_dark_too(chromium: Browser) -> None:
    with served(lined()) as own:
        page, errors = opened(chromium, own, "/login/good-link", size=(390, 844))
        page.goto(own.url + SLOW_LINE + "?theme=dark")
        page.get_by_role("button", name="Đo từ điện thoại của tôi").click()
        expect(page.locator(".code svg")).to_be_visible()
        colours = page.evaluate(
            "['.paper', 'path'].map(part => getComputedStyle(document.querySelector('.code ' + part)).fill)"
        )
        assert colours == ["rgb(255, 255, 255)", "rgb(0, 0, 0)"]
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert errors == []
        page.context.close()


def test_fingers_have_room_among_lines(chromium: Browser, wired: Served) -> None:
    page, _ = opened(chromium, wired, "/lines", size=(390, 844))
    for path in ("/lines", SLOW_LINE):
        page.goto(wired.url + path)
        small = page.evaluate(
            "[...document.querySelectorAll('.states .chip, .area, .narrow input, .narrow button, .asks button, "
            ".confirm summary, .ranges a')].filter(e => e.offsetParent && e.getBoundingClientRect().height < 44)"
            ".map(e => e.textContent + e.getBoundingClientRect().height)"
        )
        assert small == [], path
    page.context.close()


def test_a_line_reads_without_a_script(chromium: Browser, wired: Served) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(wired.url + SLOW_LINE + "?range=30d")
    page.get_by_role("link", name="Xem biểu đồ dưới dạng bảng số").click()
    expect(page.locator(".panel.drawn").first).to_be_hidden()
    page.locator(".panels summary").first.click()
    expect(page.locator(".panels .figures").first).to_contain_text("31 Mb/s")
    context.close()


def test_a_plain_form_is_taken_from_our_own_page(chromium: Browser) -> None:
    with served(lined()) as own:
        page, errors = opened(chromium, own, "/login/good-link")
        page.get_by_role("button", name="Đăng xuất").click()
        expect(page.get_by_role("link", name="Đăng nhập")).to_be_visible()
        assert errors == []
        page.context.close()
