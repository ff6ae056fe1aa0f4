"""Expected and arrived: every machine stands under the first thing that is to be said of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from collector.api import AgentInfo, Centre, Expected
from dashboards.board import fleet
from dashboards.board.words import catalogue
from tests.dashboards.board.test_pages import text_of
from tests.support.board_server import Served
from tests.support.reader_double import DAY_MS, NOW_MS, World, this_machine

VI = catalogue("vi")


def world_with(**changes: object) -> World:
    """This machine's agent, well and of the newest version, and a second one changed."""
    world = this_machine()
    first = world.listed_agents[0]
    world.listed_agents.append(replace(first, id="second", name="thử", **changes))  # type: ignore[arg-type]
    return world


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        pytest.param({}, "well", id="well"),
        pytest.param({"version": "0.0.9"}, "old", id="old version"),
        pytest.param(
            {"conditions": ("disk_low",), "version": "0.0.9"}, "condition", id="a condition before the version"
        ),
        pytest.param({"skew_ms": -200_000}, "skewed", id="skewed"),
        pytest.param({"conditions": ("clock_skew",)}, "skewed", id="skewed by its condition"),
        pytest.param({"silent": True, "conditions": ("disk_low",)}, "silent", id="silent before all it said"),
        pytest.param({"silent": True, "last_heard_ms": None}, "never", id="never heard"),
        pytest.param({"revoked_ms": NOW_MS, "silent": True}, "revoked", id="revoked"),
    ],
)
def test_a_machine_stands_under_one_status(changes: dict[str, object], status: str) -> None:
    page = fleet.look(world_with(**changes), VI)
    assert [row.status for row in page.rows if row.agent == "second"] == [status]


def test_codes_nobody_used_are_expected_unless_the_machine_came_otherwise() -> None:
    world = this_machine()
    before, after = NOW_MS - 40 * DAY_MS, NOW_MS - DAY_MS
    world.codes = [
        Expected("00000-1", "box", before, before + DAY_MS),  # its box came by another code
        Expected("00000-1", "pc", after, after + 1),
        Expected("00000-1", "vantage", after, NOW_MS + DAY_MS),
    ]
    world.listed_centres.append(Centre("07375-1", "Phường Lạng Giang", ""))
    page = fleet.look(world, VI)
    assert {row.status: (row.centre, row.role) for row in page.rows if row.agent is None} == {
        "absent": ("07375-1", None), "overdue": ("00000-1", "pc"), "awaited": ("00000-1", "vantage"),
    }  # fmt: skip
    assert (page.arrived, page.expected, page.well) == (1, 4, False)


@pytest.mark.parametrize(
    ("older", "newer"), [("0.9.2", "0.10.0"), ("0.1.0", "0.1.0.1"), ("unpackaged", "0.1.0"), ("0." + "9" * 99, "0.1")]
)
def test_versions_are_compared_by_their_numbers(older: str, newer: str) -> None:
    assert fleet.version_key(older) < fleet.version_key(newer)


def test_the_page_names_what_is_missing_and_what_to_do(many: Served) -> None:
    agent: AgentInfo = many.world.listed_agents[0]
    many.world.listed_agents[0] = replace(agent, silent=True, last_heard_ms=None)
    many.world.refused = {"token": 17, "malformed": 3}
    many.world.touch()
    said = text_of(many.page("/fleet"))
    for fact in ("98/99 bộ đo đã đến", "Đã gia nhập, chưa nghe thấy lần nào", "Phường Bắc Giang", "xem dịch vụ motcua",
                 "Gọi bằng thẻ lạ hoặc đã thu hồi", "17", "cho gia nhập lại bằng mã mới"):  # fmt: skip
        assert fact in said
    assert "malformed" not in said
    assert "97" in text_of(many.page("/fleet?only=well", lang="en"))


def test_a_board_that_cannot_see_refusals_says_so_and_does_not_say_none(many: Served) -> None:
    assert "không thấy các lần gọi bị từ chối" in text_of(many.page("/fleet"))
    many.world.refused = {}
    many.world.touch()
    assert "Không có máy lạ nào" in text_of(many.page("/fleet"))


def test_an_empty_fleet_teaches(empty: Served) -> None:
    assert "motcua collector join-code" in text_of(empty.page("/fleet"))
