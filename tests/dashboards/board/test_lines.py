"""All lines: below their contracts first, by carrier, what is not proved or measured; filters, pages, tables."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from collector.api import CarrierRank, LineRank, Ranking, Spread
from dashboards.board.line_words import norm_figure, norm_why
from dashboards.board.lines import KEPT_MS, LinesPages
from dashboards.board.lines_asked import AskedLines, asked_lines
from dashboards.board.words import Lang, catalogue
from tests.dashboards.board.test_pages import text_of
from tests.support.board_server import Served, served
from tests.support.reader_double import World, province
from tests.support.wired import BLIND, SLOW, lined

VI = catalogue("vi")


@pytest.fixture(scope="module")
def board() -> Iterator[Served]:
    with served(lined()) as running:
        yield running


def looked(world: World, **asked: object) -> list[str]:
    page = LinesPages(world).look(VI, AskedLines(**asked))  # type: ignore[arg-type]  # test only
    return [row.rank.line for row in page.found]


def test_the_title_counts_what_is_below_its_contract_and_what_is_down(board: Served) -> None:
    said = text_of(board.page("/lines"))
    below = sum(1 for rank in board.world.ranked.lines if rank.below)
    assert f"{below}/328 đường truyền dưới mức hợp đồng, 4 đang mất" in said
    assert f"{below} of 328 lines below their contract, 4 down" in text_of(board.page("/lines", lang="en"))


def test_lines_below_their_contract_come_first_the_lowest_share_before_all(board: Served) -> None:
    page = LinesPages(board.world).look(VI, AskedLines())
    assert page.rows[0].rank.line == SLOW
    groups = [row.group for row in page.found]
    assert groups == sorted(groups, key=["below", "down", "full", "ill", "unmeasured", "untested", "fine"].index)
    shares = [row.rank.share for row in page.found if row.group == "below" and row.rank.share is not None]
    assert shares == sorted(shares)


def test_carriers_say_how_many_are_below_and_the_median(board: Served) -> None:
    page = board.page("/lines")
    vnpt = next(one for one in board.world.ranked.carriers if one.carrier == "vnpt")
    assert f"{vnpt.below} đường dưới mức, trong {vnpt.rated} đường có số đo, của {vnpt.lines} đường" in page.text
    assert f"VNPT {vnpt.below}/{vnpt.rated} " in text_of(page)


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        pytest.param({"carrier": "viettel"}, lambda rank: rank.carrier == "viettel", id="carrier"),
        pytest.param({"kind": "tslcd"}, lambda rank: rank.kind == "tslcd", id="kind"),
        pytest.param({"only": "below"}, lambda rank: rank.below, id="below"),
        pytest.param({"only": "unmeasured"}, lambda rank: rank.why == "not_measurable", id="not measurable"),
        pytest.param({"q": "Lạng Giang"}, lambda rank: rank.centre == "07375-1", id="a centre by its name"),
        pytest.param({"q": "vd-net-07375-a"}, lambda rank: rank.line == SLOW, id="a circuit"),
        pytest.param({"carrier": "../x", "kind": "Ω", "page": "x"}, lambda _rank: True, id="what cannot be meant"),
    ],
)
def test_a_filter_shows_those_lines_and_no_others(board: Served, query: dict[str, str], wanted: object) -> None:
    page = LinesPages(board.world).look(VI, asked_lines(query))
    assert {row.rank.line for row in page.found} == {
        rank.line
        for rank in board.world.ranked.lines
        if wanted(rank)  # type: ignore[operator]  # test only
    }


def test_spares_that_nothing_proved_lately_are_found_with_when_they_last_worked(board: Served) -> None:
    found = looked(board.world, only="unproved")
    assert set(found) == {one.line for one in board.world.never_proved}
    said = text_of(board.page("/lines?only=unproved"))
    assert "thử được lần cuối 12/11/2026 09:14:05" in said
    assert "chưa thử được lần nào" in said


def test_a_line_without_a_figure_says_why_and_never_zero(board: Served) -> None:
    said = text_of(board.page("/lines?only=unmeasured"))
    assert "không đo được từ trung tâm" in said
    assert "chưa đo tốc độ lần nào" in text_of(board.page("/lines?only=untested"))
    for page in ("/lines?only=unmeasured", "/lines?only=untested"):
        assert re.search(r"(?<![\d,])0 [MGk]?b/s", text_of(board.page(page))) is None


def test_a_list_is_paged_by_a_hundred(board: Served) -> None:
    first, last = board.page("/lines").text, board.page("/lines?page=99").text
    assert first.count('<tr><th scope="row"><a href="/centres/') == 100
    assert last.count('<tr><th scope="row"><a href="/centres/') == 28
    assert "trang 4/4" in text_of(board.page("/lines?page=99"))


def test_the_table_has_every_line_that_was_asked_for_in_base_units(board: Served) -> None:
    answer = board.page("/lines?only=below&table=lines&format=csv")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert len(rows) == sum(1 for rank in board.world.ranked.lines if rank.below)
    assert rows[0]["Mã đối tượng"] == SLOW
    assert float(rows[0]["So với hợp đồng (tỉ lệ)"]) == pytest.approx(0.31)
    assert float(rows[0]["Tải xuống (bit/s)"]) == pytest.approx(31e6)
    document = board.page("/lines?table=carriers&format=json").json()
    assert {row["carrier"] for row in document["rows"]} == {"vnpt", "viettel"}


def test_a_province_without_lines_teaches_what_to_import() -> None:
    with served(province()) as running:
        said = text_of(running.page("/lines"))
    assert "Chưa khai báo đường truyền nào" in said
    assert "motcua collector import province/" in said


def test_a_ranking_is_taken_once_a_minute_and_rows_that_did_not_change_are_kept() -> None:
    world = lined()
    pages = LinesPages(world)
    before = pages.look(VI, AskedLines())
    world.stand("line:07210-1/b", "down", "no_answer", minutes=1)
    after = pages.look(VI, AskedLines())
    kept = {row.rank.line: row for row in before.found}
    changed = [row.rank.line for row in after.found if row is not kept[row.rank.line]]
    assert changed == ["line:07210-1/b"]
    world.ranked = replace(world.ranked, lines=())
    assert pages.look(VI, AskedLines()).found
    world.now += KEPT_MS
    world.touch()
    assert not pages.look(VI, AskedLines()).found


def test_a_carrier_without_any_figure_has_no_median_and_no_zero() -> None:
    world = lined()
    rank = LineRank("line:07210-1/a", "07210-1", "internet", "new", 1e8, why="never_tested")
    world.ranked = Ranking(0, 1, 0.8, (rank,), (CarrierRank("new", 1, 0, 0, None),))
    with served(world) as running:
        page = running.page("/lines")
    assert "0 đường dưới mức, trong 0 đường có số đo, của 1 đường" in page.text
    assert "NEW – chưa đường nào có số đo – chưa đường nào có số đo" in text_of(page)


@pytest.mark.parametrize(
    ("share", "said"),
    [
        pytest.param(0.95, "Không đường nào trong 1 đường có số đo dưới mức hợp đồng", id="one figure of two lines"),
        pytest.param(None, "Chưa đường nào trong 2 đường truyền có số đo tốc độ", id="no figure at all"),
    ],
)
def test_the_title_claims_no_more_than_was_measured(share: float | None, said: str) -> None:
    world = lined()
    key = "line:07210-1/"
    ranks = [
        LineRank(f"{key}a", "07210-1", "internet", "vnpt", 1e8, share=share, valid=0 if share is None else 3),
        LineRank(f"{key}b", "07210-1", "tslcd", "vnpt", 1e8, why="never_tested"),
    ]
    world.ranked = Ranking(0, 1, 0.8, tuple(ranks), ())
    for rank in ranks:
        world.stand(rank.line, "ok")
    assert LinesPages(world).look(VI, AskedLines()).title == said


def test_a_full_line_says_how_full() -> None:
    world = lined()
    world.stand("line:07210-1/a", "degraded", "line_full")
    with served(world) as running:
        assert "95 % của 7 ngày: 40 % dung lượng" in text_of(running.page("/lines?only=full")).replace("\u00a0", " ")


def test_a_line_that_cannot_be_measured_is_told_so_whatever_its_letter() -> None:
    world = lined()
    assert BLIND in looked(world, only="unmeasured")


def test_a_name_with_html_stays_text() -> None:
    world = lined()
    rank = LineRank("line:07210-1/a", "07210-1", "internet", "<b>x", 1e8, Spread(1e8, 1e8, 1e8), share=1.0, valid=3)
    world.ranked = Ranking(0, 1, 0.8, (rank,), ())
    with served(world) as running:
        assert "<b>x" not in running.page("/lines").text.lower()


@pytest.mark.parametrize("lang", ["vi", "en"])
@pytest.mark.parametrize("why", ["no_figure", "too_little"])
def test_why_a_norm_is_not_compared_has_words(why: str, lang: Lang) -> None:
    words = catalogue(lang)
    assert norm_why(why, words) == words(f"norm.why_{why}")


def test_a_norm_of_hours_is_told_in_hours_and_one_of_packets_in_milliseconds() -> None:
    words = catalogue("vi")
    assert norm_figure(129_600, "s", words) == "1 ngày 12 giờ"
    assert "ms" in norm_figure(0.05, "s", words)
