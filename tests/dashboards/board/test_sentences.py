"""What the board says, word for word."""

from __future__ import annotations

import pytest

from collector.api import Standing, State
from dashboards.board.looks import Look
from dashboards.board.sentences import (
    centre_line,
    centre_title,
    fault_name,
    fault_words,
    province_line,
    province_title,
)
from dashboards.board.things import open_things
from dashboards.board.words import catalogue
from tests.support.reader_double import NOW_MS, World, province, this_machine

VI, EN = catalogue("vi"), catalogue("en")


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("counts", "vi", "en"),
    [
        pytest.param({}, "Chưa có trung tâm nào", "No centre yet", id="none"),
        pytest.param({"ok": 99}, "Cả 99 trung tâm phục vụ bình thường", "All 99 centres serve normally", id="all well"),
        pytest.param(
            {"ok": 88, "degraded": 7, "down": 2, "unknown": 1},
            "88 trung tâm phục vụ bình thường, 7 chậm, 2 mất kết nối, 1 chưa đo được",
            "88 centres serve normally, 7 slow, 2 cut off, 1 not measured",
            id="one of each kind",
        ),
        pytest.param(
            {"ok": 2, "planned": 1},
            "2 trung tâm phục vụ bình thường, 1 bảo trì",
            "2 centres serve normally, 1 under maintenance",
            id="one planned",
        ),
        pytest.param(
            {"ok": 1, "down": 1},
            "1 trung tâm phục vụ bình thường, 1 mất kết nối",
            "1 centre serves normally, 1 cut off",
            id="singular",
        ),
        pytest.param({"down": 2}, "2 trung tâm mất kết nối", "2 centres are cut off", id="all cut off"),
        pytest.param({"degraded": 1}, "1 trung tâm chậm", "1 centre is slow", id="one slow"),
        pytest.param({"unknown": 3}, "3 trung tâm chưa đo được", "3 centres are not measured", id="none measured"),
    ],
)
def test_the_answer_for_the_province(counts: dict[Look, int], vi: str, en: str) -> None:
    assert (province_title(counts, VI), province_title(counts, EN)) == (vi, en)


def test_a_single_centre_is_called_by_its_name() -> None:
    assert province_title({"ok": 1}, VI, only="Máy này") == "Máy này: phục vụ bình thường"
    assert province_title({"down": 1}, EN, only="This machine") == "This machine: cut off"


def line_of(world: World, counts: dict[Look, int]) -> tuple[str, str]:
    things = open_things(world.overview())
    vi, en = (province_line(counts, things, NOW_MS - 4_000, now_ms=NOW_MS, words=words) for words in (VI, EN))
    return vi, en


def test_the_line_below_says_until_when_how_much_and_who() -> None:
    vi, en = line_of(province(), {"ok": 89, "degraded": 7, "down": 2, "unknown": 1})
    assert vi == (
        "Số liệu đến 09:14:01 · đo được 98/99 trung tâm · 3 việc cần người xem · 1 nơi chưa đo được, chưa kết luận"
    )
    assert en == (
        "Data up to 09:14:01 · 98 of 99 centres measured · 3 things need a person · "
        "1 place not measured, nothing concluded"
    )


def test_where_all_is_well_the_line_says_that_nobody_is_needed() -> None:
    vi, en = line_of(this_machine(), {"ok": 1})
    assert vi.endswith("không có việc cần người")
    assert en.endswith("nothing needs a person")


def standing(state: State, reason: str | None = None, **detail: str | float) -> Standing:
    return Standing("centre:07375-1", state, reason, NOW_MS - 120_000, NOW_MS, detail, ())


@pytest.mark.parametrize(
    ("held", "vi", "en"),
    [
        pytest.param(None, "Chưa đo lần nào", "Never measured", id="nothing"),
        pytest.param(standing("ok"), "Phục vụ bình thường từ 09:12", "Serving normally since 09:12", id="ok"),
        pytest.param(
            standing("degraded", "on_backup"),
            "Đang chạy bằng đường dự phòng từ 09:12", "On the backup line since 09:12", id="backup",
        ),
        pytest.param(standing("down", "no_line"), "Mất kết nối từ 09:12", "Cut off since 09:12", id="down"),
        pytest.param(standing("unknown", "silent"), "Chưa đo được từ 09:12", "Not measured since 09:12", id="silent"),
        pytest.param(standing("unknown", "never_measured"), "Chưa đo lần nào", "Never measured", id="never"),
    ],
)  # fmt: skip
def test_the_answer_for_a_centre(held: Standing | None, vi: str, en: str) -> None:
    assert (centre_title(held, NOW_MS, VI), centre_title(held, NOW_MS, EN)) == (vi, en)


def test_a_cause_brings_its_figure_and_the_limit() -> None:
    full = standing("degraded", "disk_low", metric="motcua_device_disk_used_ratio", of="/", value=0.968, limit=0.95)
    assert plain(fault_words(full, VI)) == "ổ đĩa gần đầy (/ 97 %, ngưỡng 95 %)"
    slow = standing("degraded", "slow", rtt_s=0.0714, limit=0.05)
    assert plain(fault_words(slow, EN)) == "delay over the limit (71 ms, limit 50 ms)"
    lossy = standing("degraded", "loss", lost=37, sent=450, limit=0.02)
    assert plain(fault_words(lossy, VI)) == "mất gói tin (mất 37/450 gói)"


def test_faults_of_a_centre_are_named_in_one_line() -> None:
    faults = [("Đường truyền A", standing("down", "no_answer")), ("Máy tính box", standing("degraded", "disk_low"))]
    assert centre_line(faults, VI) == "Đường truyền A: không trả lời; Máy tính box: ổ đĩa gần đầy"
    assert centre_line([], EN) == "Lines, network and computers are well"


def test_the_same_fault_at_many_centres_is_one_thing() -> None:
    world = province()
    things = open_things(world.overview())
    assert [(fault_name(thing.kind, thing.state, VI), len(thing.centres)) for thing in things] == [
        ("mất đường truyền", 2),
        ("đường truyền kém", 6),
        ("máy có vấn đề", 1),
        ("không còn nghe thấy bộ đo", 1),
    ]
    assert [centre.name_vi for centre in things[1].centres][:3] == ["Xã An Lạc", "Xã Biển Động", "Xã Đại Sơn"]
    assert [thing.owner for thing in things] == ["line", "line", "device", "silent"]
