"""The policy page: what is in force, what each version changed, values never rounded."""

from __future__ import annotations

import pytest

from collector.api import PolicyVersion, Threshold, Unit
from dashboards.board.policy import look, value_words
from dashboards.board.words import catalogue
from tests.dashboards.board.test_pages import text_of
from tests.support.board_server import Served
from tests.support.reader_double import DAY_MS, World

VI, EN = catalogue("vi"), catalogue("en")


@pytest.mark.parametrize(
    ("unit", "value", "vi", "en"),
    [
        ("s", 0.05, "50 ms", "50 ms"),
        ("s", 0.0125, "12,5 ms", "12.5 ms"),
        ("s", 1.25, "1,25 s", "1.25 s"),
        ("s", 1, "1 giây", "1 second"),
        ("s", 200, "200 giây", "200 seconds"),
        ("s", 900, "15 phút", "15 minutes"),
        ("s", 5_400, "90 phút", "90 minutes"),
        ("s", 3_600, "1 giờ", "1 hour"),
        ("s", 172_800, "2 ngày", "2 days"),
        ("share", 0.0005, "0,05 %", "0.05 %"),
        ("share", 0.025, "2,5 %", "2.5 %"),
        ("bytes", 104_857_600, "104,858 MB", "104.858 MB"),
        ("bytes", 12, "12 B", "12 B"),
        ("bps", 1e9, "1 Gb/s", "1 Gb/s"),
        ("bps", 0, "không xét", "not judged"),
        ("celsius", 90, "90 °C", "90 °C"),
        ("trains", 1, "1 loạt", "1 train"),
        ("times", 3, "3 lần", "3 times"),
        ("periods", 3, "3 chu kỳ", "3 periods"),
        ("switch", 1, "có", "yes"),
        ("switch", 0, "không", "no"),
    ],
)
def test_a_value_is_exact_and_has_its_unit(unit: Unit, value: float, vi: str, en: str) -> None:
    told = Threshold("line.x", value, unit)
    assert [value_words(told, words).replace("\u00a0", " ") for words in (VI, EN)] == [vi, en]


def version(number: int, from_ms: int, *held: Threshold) -> PolicyVersion:
    return PolicyVersion(number, from_ms, "", "", held)


A, B = Threshold("line.rtt_s", 0.05, "s"), Threshold("line.rtt_s", 0.08, "s")
NEWER = Threshold("line.from_the_future_s", 3, "s")


def test_the_version_in_force_is_the_last_that_began() -> None:
    world = World()
    world.kept_policies = [version(2, world.now + DAY_MS, B), version(1, world.now - DAY_MS, A)]
    page = look(world, EN)
    assert page.held is world.kept_policies[1]
    assert (page.back, [step.first for step in page.steps]) == (None, [False, True])


def test_a_threshold_that_came_or_went_is_told() -> None:
    world = World()
    world.kept_policies = [
        version(3, world.now - 1, NEWER), version(2, world.now - 2, A, NEWER), version(1, world.now - 3, A),
    ]  # fmt: skip
    told = [[(c.says, c.old, c.new) for c in step.changes] for step in look(world, EN).steps]
    assert told == [
        [("Median round trip over this: degraded", "50\u00a0ms", "none")],
        [("line.from_the_future_s", "none", "3 seconds")],
        [],
    ]


def test_more_versions_than_are_shown_are_said() -> None:
    world = World()
    world.kept_policies = [version(n, world.now - 100 + n, A if n % 2 else B) for n in range(30, 0, -1)]
    page = look(world, EN)
    assert (len(page.steps), page.more, page.back) == (20, True, 29)
    assert all(step.changes for step in page.steps)


def test_a_board_without_a_policy_says_when_there_will_be_one(empty: Served) -> None:
    said = text_of(empty.page("/policy"))
    assert "Chưa có ngưỡng nào" in said
    assert "đọc tệp ngưỡng khi phần phán định khởi động lần đầu" in said


def test_a_newcomer_sees_the_file_and_no_way_back(one: Served) -> None:
    said = text_of(one.page("/policy"))
    assert "Đọc từ tệp ngưỡng · chưa đổi lần nào" in said
    assert "--version" not in said


def test_a_version_that_was_set_appears_at_once(many: Served) -> None:
    tag = many.page("/policy?part=live").headers["etag"]
    many.world.set_policy("<b>Lan</b>", line__rtt_s="0.1")
    answer = many.page("/policy?part=live", **{"if-none-match": tag})
    assert answer.status_code == 200
    assert "Ngưỡng bản số 4" in text_of(answer)
    assert "<b>Lan</b>" not in answer.text
