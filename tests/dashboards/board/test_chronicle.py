"""Planned stops, mergers and old names as the board shows them."""

from __future__ import annotations

import html
import re
from dataclasses import replace

import httpx
import pytest

from collector.api import Change, Chronicle, FormerName, Retired, Window
from tests.support.board_server import Served
from tests.support.reader_double import DAY_MS, MINUTE_MS, NOW_MS, World

CUT_OFF, GONE, KEPT = "07616-1", "07330-1", "07375-1"
NAME = "<script>alert(1)</script> & Ban " + "ộ" * 168  # 200 characters


def text_of(page: httpx.Response) -> str:
    body = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", page.text, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).replace("\u00a0", " ").split())


def stop(world: World, subject: str, *, reason: str = "Thay cáp quang", minutes: int = 76, told_ms: int = 0) -> None:
    """A planned stop that began half an hour ago, lasts `minutes` more and was told `told_ms` after it began."""
    centre = subject.partition(":")[2].partition("/")[0]
    from_ms = NOW_MS - 30 * MINUTE_MS
    window = Window(
        len(world.stops) + 1, subject, centre, from_ms, NOW_MS + minutes * MINUTE_MS, reason, "Trần Văn Bình",
        from_ms + told_ms,
    )  # fmt: skip
    world.stops.append(window)
    held = world.chronicles.get(centre, Chronicle())
    act = Change(window.set_ms, "pause", subject, str(window.to_ms), window.set_by, reason)
    world.chronicles[centre] = replace(held, windows=(window, *held.windows), changes=(act, *held.changes))
    world.touch()


def retire(world: World, key: str, how: str = "decommissioned", successor: str = "", reason: str = "NQ 388") -> None:
    from_ms = NOW_MS - 3 * DAY_MS
    held = Retired(f"centre:{key}", how, successor, from_ms, None, reason)  # type: ignore[arg-type]  # of the table
    place = next(n for n, centre in enumerate(world.listed_centres) if centre.key == key)
    world.listed_centres[place] = replace(world.listed_centres[place], retired=held)
    act = Change(from_ms, "merge" if successor else "decommission", f"centre:{key}", successor, "Lan", reason)
    world.chronicles[key] = Chronicle(retired=(held,), changes=(act,))
    world.touch()


@pytest.mark.parametrize(
    ("lang", "title", "tile", "page"),
    [
        pytest.param("vi", "7 chậm, 1 mất kết nối, 1 chưa đo được, 1 bảo trì", "Bảo trì đến 10:30",
                     ["Đang bảo trì đến 10:30", "Đường truyền A: Bảo trì từ 08:44 đến 10:30, Trần Văn Bình báo.",
                      "Lý do: Thay cáp quang."], id="vi"),
        pytest.param("en", "7 slow, 1 cut off, 1 not measured, 1 under maintenance", "Planned until 10:30",
                     ["Under maintenance until 10:30", "Planned stop from 08:44 to 10:30, announced by Trần Văn Bình"],
                     id="en"),
    ],
)  # fmt: skip
def test_a_paused_line_takes_its_centre_out_of_what_is_urgent(
    many: Served, lang: str, title: str, tile: str, page: list[str]
) -> None:
    before = text_of(many.page("/", lang=lang))
    assert "Tây Yên Tử, Yên Định:" in before
    stop(many.world, f"line:{CUT_OFF}/a")
    seen = many.page("/", lang=lang)
    told = text_of(seen)
    assert title in told
    assert tile in told
    assert "Tây Yên Tử, Yên Định:" not in told
    assert re.search(rf'class="t planned" id="t{CUT_OFF}"', seen.text)
    centre = text_of(many.page(f"/centres/{CUT_OFF}", lang=lang))
    assert [part for part in page if part not in centre] == []


def test_planned_comes_after_what_is_not_measured_and_can_be_asked_for(many: Served) -> None:
    stop(many.world, f"centre:{KEPT}")
    page = many.page("/").text
    states = re.findall(r'class="t (\w+)" id=', page)
    assert states.index("planned") == states.index("unknown") + 1
    assert "Bảo trì: 1 trung tâm" in text_of(many.page("/?state=planned"))
    rows = many.client.get("/?table=centres&format=json&state=planned").json()["rows"]
    assert [(row["centre"], row["state"]) for row in rows] == [(KEPT, "planned")]


