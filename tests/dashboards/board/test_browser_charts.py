"""Charts that come after their page, in a real Chromium: nothing jumps, tables come when opened, a loss is told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.dashboards.board.test_browser import opened
from tests.support.board_server import Served, served
from tests.support.lively import SLOW, lively

pytestmark = pytest.mark.browser

CENTRE = "/centres/07616-1"
PART = "**/*part=chart*"
ABOUT_PX = 60  # two lines of text: how a legend wraps is not known before
_HEIGHT = "document.getElementById('chart').getBoundingClientRect().height"


@pytest.fixture(scope="module")
def inventoried() -> Iterator[Served]:
    with served(lively()) as board:
        yield board


@pytest.mark.parametrize("path", [CENTRE, f"{CENTRE}?range=30d", f"/systems/{SLOW}", "/subjects/lan:07616-1"])
@pytest.mark.parametrize("size", [(1440, 900), (390, 844)], ids=["desktop", "phone"])
def test_the_place_is_as_high_as_the_chart(
    chromium: Browser, inventoried: Served, path: str, size: tuple[int, int]
) -> None:
    page, errors = opened(chromium, inventoried, "/", size=size)
    held: list[Route] = []
    page.route(PART, lambda route: held.insert(0, route))
    page.goto(inventoried.url + path)
    expect(page.locator("#awaited")).to_be_visible()
    before = float(page.evaluate(_HEIGHT))
    while not held:
        page.wait_for_timeout(20)
    held[0].continue_()
    expect(page.locator("#plot canvas").first).to_be_visible()
    assert before == pytest.approx(float(page.evaluate(_HEIGHT)), abs=ABOUT_PX)
    assert errors == []
    page.context.close()


def test_a_table_comes_when_it_is_opened_and_the_curves_stay(chromium: Browser, inventoried: Served) -> None:
    page, errors = opened(chromium, inventoried, CENTRE)
    expect(page.locator("#plot canvas")).to_have_count(2)
    assert page.locator("#chart table.figures").count() == 0
    page.locator("#figures-1").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#chart details[open] table.figures")).to_be_visible()
    expect(page.locator("#plot canvas")).to_have_count(2)
    page.keyboard.press("Enter")
    expect(page.locator("#chart details[open]")).to_have_count(0)
    assert errors == []
    page.context.close()


def test_a_chart_that_does_not_come_is_told_with_the_way_to_its_figures(chromium: Browser, inventoried: Served) -> None:
    page, _ = opened(chromium, inventoried, "/")
    page.route(PART, lambda route: route.abort())
    page.goto(inventoried.url + CENTRE)
    expect(page.locator("#chart .failed")).to_contain_text("Chưa lấy được biểu đồ.")
    page.locator("#chart .failed a").click()
    expect(page.locator("#chart table.figures").first).to_be_attached()
    expect(page.locator("#plot canvas")).to_have_count(2)
    page.context.close()
