"""The pages of incidents against alerts in memory, over a real socket: golden facts, not whole pages."""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from alerts.api import Incident, Said
from tests.dashboards.board.test_pages import text_of
from tests.support.alerts_double import CUT, SILENT, TOKEN, Case, Desk, desk
from tests.support.board_server import Served, served
from tests.support.large import country
from tests.support.reader_double import DAY_MS, MINUTE_MS, World

PHONE = f"/t/{TOKEN}"
PAGES = [
    "/incidents", "/incidents?owner=line", "/incidents/1041", "/incidents/1042", "/incidents/1036/sheet", "/work",
    "/alerts", PHONE, f"{PHONE}/sheet",
]  # fmt: skip


@pytest.fixture(scope="module")
def told() -> Iterator[Served]:
    """Nobody changes anything here."""
    made = desk()
    with served(made.world, desk=made) as board:
        yield board


@pytest.mark.parametrize(
    ("path", "lang", "facts"),
    [
        pytest.param("/incidents", "vi",
                     ["8 sự cố đang mở: 4 cần người đi, 2 không cần đi, 1 theo kế hoạch, 1 đã hết, chờ đóng",
                      "300 người đang chờ · 1 sự cố quá hạn xử lý · 1 sự cố chưa ai nhận",
                      "đường truyền tốt An Lạc, Bảo Đài, Bắc Giang và 84 nơi khác Hệ thống dùng chung Không cần đi",
                      "Tổ VNPT Bắc Giang 61 09:04 quá hạn",
                      "đính chính 1 lần"], id="list vi"),
        pytest.param("/incidents", "en", ["8 incidents open: 4 need somebody to go, 2 without a visit, 1 planned",
                                          "Shared system No need to go", "past target"], id="list en"),
        pytest.param("/incidents?owner=power&stage=acknowledged", "vi", ["2 sự cố · đông", "An Lạc mất điện",
                                                                         "Tuấn Đạo mất điện"], id="filtered"),
        pytest.param("/incidents?stage=closed", "vi", ["Sự cố đã đóng trong 7 ngày qua"], id="closed"),
        pytest.param("/incidents?owner=agent", "vi", ["Không có sự cố nào như vậy", "Xem tất cả"], id="none such"),
        pytest.param("/incidents/1041", "vi",
                     ["Hộ tịch điện tử chậm ở 87/99 trung tâm từ 08:55, đường truyền tốt", "Không cần đi",
                      "Trả lời sau 11 giây, ngưỡng 5 giây Từ phía tỉnh (00000-1) 08:55:35 08:55:47 sau 12 giây",
                      "87 trung tâm thấy chậm hoặc không vào được. Không cần tới các nơi này",
                      "Không phải Không có kế hoạch bảo trì nào trùng lúc đó"], id="portal"),
        pytest.param("/incidents/1042", "vi",
                     ["VNPT đứt tuyến: 3 đường của Tây Yên Tử, Yên Định cùng mất từ 08:41",
                      "quá hạn xử lý 09:04, đã 10 phút", "VD-TSL-07616-B", "VD-NET-07642-A", "gọi +84 000 000 038",
                      "Trực một cửa Xã Tây Yên Tử", "12/11/2026 Mất Internet VIETTEL (A) của Tây Yên Tử",
                      "Tây Yên Tử thư điện tử · báo sự cố không gửi được 08:42 · 6 lần thử 550 5.1.1"], id="cut vi"),
        pytest.param("/incidents/1042", "en",
                     ["VNPT is cut: 3 lines of Tây Yên Tử, Yên Định went together at 08:41",
                      "past its target of 09:04 by 10 minutes", "The officer webhook · call out cannot be delivered"],
                     id="cut en"),
        pytest.param("/incidents/1038", "vi",
                     ["Biết thêm lúc 06:44: Bản ghi khởi động tới muộn 51 phút",
                      "Trước đó Mất Internet VIETTEL (A) của An Lạc Của: Đường truyền · từ 06:04 · Cần người tới nơi",
                      "Sau khi biết thêm An Lạc mất điện từ 05:50 Của: Điện · từ 05:50"], id="revised"),
        pytest.param("/incidents/1036", "vi",
                     ["Số đo trước và sau khớp với việc đã sửa: đóng được",
                      "không đạt 07:39:05 Không trả lời · Mất gói 100 %",
                      "đạt 09:14:01 Mất gói 0,2 %", "Thay đầu nối quang ở tủ cáp."], id="repaired"),
        pytest.param("/incidents/1043", "vi",
                     ["Bộ đo tại chỗ không trả lời: đo từ phía tỉnh", "Có thể là của: đường truyền",
                      "độ chắc: nhiều khả năng", "Cùng khu vực đang mất Tây Yên Tử, Yên Định"], id="silent"),
        pytest.param("/work", "vi",
                     ["Mọi tổ: 6 nơi phải đi", "Không phải của ta: Hộ tịch điện tử chậm ở 87/99",
                      "61 người chờ · hạn xử lý 09:04 quá hạn", "Hôm nay chưa đóng việc nào"], id="work"),
        pytest.param("/work?team=vnpt-bac", "vi", ["Tổ VNPT Bắc Giang: 4 nơi phải đi"], id="a team's work"),
        pytest.param("/work?team=viettel-tinh", "en", ["Viettel team: nowhere to go"], id="nowhere to go"),
        pytest.param("/alerts", "vi",
                     ["1 sự cố quá hạn xử lý, 1 đính chính từ hôm qua, 2 tin không gửi được",
                      "Cảnh Thuỵ đang bảo trì VNPT nâng cấp tuyến cáp 214/VNPT-BN (ví dụ) Nguyễn Thị Hoà 08:34 10:30",
                      "Đường truyền 41 22 1 95 % 2 1 phút", "Bộ đo 9 0 0 – chưa ai xác nhận kết luận nào",
                      "Bỏ sót 1 TSLCD VNPT (B) tại Lạng Giang", "trong 9 phút"], id="officer vi"),
        pytest.param("/alerts", "en", ["1 incident past its target, 1 revision since yesterday, 2 messages cannot be",
                                       "550 5.1.1 no such mailbox"], id="officer en"),
        pytest.param(PHONE, "vi",
                     ["Tổ VNPT Bắc Giang", "Mạng nội bộ vẫn trả lời (Tây Yên Tử).", "61 người chờ", "Nhận việc",
                      "Đo ngay", "VD-TSL-07616-B", "gọi +84 000 000 038", "Mở bằng ứng dụng bản đồ",
                      "Cùng khu vực đang mất", "08/09/2026 Mất Internet VIETTEL (A) của Tây Yên Tử"], id="phone"),
        pytest.param("/incidents/1036/sheet", "vi",
                     ["Biên bản xử lý sự cố số 1036", "VD-NET-07399-A VNPT", "Không đạt 07:39:05 21/11/2026",
                      "Đạt 09:14:01 21/11/2026", "Đã sửa 07:57:10 21/11/2026 Lê Văn Tám", "Đại diện trung tâm",
                      "Thay đầu nối quang ở tủ cáp."], id="sheet"),
        pytest.param("/", "vi", ["6 việc cần người xem", "VNPT đứt tuyến", "Hộ tịch điện tử chậm"], id="province"),
        pytest.param("/centres/07375-1", "vi",
                     ["Hộ tịch điện tử chậm ở 87/99 trung tâm từ 08:55, đường truyền tốt. Của: Hệ thống dùng chung.",
                      "Không cần đi.", "Internet VNPT (A) của Lạng Giang chỉ đạt 31 % tốc độ hợp đồng"], id="note"),
        pytest.param(f"/lines/{CUT[1]}/a", "vi", ["VNPT đứt tuyến: 3 đường"], id="line"),
        pytest.param("/systems/hotich", "vi", ["Hộ tịch điện tử chậm ở 87/99 trung tâm từ 08:55"], id="system"),
    ],
)  # fmt: skip
def test_a_page_says_what_is_true(told: Served, path: str, lang: str, facts: list[str]) -> None:
    said = text_of(told.page(path, lang=lang))
    assert [fact for fact in facts if fact not in said] == []


