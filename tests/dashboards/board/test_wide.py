"""The province at 3,321 centres, and what every page says in passing: copies for Zalo, remedies, no false alarm."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import pytest

from dashboards.board.asked import asked_of
from dashboards.board.province import WALL_WORST
from dashboards.board.words import catalogue
from tests.dashboards.board.test_pages import CUT_OFF, LINE, text_of
from tests.support.board_server import Served, served
from tests.support.large import COMMUNES_OF_VIETNAM, country
from tests.support.reader_double import observed
from wire.outcomes import REASONS


@pytest.fixture(scope="module")
def large() -> Iterator[Served]:
    with served(country()) as board:
        yield board


def tiles(page: str) -> list[tuple[str, str]]:
    return re.findall(r'<a class="t (\w+)" id="t([\d-]+)"', page)


def test_3321_centres_are_all_there_grouped_by_state_and_light(large: Served) -> None:
    page = large.page("/", **{"accept-encoding": "gzip"})
    assert len(tiles(page.text)) == COMMUNES_OF_VIETNAM
    heads = [html.unescape(head) for head in re.findall(r'<h3 class="group">(.*?) <span>', page.text)]
    assert heads == ["Mất kết nối", "Chậm, vẫn phục vụ", "Chưa đo được", "Phục vụ bình thường"]
    assert int(page.headers["content-length"]) < 100_000
    assert "3.122 trung tâm phục vụ bình thường, 88 chậm, 66 mất kết nối" in text_of(page)
    assert "3,122 centres serve normally" in text_of(large.page("/", lang="en"))


@pytest.mark.parametrize(
    ("query", "count"),
    [
        pytest.param("state=down", 66, id="state"),
        pytest.param("q=yen+tu", 34, id="name without tone marks"),
        pytest.param("q=bac+giang&state=degraded", 3, id="both"),
        pytest.param("q=00007-1", 1, id="key"),
        pytest.param("state=broken", COMMUNES_OF_VIETNAM, id="no such state"),
        pytest.param("q=zzz", 0, id="nobody"),
    ],
)
def test_a_filter_of_the_server_leaves_what_was_asked_for(large: Served, query: str, count: int) -> None:
    assert len(tiles(large.page(f"/?{query}").text)) == count


def test_the_list_comes_in_pages_that_hold_everything_once(large: Served) -> None:
    seen: list[str] = []
    path: str | None = "/?view=list&state=degraded"
    while path:
        page = large.page(path).text
        seen += re.findall(r'<tr data-find="[^"]* ([\d-]+)">', page)
        following = re.search(r'rel="next" href="([^"]+)"', page)
        path = html.unescape(following[1]) if following else None
    assert (len(seen), len(set(seen))) == (88, 88)
    whole = large.page("/?view=list").text
    assert whole.count("<tr data-find") == 100
    assert "trang 1/34" in text_of(large.page("/?view=list"))
    assert "trang 34/34" in text_of(large.page("/?view=list&page=9999"))


@pytest.mark.parametrize("page", ["0", "-1", "x", "99999999999", "１", ""])
def test_a_page_that_is_none_is_the_first(page: str) -> None:
    assert asked_of({"page": page}).page == 1


def test_a_wall_shows_the_worst_and_counts_the_rest(large: Served) -> None:
    page = large.page("/?wall=1")
    shown = tiles(page.text)
    assert len(shown) == WALL_WORST
    assert [state for state, _ in shown[:66]] == ["down"] * 66
    assert "Các nơi khác · 74 Chậm, vẫn phục vụ · 45 Chưa đo được · 3.122 Phục vụ bình thường" in text_of(page)


def test_tiles_that_a_browser_holds_are_not_sent_again(large: Served) -> None:
    first = large.page("/?part=live")
    held = re.search(r'data-tiles="(\w+)"', first.text)
    assert held
    large.world.touch()
    again = large.page("/?part=live", **{"motcua-tiles": held[1]})
    assert f'data-tiles="{held[1]}" data-same></div>' in again.text
    assert tiles(again.text) == []
    key = large.world.listed_centres[4].key
    before = large.world.held_standings[f"centre:{key}"]
    large.world.stand(f"centre:{key}", "down", "no_line")
    changed = large.page("/?part=live", **{"motcua-tiles": held[1]})
    assert ("down", key) in tiles(changed.text)
    large.world.held_standings[f"centre:{key}"] = before
    large.world.touch()
    assert ("ok", key) in tiles(large.page("/?part=live", **{"motcua-tiles": "forged"}).text)


# --- copies, remedies, no false alarm -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "lang", "said"),
    [
        pytest.param("/", "vi", "Tây Yên Tử, Yên Định: mất đường truyền. Không trả lời, từ 08:41, đã 33 phút.\n"
                     "Số liệu đến 09:14:01 21/11/2026\n{url}/", id="thing vi"),
        pytest.param("/", "en", "Vân Sơn: computer needs attention. Disk nearly full (/ 97 %, limit 95 %), since"
                     " 07:14 19/11, for 2 days 2 hours.\nData up to 09:14:01 21/11/2026\n{url}/centres/07621-1",
                     id="thing en"),
        pytest.param(f"/centres/{CUT_OFF}", "vi", "Xã Tây Yên Tử: Mất kết nối từ 08:41. Đường truyền A: không trả lời."
                     "\nSố liệu đến 09:14:01 21/11/2026\n{url}/centres/07616-1", id="centre"),
        pytest.param(LINE, "vi", "Xã Tây Yên Tử, Đường truyền A: mất từ 08:41. Không trả lời.\n"
                     "Số liệu đến 09:14:01 21/11/2026\n{url}/lines/" + CUT_OFF + "/a", id="subject"),
        pytest.param("/suite", "en", "1 agent is silent.\nData up to 09:14:05 21/11/2026\n{url}/suite", id="suite"),
    ],
)  # fmt: skip
def test_a_sentence_is_copied_with_its_centre_since_as_of_and_link(
    many: Served, path: str, lang: str, said: str
) -> None:
    page = html.unescape(many.page(path, lang=lang).text).replace("\u00a0", " ")
    texts = re.findall(r"<textarea readonly[^>]*>(.*?)</textarea>", page, flags=re.DOTALL)
    assert said.format(url=many.url) in texts


def test_what_can_be_put_right_is_said_on_the_page_of_the_centre(many: Served) -> None:
    agent = next(a.id for a in many.world.listed_agents if a.centre == CUT_OFF)
    assert "Việc cần làm tại trung tâm này" not in many.page(f"/centres/{CUT_OFF}").text
    lan = observed(f"lan:{CUT_OFF}", "reach", "gateway", {}, outcome="unknown", reason="no_permission")
    key = many.world.store(agent, lan)
    many.world.touch()
    said = text_of(many.page(f"/centres/{CUT_OFF}"))
    assert "Mạng nội bộ: hệ điều hành chưa cho phép đo. Trên máy đó, cho bộ đo gửi gói ICMP: lệnh sysctl" in said
    assert "ping_group_range" in text_of(many.page(f"/observations/{key}", lang="en"))
    assert "Clear or replace the full disk" in text_of(many.page("/centres/07621-1", lang="en"))


def test_remedies_are_of_declared_reasons() -> None:
    for lang in ("vi", "en"):
        texts = catalogue(lang).texts
        assert {key.removeprefix("remedy.") for key in texts if key.startswith("remedy.")} <= set(REASONS)


@pytest.mark.parametrize("path", ["/", f"/centres/{CUT_OFF}", "/fleet", "/suite", "/login", "/nowhere"])
@pytest.mark.parametrize("lang", ["vi", "en"])
def test_nobody_reads_of_a_lost_board_while_it_is_there(many: Served, path: str, lang: str) -> None:
    said = text_of(many.page(path, lang=lang))
    assert catalogue(lang)("app.no_connection") not in said
    assert catalogue(lang)("app.stale_after") not in said
