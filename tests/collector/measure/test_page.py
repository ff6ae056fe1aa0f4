"""The technician's page in a real Chromium: a whole test, both languages, and what it says where there is no figure."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

from tests.support.measuring import Running, running

CHROMIUM = Path("/usr/bin/chromium")
QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
PHONE = {"width": 360, "height": 740}

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def here() -> Iterator[Running]:
    with running(slow=True) as made:
        yield made


def opened(chromium: Browser, here: Running, path: str) -> tuple[Page, list[str]]:
    """The page on a phone, its test of 9 s a direction in 2.5 s; and the list its errors go to."""
    page = chromium.new_context(viewport={"width": PHONE["width"], "height": PHONE["height"]}).new_page()
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda asked: None if asked.url.startswith(here.url) else errors.append(asked.url))

    def hurry(route: Route) -> None:
        text = route.fetch().text()
        assert "LONGEST_MS = 9000, WARM_MS = 2000" in text
        route.fulfill(
            body=text.replace("LONGEST_MS = 9000, WARM_MS = 2000", "LONGEST_MS = 2500, WARM_MS = 500"),
            content_type="text/javascript; charset=utf-8",
        )

    page.route("**/page.js", hurry)
    page.goto(here.url + path)
    page.unroute(
        "**/page.js"
    )  # what is intercepted is copied through the test, and 1 MB of it takes a third of a second
    return page, errors


def figure(page: Page, name: str) -> float:
    return float(page.locator(f"#{name}").inner_text().replace(".", "").replace(",", "."))


def test_a_phone_measures_download_upload_and_latency_idle_and_loaded(chromium: Browser, here: Running) -> None:
    page, errors = opened(chromium, here, here.path(max_bytes=10**10, kind="browser"))
    expect(page.locator("h1")).to_have_text("Đo tốc độ đường truyền")
    page.get_by_role("button", name="Bắt đầu đo").click()
    expect(page.locator("#state")).to_have_text("Đã đo xong.", timeout=30_000)
    assert 10 < figure(page, "download") < 4 * 26 * 1.1
    assert figure(page, "upload") > 5
    assert all(0 < figure(page, name) < 2000 for name in ("idle", "loaded_download", "loaded_upload"))
    assert "MB" in page.locator("#used").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    if folder := os.environ.get("MOTCUA_PICTURES"):
        page.screenshot(path=f"{folder}/measure.png", full_page=True)
    page.get_by_role("button", name="English").click()
    expect(page.locator("#state")).to_have_text("Done.")
    expect(page.get_by_role("button", name="Measure again")).to_be_enabled()
    assert page.evaluate("document.documentElement.lang") == "en"
    assert errors == []


@pytest.mark.parametrize(
    ("max_bytes", "words"),
    [pytest.param(2_000_000, "hết hạn hoặc đã dùng hết dung lượng", id="the allowance is used up")],
)
def test_without_a_whole_test_there_is_no_figure(chromium: Browser, here: Running, max_bytes: int, words: str) -> None:
    page, _ = opened(chromium, here, here.path(max_bytes=max_bytes, kind="browser"))
    page.get_by_role("button", name="Bắt đầu đo").click()
    expect(page.locator("#state")).to_contain_text(words, timeout=20_000)
    assert {page.locator(f"#{name}").inner_text() for name in ("download", "upload", "idle")} == {"–"}


def test_a_server_that_went_away_in_the_middle_is_said_so(chromium: Browser) -> None:
    with running(slow=True) as here:
        page, _ = opened(chromium, here, here.path(kind="browser"))
        page.get_by_role("button", name="Bắt đầu đo").click()
        expect(page.locator("#state")).to_have_text("Đang đo tải xuống…", timeout=10_000)
        page.context.set_offline(True)
        expect(page.locator("#state")).to_contain_text("Mất kết nối", timeout=20_000)
    assert page.locator("#download").inner_text() == "–"