def test_the_worst_come_first_by_people_waiting_and_age(told: Served) -> None:
    numbers = re.findall(r'<a href="/incidents/(\d+)">', told.page("/incidents").text)
    assert [int(number) for number in numbers] == [1038, 1041, 1042, 1043, 1039, 1036, 1012, 1040]


def test_an_empty_board_teaches() -> None:
    empty = Desk(World())
    with served(empty.world, desk=empty) as board:
        said = text_of(board.page("/incidents"))
        assert "Không có sự cố nào đang mở" in said
        assert "motcua alerts test" in said
        assert "Mọi tin đều đã gửi được" in text_of(board.page("/alerts"))
        assert "không phải đi đâu" in text_of(board.page("/work"))


def test_a_board_without_alerts_has_no_pages_of_incidents() -> None:
    made = desk()
    with served(made.world) as board:
        assert "/incidents" not in board.page("/").text
        assert board.page("/incidents").status_code == 404


@pytest.mark.parametrize(
    ("path", "columns", "rows"),
    [
        pytest.param("/incidents?table=incidents", ["Số", "Người chờ × thời gian (giây)"], 8, id="incidents"),
        pytest.param("/incidents/1041?table=centres", ["Chỉ thấy, không cần tới"], 87, id="places"),
        pytest.param("/incidents/1042?table=evidence", ["Máy chủ nhận"], 4, id="evidence"),
        pytest.param("/incidents/1042?table=circuits", ["Mã kênh"], 3, id="circuits"),
        pytest.param("/incidents/1036?table=history", ["Việc"], 6, id="history"),
        pytest.param("/incidents/1042?table=told", ["Kết quả gửi", "Lỗi"], 3, id="told"),
        pytest.param("/alerts?table=late", ["Quá hạn"], 1, id="late"),
        pytest.param("/alerts?table=stops", ["Văn bản"], 1, id="stops"),
        pytest.param("/alerts?table=changed", ["Trước đó"], 1, id="changed"),
        pytest.param("/alerts?table=quality", ["Chính xác (tỉ lệ)"], 4, id="quality"),
        pytest.param("/alerts?table=missed", ["Đến lúc"], 1, id="missed"),
        pytest.param("/alerts?table=told", ["Kênh"], 2, id="letters"),
        pytest.param("/work?team=vnpt-bac&table=incidents", ["Tổ xử lý"], 3, id="work"),
    ],
)  # fmt: skip
def test_every_table_is_taken_away_as_csv_and_json(told: Served, path: str, columns: list[str], rows: int) -> None:
    answer = told.page(f"{path}&format=csv")
    table = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert set(columns) <= set(table[0])
    assert len(table) == rows + 1
    document = told.page(f"{path}&format=json").json()
    assert len(document["rows"]) == rows
    assert len(document["columns"]) == len(table[0])


