"""Shared systems, areas, the map, long ranges and the inventory on pages, against a lively province."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from collector.api import SystemInfo
from dashboards.board.systems import KEPT_MS, SystemPages
from dashboards.board.words import catalogue
from tests.dashboards.board.test_pages import CUT_OFF, text_of
from tests.support.board_server import Served, served
from tests.support.lively import ODD, ROOM, SLOW, lively
from tests.support.reader_double import World, province

WELL = "07375-1"


@pytest.fixture(scope="module")
def board() -> Iterator[Served]:
    with served(lively()) as running:
        yield running


@pytest.mark.parametrize(
    ("path", "lang", "facts"),
    [
        pytest.param("/systems", "vi", ["11 hệ thống bình thường, Hộ tịch điện tử chậm ở 87/99 trung tâm,",
                     "từ tỉnh cũng vậy: lỗi phía họ", "Đăng nhập VNeID Bình thường, 1/99 trung tâm thấy khác",
                     "Bộ Tư pháp · quốc gia · ngưỡng 5 s", "2 hệ thống không theo dõi",
                     "địa chỉ chưa được xác nhận"], id="all vi"),
        pytest.param("/systems", "en", ["11 systems well, Electronic civil register slow for 87 of 99 centres,",
                     "and from the province too: theirs", "2 systems are not watched"], id="all en"),
        pytest.param(f"/systems/{SLOW}", "vi", ["Hộ tịch điện tử: chậm ở 87/99 trung tâm từ 08:55,",
                     "từ tỉnh cũng vậy: lỗi phía họ", "không cần đến trung tâm", "Trung vị của 96 trung tâm",
                     "Từ phía tỉnh (00000-1)",
                     "99 trung tâm đo hệ thống này", "Chờ trả lời"], id="one vi"),
        pytest.param(f"/systems/{ODD}", "en", ["VNeID sign-on: fine, 1 of 99 centres sees otherwise", "cut off"],
                     id="one that a single centre cannot reach"),
        pytest.param("/", "vi", ["Hộ tịch điện tử chậm ở 87/99 trung tâm", "Không cần đến trung tâm.",
                                 "89 trung tâm phục vụ bình thường, 7 chậm", "1 việc không phải của ta"],
                     id="province"),
        pytest.param(f"/centres/{WELL}", "vi", ["Không phải lỗi ở đây: Hộ tịch điện tử chậm ở 87/99 trung tâm",
                     "hôm nay mở cửa 07:30–11:30", "kênh VD-NET-07375-A · hợp đồng 100 Mb/s · CPE 192.0.2.42",
                     "từ phía tỉnh tới CPE 192.0.2.42", "Không đo được từ đây", "vị trí ước lượng: tâm xã",
                     "Trực một cửa Phường Lạng Giang", "Cổng Dịch vụ công quốc gia"], id="centre"),
        pytest.param(f"/subjects/service:{SLOW}@{WELL}", "vi", ["Hệ thống Hộ tịch điện tử: chậm từ 08:55"],
                     id="subject"),
    ],
)  # fmt: skip
def test_a_page_says_who_sees_what(board: Served, path: str, lang: str, facts: list[str]) -> None:
    said = text_of(board.page(path, lang=lang))
    assert [fact for fact in facts if fact not in said] == []


def test_a_shared_system_is_one_thing_however_many_centres_see_it(board: Served) -> None:
    page = board.page("/").text
    assert page.count("/systems/hotich") == 2  # its sentence, and the link of its copy
    assert "hệ thống chậm" not in text_of(board.page("/"))
    assert len(re.findall(r'<a class="t ok"', page)) == 89


def test_the_worst_come_first_and_then_the_alphabet(board: Served) -> None:
    listed = re.findall(r'href="/systems/([\w-]+)"', board.page("/systems").text)
    assert listed[:3] == [SLOW, ODD, "dvcqg"]
    listed = re.findall(r'<tr data-find="([^"]*) [\d-]+">.*?class="s (\w+)"', board.page(f"/systems/{ODD}").text)
    assert [state for _, state in listed[:5]] == ["down", "unknown", "unknown", "unknown", "ok"]
    assert [name for name, _ in listed[1:5]] == ["Xã Tây Yên Tử", "Xã Tuấn Đạo", "Xã Yên Định", "Xã An Lạc"]


def test_a_system_by_area_and_state(board: Served) -> None:
    rows = re.compile(r"<tr data-find=")
    whole = board.page(f"/systems/{SLOW}").text
    chu = board.page(f"/systems/{SLOW}?area=chu").text
    assert (len(rows.findall(whole)), len(rows.findall(chu))) == (99, 23)
    slow = board.page(f"/systems/{SLOW}?area=chu&state=degraded").text
    assert len(rows.findall(slow)) == sum(1 for key in seen(board, "chu") if key == "degraded")
    assert "Không có trung tâm nào như vậy." in board.page(f"/systems/{SLOW}?area=nowhere").text


def seen(board: Served, area: str) -> list[str]:
    held = board.world.system_standings(SLOW)
    return [held[key].state for key, place in board.world.known_places.items() if place.area == area]


@pytest.mark.parametrize(
    ("path", "rows", "named"),
    [
        pytest.param("/systems", 14, "Hộ tịch điện tử", id="systems"),
        pytest.param(f"/systems/{SLOW}", 99, "Xã An Lạc", id="places of one"),
        pytest.param(f"/centres/{WELL}?table=systems", 12, "Hộ tịch điện tử", id="systems of a centre"),
    ],
)
def test_tables_are_taken_as_csv_and_json(board: Served, path: str, rows: int, named: str) -> None:
    mark = "&" if "?" in path else "?"
    taken = list(csv.reader(io.StringIO(board.page(f"{path}{mark}format=csv").text.removeprefix("\ufeff"))))
    assert len(taken) == rows + 1
    assert named in [row[1] for row in taken]
    document = json.loads(board.page(f"{path}{mark}format=json").text)
    assert len(document["rows"]) == rows
    assert document["rows"][0]["state"] == "degraded"
    assert isinstance(document["rows"][0]["total_s"], float)


def test_a_copy_for_zalo_says_it_all_with_its_address(board: Served) -> None:
    page = html.unescape(board.page(f"/systems/{SLOW}").text)
    (copied,) = re.findall(r'id="z-system".*?<textarea[^>]*>(.*?)</textarea>', page, flags=re.DOTALL)
    assert copied.startswith("Hộ tịch điện tử: chậm ở 87/99 trung tâm từ 08:55, từ tỉnh cũng vậy: lỗi phía họ.")
    assert "không cần đến trung tâm" in copied
    assert copied.endswith(f"{board.url}/systems/{SLOW}")


def test_a_province_without_systems_is_taught(many: Served) -> None:
    said = text_of(many.page("/systems"))
    assert "Chưa bật hệ thống dùng chung nào" in said
    assert "on = true" in said
    assert many.page("/systems/nobody").status_code == 404
    assert "Không có hệ thống dùng chung mang tên này." in many.page("/systems/nobody").text


def test_a_system_that_is_on_and_that_nobody_measures_yet_waits_among_the_others(many: Served) -> None:
    many.world.known_systems.append(SystemInfo("new", "Mới", "", "", "province", 5.0, 300.0, on=True))
    many.world.touch()
    assert "1 chưa đo được" in text_of(many.page("/systems"))
    assert "Chưa có trung tâm nào đo hệ thống này" in text_of(many.page("/systems/new"))


def test_names_from_outside_stay_text(many: Served) -> None:
    evil = '"><script>alert(1)</script>'
    many.world.known_systems.append(SystemInfo("new", evil, "", evil, "province", 5.0, 300.0, on=True, url=evil))
    many.world.known_places[WELL] = replace(lively(1).known_places[WELL], contact=evil, phone=evil)
    many.world.touch()
    for path in ("/systems", "/systems/new", f"/centres/{WELL}", "/?view=map"):
        assert "<script>alert" not in many.page(path).text


def test_medians_are_renewed_a_few_at_a_time() -> None:
    asked: list[str] = []

    class Counted(World):
        def system_standings(self, system: str):  # type: ignore[no-untyped-def]  # as in World
            asked.append(system)
            return super().system_standings(system)

    world = Counted(**{name: getattr(lively(3), name) for name in World.__dataclass_fields__})
    pages, words = SystemPages(world), catalogue("vi")
    pages.look(words)
    assert len(asked) == 3
    pages.look(words)
    assert len(asked) == 3
    world.now += KEPT_MS
    pages.look(words)
    assert len(asked) == 5


# --- the province ---------------------------------------------------------------------------------------------------


def test_an_area_is_left_over_and_groups_stand_worst_first(board: Served) -> None:
    assert len(re.findall(r'<a class="t ', board.page("/?area=chu").text)) == 23
    page = board.page("/?group=area").text
    heads = re.findall(r'<h3 class="group">(.*?) <span>(.*?)</span>', page)
    assert heads[0] == ("Chũ", "23 · 2 mất, 7 chậm, 1 chưa đo được")
    assert [name for name, _ in heads[1:]] == ["Bắc Giang", "Kinh Bắc", "Lương Tài", "Từ Sơn", "Yên Thế"]
    assert len(re.findall(r'<a class="t ', page)) == 99
    assert board.page('/?area="><script>').status_code == 200


def test_the_map_is_there_without_a_script(board: Served) -> None:
    page = board.page("/?view=map").text
    points = re.findall(r'<a class="pt (\w+)" id="p([\d-]+)" href="(/centres/[\d-]+)"', page)
    assert len(points) == 99
    assert [state for state, _, _ in points[-2:]] == ["down", "down"], "the worst lie on top"
    assert "99 vị trí ước lượng: tâm xã" in text_of(board.page("/?view=map"))
    assert "leaflet.js" in page
    assert "leaflet.js" not in board.page("/").text
    assert len(re.findall(r'<a class="pt ', board.page("/?view=map&area=chu&state=down").text)) == 2


def test_points_that_a_browser_holds_are_not_sent_again(board: Served) -> None:
    first = board.page("/?view=map&part=live").text
    held = re.search(r'data-tiles="(\w+)"', first)
    assert held
    board.world.touch()
    again = board.page("/?view=map&part=live", **{"motcua-tiles": held[1]}).text
    assert 'class="pt ' not in again
    assert "data-same" in again


def test_a_province_without_an_inventory_has_neither_areas_nor_a_map(many: Served) -> None:
    page = many.page("/?view=map&group=area")
    assert "Chưa trung tâm nào có toạ độ" in page.text
    assert 'class="areas"' not in page.text


def test_a_line_that_nobody_can_measure_is_no_open_thing() -> None:
    with served(lively(1)) as running:
        assert "Chưa có số đo nào" not in text_of(running.page("/"))


# --- long ranges ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [f"/centres/{CUT_OFF}", f"/subjects/line:{CUT_OFF}/a", f"/systems/{SLOW}"])
@pytest.mark.parametrize(("asked", "columns"), [("7d", 7), ("30d", 30), ("365d", 365)])
def test_a_long_range_has_a_column_and_a_row_a_day(board: Served, path: str, asked: str, columns: int) -> None:
    page = board.page(f"{path}?range={asked}&charts=all").text
    strips = re.findall(r'<svg class="days" viewBox="0 0 (\d+) ', page)
    assert set(strips) == {str(columns * 10)}
    (first, *_) = re.findall(r'<table class="figures">(.*?)</table>', page, flags=re.DOTALL)
    assert first.count('<tr><th scope="row">') == columns
    assert "21/11/2026" in first


def test_a_range_says_its_resolution_its_coverage_and_quantiles(board: Served) -> None:
    said = text_of(board.page(f"/centres/{CUT_OFF}?range=90d&charts=all"))
    for fact in ("mỗi điểm 7 giờ 26 phút, đo được 97 % số lần theo kế hoạch", "95 % số lần không quá", "14 ms",
                 "đo được 100 %", "Số đo 90 ngày qua"):  # fmt: skip
        assert fact in said, fact


@pytest.mark.parametrize(
    ("path", "titles"),
    [
        pytest.param(f"/centres/{CUT_OFF}/chart?range=7d", ["Trễ (ms)", "Mất gói (%)"], id="centre"),
        pytest.param(f"/charts/line:{CUT_OFF}/a?range=30d", ["Trễ (ms)", "Mất gói (%)"], id="line"),
        pytest.param(f"/systems/{SLOW}/chart?range=365d", ["Tổng thời gian (s)"], id="system"),
        pytest.param(f"/charts/centre:{CUT_OFF}", [], id="nothing is drawn of a centre itself"),
    ],
)
def test_the_data_of_a_chart_has_an_axis_a_panel(board: Served, path: str, titles: list[str]) -> None:
    data = json.loads(board.page(path).text)
    assert [panel["title"] for panel in data["panels"]] == titles
    assert data["days"] is ("range" in path)
    assert all(line["data"][0][0] == data["from"] for panel in data["panels"] for line in panel["lines"])


def test_the_province_is_told_first_among_the_curves_of_a_system(board: Served) -> None:
    (panel,) = json.loads(board.page(f"/systems/{SLOW}/chart").text)["panels"]
    assert panel["lines"][0]["label"] == f"Từ phía tỉnh ({ROOM})"


@pytest.mark.parametrize("path", ["/charts/line:99999-9/a", "/systems/nobody/chart"])
def test_the_chart_of_nobody_is_not_found(board: Served, path: str) -> None:
    assert board.page(path).status_code == 404


def test_states_by_the_day_are_read_aloud(board: Served) -> None:
    page = html.unescape(board.page(f"/subjects/line:{CUT_OFF}/a?range=7d&part=chart").text)
    (label,) = re.findall(r'class="days"[^>]*aria-label="([^"]+)"', page)
    assert label.startswith("Từng ngày, ")
    assert "mất 1 ngày" in label


def test_the_plain_province_needs_no_inventory() -> None:
    with served(province()) as running:
        for path in ("/", "/?view=list", f"/centres/{CUT_OFF}", "/systems"):
            assert running.page(path).status_code == 200
