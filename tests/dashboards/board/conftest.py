"""Boards for every test of this folder: the small one, the large one, the empty one; and a browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.support.board_server import Served, served
from tests.support.reader_double import World, province, this_machine

CHROMIUM = Path("/usr/bin/chromium")
QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture
def one() -> Iterator[Served]:
    with served(this_machine()) as board:
        yield board


@pytest.fixture
def many() -> Iterator[Served]:
    with served(province()) as board:
        yield board


@pytest.fixture
def empty() -> Iterator[Served]:
    with served(World()) as board:
        yield board


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()