@pytest.mark.parametrize("path", [path for path in PAGES if "sheet" not in path])
def test_a_page_lives_and_is_not_sent_twice(told: Served, path: str) -> None:
    for address in (path, path + ("&" if "?" in path else "?") + "part=live"):
        first = told.page(address)
        again = told.page(address, **{"if-none-match": first.headers["etag"]})
        assert (first.status_code, again.status_code) == (200, 304)


def test_what_happens_to_an_incident_reaches_every_page_that_tells_of_it() -> None:
    made = desk()
    with served(made.world, desk=made) as board:
        paths = [f"{path}?part=live" for path in ("/incidents", "/", f"/centres/{CUT[0]}", f"/lines/{CUT[1]}/a")]
        tags = {path: board.page(path).headers["etag"] for path in paths}
        held = made.incident("1042")
        said = Said("double.line_down", {"line": f"line:{CUT[0]}/a", "centre": f"centre:{CUT[0]}"})
        made.keep(replace(held, verdict=replace(held.verdict, said=said)))
        for path, tag in tags.items():
            answer = board.page(path, **{"if-none-match": tag})
            assert answer.status_code == 200, path
            assert "Mất Internet VIETTEL (A) của Tây Yên Tử" in text_of(answer), path


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("lang", ["vi", "en"])
def test_no_page_calls_anything_from_elsewhere_or_carries_code(told: Served, path: str, lang: str) -> None:
    page = told.page(path, lang=lang).text
    assert re.findall(r"""(?:src|href|action|hx-get|hx-post)=["'](?:https?:)?//""", page) == []
    assert re.findall(r"<script(?![^>]*\bsrc=)", page) == []
    assert re.findall(r"\son\w+=|\sstyle=|javascript:", page) == []


