"""The board in a real Chromium: no sideways scrolling, no errors, keys, and life."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.board_server import Served, served
from tests.support.large import country
from tests.support.lively import SLOW, lively

pytestmark = pytest.mark.browser

CENTRE = "/centres/07616-1"
PATHS = [
    "/", "/lines", "/?view=list", CENTRE, "/subjects/line:07616-1/a", "/suite", "/fleet", "/policy", "/login",
    "/nowhere",
]  # fmt: skip


def opened(
    chromium: Browser, served: Served, path: str, *, size: tuple[int, int] = (1440, 900)
) -> tuple[Page, list[str]]:
    """A page and the list its errors go to. Addresses other than the board's are errors."""
    page = chromium.new_context(viewport={"width": size[0], "height": size[1]}).new_page()
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda asked: None if asked.url.startswith(served.url) else errors.append(asked.url))
    page.goto(served.url + path)
    return page, errors


@pytest.mark.parametrize("size", [(1440, 900), (360, 740), (320, 640)], ids=["desktop", "phone", "narrow"])
@pytest.mark.parametrize("lang", ["vi", "en"])
def test_pages_fit_and_are_quiet(chromium: Browser, many: Served, size: tuple[int, int], lang: str) -> None:
    page, errors = opened(chromium, many, f"/?lang={lang}", size=size)
    for path in PATHS:
        page.goto(many.url + path)
        if path == "/subjects/line:07616-1/a":
            expect(page.locator(".panel.drawn canvas").first).to_be_visible()
        if path == CENTRE:
            expect(page.locator("#plot canvas")).to_have_count(2)
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0], path
    assert [error for error in errors if "404 (Not Found)" not in error] == []
    assert len(errors) == 1, "the page that is not there is told once"
    page.context.close()


def test_fingers_have_room(chromium: Browser, many: Served) -> None:
    page, _ = opened(chromium, many, "/", size=(360, 740))
    small = page.evaluate(
        "[...document.querySelectorAll('.t, .top a, .find input, .switch a, .things h3 a')]"
        ".filter(e => e.offsetParent && e.getBoundingClientRect().height < 44)"
        ".map(e => e.textContent + e.getBoundingClientRect().height)"
    )
    assert small == []
    page.context.close()


def test_the_keyboard_finds_and_opens_a_centre(chromium: Browser, many: Served) -> None:
    page, errors = opened(chromium, many, "/")
    page.keyboard.press("/")
    page.keyboard.type("lang giang")
    expect(page.locator("#tiles > .t:visible")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.locator("#tiles > .t:visible")).to_have_count(99)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.title") == "Xã Yên Định"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.activeElement.title") == "Xã Tuấn Đạo"
    page.keyboard.press("Enter")
    page.wait_for_url("**/centres/07663-1")
    assert errors == []
    page.context.close()


def test_a_flip_appears_by_itself_and_nothing_jumps(chromium: Browser, many: Served) -> None:
    page, errors = opened(chromium, many, "/")
    page.locator("#q").fill("yen")
    page.locator("#t07642-1").focus()
    top = page.locator("#tiles").bounding_box()
    many.world.stand("centre:07288-1", "down", "no_line", minutes=1)
    expect(page.locator("h1")).to_contain_text("3 mất kết nối", timeout=6_000)
    expect(page.locator("#t07288-1")).to_have_class("t down")
    assert page.evaluate("document.activeElement.id") == "t07642-1"
    assert page.locator("#tiles > .t:visible").count() < 20
    assert page.locator("#tiles").bounding_box() == top
    assert errors == []
    page.context.close()


def test_a_task_is_followed_to_its_result_without_leaving_the_page(chromium: Browser, one: Served) -> None:
    page, errors = opened(chromium, one, "/login/good-link")
    page.goto(one.url + "/centres/00000-1")
    expect(page.locator("#plot canvas")).to_have_count(2)
    page.locator("#m-line-00000-1").click()
    expect(page.get_by_text("đang chờ")).to_be_visible(timeout=6_000)
    one.world.move_task(0, state="running")
    expect(page.get_by_text("đang đo")).to_be_visible(timeout=6_000)
    one.world.move_task(0, state="done", outcome="ok", observation=next(iter(one.world.stored)))
    expect(page.get_by_text("đã đo xong: đạt")).to_be_visible(timeout=6_000)
    expect(page.locator("#plot canvas")).to_have_count(2)
    assert errors == []
    page.get_by_role("link", name="xem kết quả").click()
    expect(page.locator("h1")).to_contain_text("Gói thử đường đi: đạt")
    page.context.close()


def test_a_lost_board_greys_and_says_since_when(chromium: Browser, one: Served) -> None:
    page, _ = opened(chromium, one, "/")
    page.clock.install()
    page.goto(one.url + "/")
    page.context.set_offline(True)
    page.clock.run_for(20_000)
    expect(page.locator("#lost")).to_be_visible()
    expect(page.locator("#lost")).to_contain_text("Mất liên lạc với bảng từ")
    page.context.set_offline(False)
    page.clock.run_for(4_000)
    expect(page.locator("#lost")).to_be_hidden()
    expect(page.locator("#lost")).to_be_empty()
    page.context.close()


