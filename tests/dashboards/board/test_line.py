"""One line's page: who it is, how fast against its contract, which way it goes; empty places that say why; acts."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from collector.api import LineInfo, Point, Series
from dashboards.board.line_marks import lost, wilson
from dashboards.board.line_use import SAMPLES, p95
from dashboards.board.names import line_href, subject_href
from dashboards.board.speed import figure, sentence
from dashboards.board.words import catalogue
from tests.dashboards.board.test_pages import text_of
from tests.support.board_server import Served, served
from tests.support.reader_double import NOW_MS
from tests.support.speedruns import told
from tests.support.wired import BLIND, CUT, SLOW, SPARE, lined

VI, EN = catalogue("vi"), catalogue("en")
LINE = LineInfo(SLOW, "internet", "vnpt", "VD-1", 100e6, "192.0.2.1", "", "default")


@pytest.fixture(scope="module")
def board() -> Iterator[Served]:
    with served(lined()) as running:
        yield running


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


def said(board: Served, key: str, query: str = "", lang: str = "vi") -> str:
    return plain(text_of(board.page(line_href(key) + query, lang=lang)))


# --- words ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bps", "low", "high", "wanted"),
    [
        pytest.param(94e6, 92e6, 95e6, "94 ± 2 Mb/s", id="no more decimals than it bears"),
        pytest.param(30.7e6, 30.1e6, 31.3e6, "30,7 ± 0,6 Mb/s", id="a tenth"),
        pytest.param(941e6, 940.9e6, 941.1e6, "941 ± 0,1 Mb/s", id="sure"),
        pytest.param(5.125e5, 5.12e5, 5.13e5, "512,5 ± 0,5 kb/s", id="kilobits"),
        pytest.param(94e6, None, None, "94 Mb/s", id="without an interval"),
        pytest.param(None, None, None, "–", id="not measured"),
    ],
)
def test_a_speed_is_told_as_exactly_as_it_is_known(
    bps: float | None, low: float | None, high: float | None, wanted: str
) -> None:
    way = replace(told(SLOW, 0, 1).way("download"), bps=bps, low_bps=low, high_bps=high)
    assert plain(figure(way, "vi")) == wanted


def test_a_test_is_one_sentence() -> None:
    test = told(SLOW, 0, 94, 91, idle=0.012, loaded=0.18)
    assert plain(sentence(test, LINE, VI)) == (
        "94 ± 2 Mb/s tải xuống, 91 ± 2 Mb/s tải lên; tải xuống bằng 94 % hợp đồng;"
        " trễ 12 ms lúc rỗi, 180 ms lúc đầy tải"
    )
    assert plain(sentence(test, LINE, EN)) == (
        "94 ± 2 Mb/s down, 91 ± 2 Mb/s up; download is 94 % of the contract; latency 12 ms idle, 180 ms under load"
    )


def test_a_test_without_a_figure_says_why_and_no_speed() -> None:
    text = sentence(told(SLOW, 0, why="line_busy"), LINE, VI)
    assert text == "không có kết quả: đường truyền đang có người dùng nên không đo tốc độ"
    assert "%" not in plain(sentence(told(SLOW, 0, 94), replace(LINE, contract_bps=None), VI))


# --- figures --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        pytest.param([], None, id="nothing"),
        pytest.param([7.0], 7.0, id="one"),
        pytest.param([float(n) for n in range(1, 101)], 95.0, id="the 95th of a hundred"),
        pytest.param([1.0] * 95 + [99.0] * 5, 1.0, id="five of a hundred may be full"),
        pytest.param([1.0] * 94 + [99.0] * 6, 99.0, id="six may not"),
    ],
)
def test_95_per_cent_of_a_week_stay_under_it(values: list[float], wanted: float | None) -> None:
    assert p95([Point(n, v, v, v, 1) for n, v in enumerate(values)]) == wanted


def test_a_week_has_2016_samples_of_five_minutes() -> None:
    assert SAMPLES == 2_016


def test_loss_is_pooled_over_a_bucket_before_its_interval_is_taken() -> None:
    sent = Series(SLOW, "motcua_line_sent_packets", "", "collector", 300, (Point(0, 5, 5, 5, 30),), None)
    back = replace(sent, points=(Point(0, 3, 4.8, 5, 30),))
    (mark,) = lost(sent, back)
    assert mark.value == pytest.approx(6 / 150)
    assert mark.low == pytest.approx(0.0185, abs=5e-4)
    assert mark.high == pytest.approx(0.0845, abs=5e-4)
    assert lost(sent, replace(back, points=())) == ()


@pytest.mark.parametrize(("hits", "trials"), [(0, 5), (5, 5), (1, 200)], ids=["none", "all", "few"])
def test_an_interval_lies_around_its_share_and_within_0_and_1(hits: int, trials: int) -> None:
    low, high = wilson(hits, trials)
    assert 0 <= low <= hits / trials <= high <= 1


# --- the page -------------------------------------------------------------------------------------------------------


def test_a_line_has_one_page_at_both_addresses(board: Served) -> None:
    assert subject_href(SLOW) == "/lines/07375-1/a"
    one, other = (board.page(path).text for path in ("/lines/07375-1/a", f"/subjects/{SLOW}"))
    own = re.compile(r"/(lines|subjects)/[^\"? ]*|data-etag=\"[^\"]*\"")
    assert own.sub("", one) == own.sub("", other)
    assert board.page("/lines/99999-1/z").status_code == 404
    assert "Không có đường truyền mang mã này" in board.page("/lines/99999-1/z").text


@pytest.mark.parametrize(
    ("key", "lang", "facts"),
    [
        pytest.param(SLOW, "vi", [
            "Đường truyền A · Internet VNPT: dưới tốc độ hợp đồng từ 07:03", "31 Mb/s, ngưỡng 80 Mb/s",
            "đang gánh lưu lượng từ 07:14", "thay cho đường chính", "VD-NET-07375-A", "đường mặc định của hộp đo",
            "Tổ VNPT Bắc Giang", "Vạch là mức phải đạt 80 Mb/s (0,8 × hợp đồng)", "100 Mb/s, song công",
            "61 % dung lượng", "Tới đích sau 5 chặng", "Tiếng nói (EF)", "từ 0,3 % đến 2 %", "không quá 50 ms",
            "ít nhất 80 Mb/s", "chưa chắc về mức này", "quá ít trung tâm đo", "theo kế hoạch",
            "Lần mới nhất lúc 08:49: không đo, vì đường truyền đang có người dùng",
        ], id="slow"),
        pytest.param(SLOW, "en", [
            "carries the traffic since 07:14", "in place of the main line", "of the contract", "not met",
            "It leads there in 5 hops", "Voice (EF)", "the limit itself is not sure",
        ], id="slow in English"),
        pytest.param(CUT, "vi", [
            "Đứt ở chặng 3, ngay sau 192.0.2.18; trước đây ở đó là 192.0.2.19", "đứt từ đây",
        ], id="cut"),
        pytest.param(BLIND, "vi", [
            "Không đo được từ đây", "reach_by = none", "không đo được từ trung tâm", "Chưa dò đường lần nào",
            "tỉnh chưa bật máy phản xạ", "chưa đo lần nào",
        ], id="not measurable"),
        pytest.param(SPARE, "vi", ["đang dự phòng"], id="spare"),
    ],
)  # fmt: skip
def test_a_line_s_page_says_what_is_true(board: Served, key: str, lang: str, facts: list[str]) -> None:
    text = said(board, key, lang=lang)
    assert [fact for fact in facts if fact not in text] == []


def test_what_does_not_count_is_told_by_words_and_shape(board: Served) -> None:
    page = plain(board.page(line_href(SLOW) + "?range=30d").text)
    assert page.count('class="uncounted"') >= 4
    assert "không tính" in page
    drawn = board.page(line_href(SLOW) + "/chart?range=30d").json()
    lines = drawn["panels"][0]["lines"]
    assert [line["shape"] for line in lines] == ["disc", "cross", "cross", "cross", "cross"]
    assert lines[0]["label"] == "● hợp lệ"
    assert all(line["label"].startswith("× không tính: ") for line in lines[1:])


def test_the_contract_and_what_is_due_are_drawn_into_the_speeds(board: Served) -> None:
    for panel in board.page(line_href(SLOW) + "/chart?range=30d").json()["panels"][:2]:
        assert [(limit["label"], limit["value"]) for limit in panel["limits"]] == [("hợp đồng", 100), ("phải đạt", 80)]


def test_use_is_drawn_with_its_capacity_and_the_95th_percentile_of_a_week(board: Served) -> None:
    use = board.page(line_href(SLOW) + "/chart").json()["panels"][6]
    assert [limit["value"] for limit in use["limits"]] == [100, 61]
    assert [line["label"] for line in use["lines"]] == ["xuống", "lên"]


def test_every_plot_has_its_place_on_the_page(board: Served) -> None:
    for key in (SLOW, CUT, BLIND):
        page, panels = (
            board.page(f"{line_href(key)}?part=chart").text,
            board.page(line_href(key) + "/chart").json()["panels"],
        )
        drawn = {n for n, panel in enumerate(panels) if panel["lines"]}
        assert {int(n) for n in re.findall(r'class="panel drawn" id="panel-(\d+)"', page)} == drawn


@pytest.mark.parametrize("asked", ["24h", "7d", "30d", "90d", "365d"])
def test_every_range_reads(board: Served, asked: str) -> None:
    answer = board.page(f"{line_href(SLOW)}?range={asked}&charts=all")
    assert answer.status_code == 200
    assert len(answer.content) < 1_500_000


def test_tests_are_paged_back_and_taken_away_whole(board: Served) -> None:
    page = board.page(line_href(SLOW)).text
    (older,) = re.findall(r'href="(/lines/[^"#]*before=\d+)#tests"', page)
    assert board.page(older).text.count('data-label="Dung lượng"') == 31 - 20
    rows = list(csv.DictReader(io.StringIO(
        board.page(f"{line_href(SLOW)}?table=tests&format=csv").content.decode("utf-8-sig")
    )))  # fmt: skip
    assert len(rows) == 31
    skipped, valid = rows[0], rows[1]
    assert (skipped["Tính hay không"], skipped["Tải xuống (bit/s)"], skipped["Dung lượng (byte)"]) == (
        "không đo",
        "",
        "",
    )
    assert valid["Tính hay không"] == "hợp lệ"
    assert float(valid["So với hợp đồng (tỉ lệ)"]) == pytest.approx(float(valid["Tải xuống (bit/s)"]) / 1e8)


def test_a_sentence_for_zalo_holds_the_figures_and_the_way_back(board: Served) -> None:
    page = plain(board.page(line_href(SLOW)).text)
    (text,) = re.findall(r"<textarea readonly[^>]*>(.*?)</textarea>", page, flags=re.DOTALL)
    assert text.startswith("Phường Lạng Giang, Đường truyền A · Internet VNPT: dưới tốc độ hợp đồng từ 07:03.")
    assert "30,7 ± 0,6 Mb/s tải xuống" in text
    assert text.endswith("/lines/07375-1/a")


# --- acts -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def open_board() -> Iterator[Served]:
    with served(lined()) as running:
        yield running


def test_nobody_tests_a_line_without_saying_who_he_is(open_board: Served) -> None:
    page = open_board.page(line_href(SLOW)).text
    assert "Muốn đo tốc độ ngay: mở bảng bằng đường dẫn đăng nhập một lần" in text_of(open_board.page(line_href(SLOW)))
    assert "/measure" not in page
    for act in ("measure", "phone"):
        assert open_board.client.post(f"{line_href(SLOW)}/{act}", data={"csrf": "x"}).status_code == 403


def test_a_test_is_asked_for_after_its_cost_was_told_and_is_followed(open_board: Served) -> None:
    open_board.log_in()
    page = open_board.client.get(line_href(SLOW))
    text = plain(text_of(page))
    assert "Lần trước dùng 186 MB dung lượng. Dùng nhiều nhất 1 GB." in text
    agent = next(item.agent for item in open_board.world.items if item.id == "speed-07375-1/a")
    form = {"csrf": "mark-of-session-1", "agent": agent, "item": "speed-07375-1/a"}
    answer = open_board.client.post(f"{line_href(SLOW)}/measure", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/lines/07375-1/a#ask")
    for state, words in (
        ("queued", "Đang chờ bộ đo nhận việc"),
        ("taken", "đang chờ tới lượt"),
        ("running", "Đang đo"),
    ):
        open_board.world.move_task(0, state=state)
        assert words in text_of(open_board.client.get(line_href(SLOW)))
        assert "Đồng ý, đo ngay" not in text_of(open_board.client.get(line_href(SLOW)))
    open_board.world.move_task(0, state="expired")
    assert "Quá hạn, chưa đo được" in text_of(open_board.client.get(line_href(SLOW)))
    assert "Đồng ý, đo ngay" in text_of(open_board.client.get(line_href(SLOW)))


def test_only_a_line_with_a_test_in_its_plan_has_the_button(open_board: Served) -> None:
    open_board.log_in()
    assert "Đo tốc độ ngay" not in text_of(open_board.client.get(line_href(BLIND)))


def test_a_phone_is_given_a_code_and_a_link_for_one_test(open_board: Served) -> None:
    open_board.log_in()
    answer = open_board.client.post(f"{line_href(SLOW)}/phone", data={"csrf": "mark-of-session-1"})
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert 'href="https://measure.example:8444/m/' in answer.text
    assert "đến 09:19:05, nhiều nhất 250 MB" in plain(text_of(answer))
    assert 'aria-label="Mã QR của trang đo"' in answer.text


@pytest.mark.parametrize(
    ("why", "words"),
    [
        pytest.param("busy", "Cụm tuyến này đang có một lần đo khác", id="busy"),
        pytest.param("no_server", "Tỉnh chưa có máy chủ đo", id="no server"),
        pytest.param("something new", "Lúc này chưa đo được từ điện thoại", id="what nobody declared"),
    ],
)
def test_a_phone_that_may_not_test_now_is_told_why(open_board: Served, why: str, words: str) -> None:
    open_board.log_in()
    open_board.world.phone_refused = why
    answer = open_board.client.post(f"{line_href(SLOW)}/phone", data={"csrf": "mark-of-session-1"})
    assert answer.status_code == 409
    assert words in text_of(answer)


# --- the centre -----------------------------------------------------------------------------------------------------


def test_a_centre_s_lines_tell_speed_contract_and_who_carries_the_traffic(board: Served) -> None:
    text = plain(text_of(board.page("/centres/07375-1")))
    assert "Đang gánh lưu lượng từ 07:14 (thay cho đường chính)" in text
    assert re.search(r"30,7 Mb/s / 100 Mb/s", text)
    assert "Không đo được từ đây" in text


def test_a_centre_offers_no_test_of_speed_by_its_plain_button(board: Served) -> None:
    with served(lined()) as running:
        running.log_in()
        page = running.client.get("/centres/07375-1").text
    assert 'value="line-07375-1"' in page
    assert "speed-07375-1" not in page


def test_a_line_that_was_only_skipped_says_so_at_its_centre() -> None:
    world = lined()
    world.tested[SLOW] = [told(SLOW, NOW_MS - 1_000, why="no_lease")]
    with served(world) as running:
        assert "chưa được phép đo tốc độ" in text_of(running.page("/centres/07375-1"))
        assert "Chưa có lần đo nào hợp lệ" in text_of(running.page(line_href(SLOW)))
