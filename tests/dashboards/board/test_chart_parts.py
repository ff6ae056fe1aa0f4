"""A page answers before it draws: its chart comes after it, a table of figures when opened, all of it if asked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from collector.api import Series
from tests.support.board_server import Served, served
from tests.support.lively import SLOW, lively
from tests.support.wired import lined

CUT_OFF = "07616-1"
PATHS = [f"/centres/{CUT_OFF}", "/lines/07375-1/a", f"/systems/{SLOW}", f"/subjects/lan:{CUT_OFF}"]
IDS = ["centre", "line", "system", "subject"]
pages = pytest.mark.parametrize("path", PATHS, ids=IDS)


@pytest.fixture(scope="module")
def boards() -> Iterator[dict[bool, Served]]:
    """Without and with shared systems."""
    with served(lined()) as plain, served(lively()) as systems:
        yield {False: plain, True: systems}


@pytest.fixture
def board(boards: dict[bool, Served], path: str) -> Served:
    """The one that has the page."""
    return boards[path.startswith("/systems")]


@pages
def test_the_first_answer_has_the_place_and_not_the_chart(board: Served, path: str) -> None:
    page = board.page(f"{path}?range=7d").text
    assert re.findall(r'id="awaited" hx-get="([^"]+)" hx-trigger="load"', page) == [f"{path}?range=7d&amp;part=chart"]
    assert 'id="plot"' not in page
    assert '<table class="figures">' not in page
    assert 'aria-current="true">7 ngày' in page, "the ranges are there at once"


@pages
def test_the_part_brings_the_curves_with_their_data_and_no_table(board: Served, path: str) -> None:
    part = board.page(f"{path}?part=chart").text
    assert part.count('id="plot"') == 1
    assert "<html" not in part
    (held,) = re.findall(r'<script type="application/json" id="plotted">(.*?)</script>', part, flags=re.DOTALL)
    (src,) = re.findall(r'data-src="([^"]+)"', part)
    assert json.loads(held) == board.page(src).json()
    assert '<table class="figures">' not in part


@pages
def test_a_table_comes_when_it_is_opened(board: Served, path: str) -> None:
    part = board.page(f"{path}?part=chart").text
    asked = re.findall(r'<details hx-get="([^"]+)" hx-trigger="toggle" hx-swap="outerHTML">', part)
    assert asked
    table = board.page(asked[-1].replace("&amp;", "&")).text
    assert table.count('<table class="figures">') == table.count("<details open>") == 1
    (summary,) = re.findall(r"<summary .*?</summary>", table, flags=re.DOTALL)
    assert summary in part, "the table is that of the line that was opened"


@pages
@pytest.mark.parametrize("of", ["99", "-1", "x", ""])
def test_a_table_that_nobody_has_is_one_of_those_there_are(board: Served, path: str, of: str) -> None:
    answer = board.page(f"{path}?part=figures&of={of}")
    assert answer.status_code == 200
    assert answer.text.count('<table class="figures">') == 1


@pages
def test_without_a_script_a_link_leads_to_everything_at_once(board: Served, path: str) -> None:
    page = board.page(path).text
    (link,) = re.findall(r'<noscript><p><a href="([^"]+)">', page)
    assert link == f"{path}?charts=all#chart"
    whole = board.page(link).text
    assert whole.count('<table class="figures">') == whole.count("<details><summary id=")
    assert 'id="awaited"' not in whole
    assert f'href="{path}?charts=all&amp;range=7d#chart"' in whole, "another range is read the same way"


@pages
@pytest.mark.parametrize("part", ["chart", "figures&of=0"])
def test_a_part_has_a_tag_of_its_own_and_is_not_sent_twice(board: Served, path: str, part: str) -> None:
    first = board.page(f"{path}?part={part}")
    again = board.page(f"{path}?part={part}", **{"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    others = [
        board.page(f"{path}?{query}") for query in ("part=live", "", f"part={part}&range=30d", "part=figures&of=1")
    ]
    assert first.headers["etag"] not in {other.headers["etag"] for other in others}


@pytest.mark.parametrize("path", ["/centres/99999-9", "/lines/99999-9/a", "/systems/nobody", "/subjects/lan:99999-9"])
@pytest.mark.parametrize("part", ["chart", "figures"])
def test_a_part_of_nobody_is_not_found(board: Served, path: str, part: str) -> None:
    assert board.page(f"{path}?part={part}").status_code == 404


@pytest.mark.parametrize("path", [PATHS[0], *PATHS[2:]], ids=[IDS[0], *IDS[2:]])
def test_the_first_answer_reads_no_history(board: Served, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> list[Series]:
        raise AssertionError("curves are for the part")

    monkeypatch.setattr(board.world, "history", refuse)
    assert board.page(f"{path}?range=90d").status_code == 200