def test_a_stop_ends_by_itself(many: Served) -> None:
    stop(many.world, f"centre:{KEPT}", minutes=5)
    assert "1 bảo trì" in text_of(many.page("/"))
    many.world.now += 6 * MINUTE_MS
    many.world.touch()
    assert "bảo trì" not in text_of(many.page("/"))
    assert "Đang bảo trì" not in text_of(many.page(f"/centres/{KEPT}"))
    assert "Báo bảo trì: Phường Lạng Giang (09:19)" in text_of(many.page(f"/centres/{KEPT}"))


def test_a_stop_told_late_says_so(many: Served) -> None:
    stop(many.world, f"centre:{KEPT}", told_ms=10 * MINUTE_MS)
    assert "(báo muộn lúc 08:54)" in text_of(many.page(f"/centres/{KEPT}"))


def test_a_merged_centre_is_counted_no_more_and_its_page_leads_to_the_other(many: Served) -> None:
    retire(many.world, GONE, "merged", f"centre:{KEPT}")
    province = many.page("/")
    assert "88 trung tâm phục vụ bình thường" in text_of(province)
    assert f'id="t{GONE}"' not in province.text
    page = many.page(f"/centres/{GONE}")
    told = text_of(page)
    assert "Đã sáp nhập vào Phường Lạng Giang từ 09:14 18/11" in told
    assert f'href="/centres/{KEPT}">Mở nơi thay thế</a>' in page.text
    assert "Đường truyền A" in told  # with its history
    assert GONE not in text_of(many.page("/fleet"))


def test_an_old_name_is_found_and_told_with_its_end(many: Served) -> None:
    place = next(n for n, centre in enumerate(many.world.listed_centres) if centre.key == KEPT)
    old = FormerName("Xã Tân Dĩnh Kế", "Tan Dinh Ke Commune", NOW_MS - 60 * DAY_MS)
    many.world.listed_centres[place] = replace(many.world.listed_centres[place], former=(old,))
    many.world.touch()
    found = many.page("/?q=tan+dinh+ke")
    assert re.findall(r'id="t(\d{5}-\d)"', found.text) == [KEPT]
    assert f'data-find="Phường Lạng Giang {KEPT} Xã Tân Dĩnh Kế"' in found.text
    assert "Tên trước đây: Xã Tân Dĩnh Kế (đến 09:14 22/09)" in text_of(many.page(f"/centres/{KEPT}"))


def test_a_retired_line_leaves_its_centre_s_tables_and_keeps_its_page(many: Served) -> None:
    line = f"line:{KEPT}/a"
    gone = Retired(line, "decommissioned", "", NOW_MS - DAY_MS, None, "Cắt hợp đồng")
    many.world.chronicles[KEPT] = Chronicle(
        retired=(gone,), changes=(Change(gone.from_ms, "decommission", line, "", "Lan", gone.reason),)
    )
    page = many.page(f"/centres/{KEPT}")
    assert page.text.count(f'href="/lines/{KEPT}/a"') == 1  # only what tells of its end
    assert "Ngừng sử dụng: Đường truyền A Cắt hợp đồng" in text_of(page)
    assert many.page(f"/subjects/{line}").status_code == 200


def test_names_and_reasons_of_200_characters_with_html_stay_text(many: Served) -> None:
    place = next(n for n, centre in enumerate(many.world.listed_centres) if centre.key == KEPT)
    former = (FormerName(NAME, NAME, NOW_MS - DAY_MS),)
    many.world.listed_centres[place] = replace(many.world.listed_centres[place], name_vi=NAME, former=former)
    stop(many.world, f"line:{KEPT}/a", reason=NAME)
    retire(many.world, GONE, "merged", f"centre:{KEPT}", reason=NAME)
    for path in ("/", "/?view=list", f"/centres/{KEPT}", f"/centres/{GONE}", "/fleet", f"/subjects/line:{KEPT}/a"):
        page = many.page(path)
        assert page.status_code == 200, path
        assert "<script>alert" not in page.text, path
    assert html.escape(NAME, quote=False) in many.page(f"/centres/{KEPT}").text
