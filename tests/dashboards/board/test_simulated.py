"""A board over simulated data says so on every page, in both languages; a real one never does."""

from __future__ import annotations

import pytest

from tests.support.board_server import served
from tests.support.reader_double import this_machine

VI, EN = "Dữ liệu mô phỏng – không phải số đo thật", "Simulated data – nothing here was measured"
PAGES = ("/", "/fleet", "/policy", "/suite", "/centres/00000-1", "/login", "/nowhere")


@pytest.mark.parametrize("path", PAGES)
def test_every_page_says_that_nothing_was_measured(path: str) -> None:
    with served(this_machine(), simulated=True) as board:
        assert VI in board.page(path).text
        assert EN in board.page(path, lang="en").text


def test_a_page_of_measurements_does_not() -> None:
    with served(this_machine()) as board:
        assert VI not in board.page("/").text