def test_what_comes_from_outside_stays_text() -> None:
    made, evil = desk(), '<script>alert("x")</script>'
    held = made.incident("1042")
    made.tell(held.id, "comment", by=evil, text=evil)
    made.write(held, f"team:{evil}", evil, "dead", error=evil)
    made.keep(replace(held, verdict=replace(held.verdict, said=Said(evil), cause=evil)))
    with served(made.world, desk=made) as board:
        for path in [*PAGES, "/", f"/centres/{CUT[0]}", "/incidents/1042/sheet"]:
            answer = board.page(path)
            assert answer.status_code == 200, path
            assert "<script>" not in answer.text, path


@pytest.mark.parametrize("path", ["/incidents/7", "/incidents/7/sheet", "/incidents/x", "/incidents/1042/nowhere"])
def test_what_does_not_exist_is_a_page_that_says_what_to_do(told: Served, path: str) -> None:
    answer = told.page(path)
    assert answer.status_code in {404, 405}
    assert "Toàn tỉnh" in answer.text


def test_a_vast_bad_day_is_listed_quickly_and_lightly() -> None:
    """3,321 centres with 400 incidents: 100 rows on a page, below 200 kB with everything it loads."""
    made = Desk(country())
    for n in range(400):
        key = made.world.listed_centres[n * 8].key
        case = Case(made.world, 30 + n, (key,))
        verdict = case.verdict(f"line:{key}/a", "line", "down", case.say("line_down", line=f"line:{key}/a"))
        made.add(n + 1, verdict, "notified", waiting=float(n % 40))
    with served(made.world, desk=made) as board:
        page = board.page("/incidents", **{"accept-encoding": "gzip"})
        assert page.text.count('<tr data-find="') == 100
        assert "trang 1/4" in text_of(page)
        loaded = sum(
            len(gzip.compress(board.client.get(address).content))
            for address in re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text)
        )
        assert int(page.headers["content-length"]) + loaded <= 200_000


def test_an_incident_that_nobody_can_name_is_told_by_its_keys(told: Served) -> None:
    made = desk()
    case = Case(made.world, 5, ("09999-1",))
    said = case.say("line_down", line="line:09999-1/z")
    made.add(2000, case.verdict("line:09999-1/z", "unknown", "unknown", said), "open")
    with served(made.world, desk=made) as board:
        assert "Mất đường truyền Z của 09999-1" in text_of(board.page("/incidents/2000"))


def closed_today(made: Desk) -> Incident:
    case = Case(made.world, 90, (SILENT,))
    verdict = case.verdict(f"line:{SILENT}/a", "line", "down", case.say("power"))
    verdict = replace(verdict, ended_ms=made.world.now - 80 * MINUTE_MS)
    return made.add(3000, verdict, "closed", closed_ms=made.world.now - 70 * MINUTE_MS, team="vnpt-bac")


def test_what_was_closed_today_is_counted() -> None:
    made = desk()
    closed_today(made)
    with served(made.world, desk=made) as board:
        assert "Hôm nay đã đóng 1 việc." in text_of(board.page("/work"))
        made.world.now += DAY_MS
        assert "Hôm nay chưa đóng việc nào." in text_of(board.page("/work"))
