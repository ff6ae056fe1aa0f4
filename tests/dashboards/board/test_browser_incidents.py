"""The pages of incidents in a real Chromium: no sideways scrolling, room for fingers, the technician's way, paper."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.dashboards.board.test_browser import opened
from tests.support.alerts_double import CUT, SLOW_LINE, TOKEN, desk
from tests.support.board_server import Served, served

pytestmark = pytest.mark.browser

PHONE = f"/t/{TOKEN}"
PATHS = [
    "/incidents", "/incidents/1041", "/incidents/1042", "/incidents/1038", "/incidents/1036", "/work", "/alerts", PHONE,
    f"{PHONE}/sheet", f"/centres/{CUT[0]}", f"/here?at={CUT[1]}&code=123456", "/",
]  # fmt: skip


@pytest.fixture(scope="module")
def told() -> Iterator[Served]:
    made = desk()
    with served(made.world, desk=made) as board:
        yield board


@pytest.mark.parametrize("size", [(1280, 900), (320, 640)], ids=["desktop", "narrow"])
@pytest.mark.parametrize("lang", ["vi", "en"])
def test_incidents_fit_and_are_quiet(chromium: Browser, told: Served, size: tuple[int, int], lang: str) -> None:
    page, errors = opened(chromium, told, f"/?lang={lang}", size=size)
    told.world.links.add("good-link")
    page.goto(f"{told.url}/login/good-link")
    for path in PATHS:
        page.goto(told.url + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0], path
    assert errors == []
    page.context.close()


def test_names_have_room_beside_the_buttons_of_somebody_who_is_signed_in(chromium: Browser, told: Served) -> None:
    page, _ = opened(chromium, told, "/", size=(1280, 900))
    told.world.links.add("good-link")
    page.goto(f"{told.url}/login/good-link")
    page.goto(f"{told.url}/centres/{SLOW_LINE}")
    wide = page.evaluate("[...document.querySelectorAll('.asked tbody th')].map(e => e.getBoundingClientRect().width)")
    assert len(wide) > 12
    assert min(wide) >= 220
    page.context.close()


def test_fingers_have_room_on_the_technician_s_phone(chromium: Browser, told: Served) -> None:
    page, _ = opened(chromium, told, PHONE, size=(320, 640))
    small = page.evaluate(
        "[...document.querySelectorAll('main button, main .button, main a, main summary, main input, .tools a')]"
        ".filter(e => e.offsetParent && e.getBoundingClientRect().height < 44)"
        ".map(e => e.textContent + e.getBoundingClientRect().height)"
    )
    assert small == []
    page.context.close()


def test_the_technician_goes_from_taking_it_to_repaired_and_typing_survives_the_news(chromium: Browser) -> None:
    made = desk()
    with served(made.world, desk=made) as own:
        page, errors = opened(chromium, own, PHONE, size=(390, 844))
        page.get_by_role("button", name="Nhận việc").click()
        page.get_by_role("button", name="Tôi đang tới").click()
        page.get_by_label("Mã tại chỗ").fill(made.world.codes_there[CUT[0]])
        made.comment(made.guests[TOKEN][0], "1042", "Chìa khoá ở bảo vệ.")
        made.world.stand(f"line:{CUT[0]}/b", "down", "refused", minutes=1)
        page.wait_for_timeout(3_500)
        expect(page.get_by_label("Mã tại chỗ")).to_have_value(made.world.codes_there[CUT[0]])
        page.get_by_role("button", name="Tôi đã tới nơi").click()
        page.get_by_label("Đã làm gì").fill("Nối lại cáp.")
        page.get_by_role("button", name="Đã sửa xong").click()
        expect(page.get_by_text("Chưa đóng được, vẫn còn")).to_be_visible()
        page.get_by_role("button", name="Đo ngay").click()
        expect(page.get_by_text("đang chờ").first).to_be_visible()
        assert made.incident("1042").stage == "repaired"
        assert errors == []
        page.context.close()


def test_the_sheet_is_one_page_of_paper(chromium: Browser, told: Served, tmp_path: Path) -> None:
    page, errors = opened(chromium, told, "/incidents/1036/sheet")
    printed = page.pdf(format="A4", path=tmp_path / "sheet.pdf")
    assert printed.count(b"/Type /Page\n") + printed.count(b"/Type /Page ") == 1
    page.emulate_media(media="print")
    assert page.locator(".noprint").is_hidden()
    assert page.get_by_text("Đại diện trung tâm").is_visible()
    assert errors == []
    page.context.close()


def test_filters_work_without_a_script_and_the_list_is_found_by_typing(chromium: Browser, told: Served) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{told.url}/incidents?lang=vi")
    page.get_by_label("Của bên nào").select_option("power")
    page.get_by_role("button", name="Lọc").click()
    expect(page.locator("tr[data-find]")).to_have_count(2)
    context.close()