def test_without_a_script_everything_still_reads(chromium: Browser, many: Served) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(many.url + CENTRE)
    page.get_by_role("link", name="Xem biểu đồ dưới dạng bảng số").click()
    expect(page.locator("#plot")).to_be_hidden()
    page.locator("#chart summary").first.click()
    expect(page.get_by_text("không có số đo").first).to_be_visible()
    page.goto(many.url)
    page.locator("#q").fill("lang giang")
    page.locator("#q").press("Enter")
    expect(page.locator("#tiles > .t")).to_have_count(1)
    page.get_by_role("link", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    context.close()


def test_3321_tiles_are_walked_by_arrows_and_passed_by_tab(chromium: Browser) -> None:
    with served(country()) as large:
        page, errors = opened(chromium, large, "/")
        assert page.locator('#tiles > .t[tabindex="0"]').count() == 1
        page.keyboard.press("/")
        page.keyboard.press("ArrowDown")
        first = page.evaluate("document.activeElement.id")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowUp")
        page.keyboard.press("ArrowLeft")
        assert page.evaluate("document.activeElement.id") == first
        page.keyboard.press("End")
        assert "ok" in str(page.evaluate("document.activeElement.className"))
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.closest('#tiles')") is None
        page.keyboard.press("Shift+Tab")
        assert page.locator("#tiles > .t").last.evaluate("tile => tile === document.activeElement")
        page.keyboard.press("/")
        page.keyboard.type("tay yen tu 7")
        expect(page.locator("#tiles > .t:visible")).to_have_count(1)
        assert errors == []
        page.context.close()


def test_a_sentence_is_copied_or_at_least_selected(chromium: Browser, many: Served) -> None:
    page, errors = opened(chromium, many, "/")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=many.url)
    page.locator(".answer .zalo summary").click()
    expect(page.locator(".answer .zalo summary")).to_have_text("Đã chép")
    assert "89 trung tâm phục vụ bình thường" in page.evaluate("navigator.clipboard.readText()")
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    page.reload()
    page.locator(".things .zalo summary").first.click()
    expect(page.locator(".things .zalo summary").first).to_have_text("Đã chọn, bấm Ctrl+C để chép")
    area = page.locator(".things .zalo textarea").first
    assert area.evaluate("a => a.value.slice(a.selectionStart, a.selectionEnd) === a.value")
    assert errors == []
    page.context.close()


def test_a_wall_does_not_scroll_and_paper_shows_no_buttons(chromium: Browser, many: Served) -> None:
    page, errors = opened(chromium, many, "/?wall=1", size=(1920, 1080))
    assert page.evaluate("document.documentElement.scrollHeight") <= 1080
    page.emulate_media(media="print")
    for gone in (".zalo", ".take", ".find", ".tools"):
        assert page.locator(gone).first.is_hidden(), gone
    assert page.locator("h1").is_visible()
    assert errors == []
    page.context.close()


@pytest.fixture(scope="module")
def inventoried() -> Iterator[Served]:
    with served(lively()) as board:
        yield board


@pytest.mark.parametrize("size", [(1440, 900), (320, 640)], ids=["desktop", "narrow"])
def test_systems_areas_map_and_a_year_fit_and_are_quiet(
    chromium: Browser, inventoried: Served, size: tuple[int, int]
) -> None:
    page, errors = opened(chromium, inventoried, "/?lang=vi", size=size)
    for path in ("/systems", f"/systems/{SLOW}", "/?view=map", "/?group=area", f"{CENTRE}?range=365d", CENTRE):
        page.goto(inventoried.url + path)
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0], path
    assert errors == []
    page.context.close()


def test_the_map_is_walked_zoomed_and_told_the_news(chromium: Browser, inventoried: Served) -> None:
    page, errors = opened(chromium, inventoried, "/?view=map")
    expect(page.locator("#map.alive #drawing .pt")).to_have_count(99)
    width = page.locator("#drawing").bounding_box()
    worst = page.locator("#p07616-1 use").bounding_box()
    page.locator('[data-zoom="in"]').click()
    page.wait_for_timeout(500)
    wider, kept = page.locator("#drawing").bounding_box(), page.locator("#p07616-1 use").bounding_box()
    assert width is not None
    assert wider is not None
    assert worst is not None
    assert kept is not None
    assert wider["width"] > 1.8 * width["width"]
    assert kept["width"] == pytest.approx(worst["width"], rel=0.1), "a point keeps its size"
    page.keyboard.press("/")
    page.keyboard.press("ArrowDown")
    first = page.evaluate("document.activeElement.id")
    assert page.evaluate("document.activeElement.classList.contains('down')")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.activeElement.id") not in {first, ""}
    inventoried.world.stand("centre:07288-1", "down", "no_line", minutes=1)
    expect(page.locator("#p07288-1")).to_have_class("pt down", timeout=6_000)
    page.keyboard.press("Enter")
    page.wait_for_url("**/centres/*")
    assert errors == []
    page.context.close()
