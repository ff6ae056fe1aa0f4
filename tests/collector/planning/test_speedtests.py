"""Speed tests in plans: every line that can be sent by, a spare one seldom, none without a measurement server."""

from __future__ import annotations

import pytest

from collector.planning.drawing import UNDECLARED, Drawn, Line, Post
from collector.planning.speedtests import Rhythm, add_tests
from wire.messages import Role

RHYTHM = Rhythm(86_400.0, 604_800.0, 30.0, 2.5, 5e7)
COST = {"enough_s": 2.5, "enough_bytes": 5e7}
DAILY, WEEKLY = 86_400.0, 604_800.0


def drawn(*lines: Line, role: Role = "box", leads: bool = True, rhythm: Rhythm | None = RHYTHM) -> Drawn:
    found = Drawn()
    post = Post("01ARZ3NDEKTSV4RRFFQ69G5FAV", role, "07375-1", "device:01ARZ3NDEKTSV4RRFFQ69G5FAW", leads)
    add_tests(found, post, lines, rhythm)
    return found


INTERNET = Line("07375-1/a", "default", kind="internet")
OFFICE = Line("07375-1/b", "interface:tslcd0", kind="tslcd")
MOBILE = Line("07375-1/c", "interface:wwan0", kind="mobile")


@pytest.mark.parametrize(
    ("lines", "periods"),
    [
        pytest.param([INTERNET], {"a": DAILY}, id="the only line"),
        pytest.param([Line("07375-1/a", UNDECLARED)], {"a": DAILY}, id="a line nobody declared"),
        pytest.param([INTERNET, OFFICE], {"a": DAILY, "b": DAILY}, id="the office network is no spare"),
        pytest.param([INTERNET, OFFICE, MOBILE], {"a": DAILY, "b": DAILY, "c": WEEKLY}, id="mobile beside internet"),
        pytest.param([MOBILE], {"c": DAILY}, id="mobile alone"),
        pytest.param(
            [Line("07375-1/a", "interface:eth1", kind="internet"), Line("07375-1/b", "default", kind="internet")],
            {"a": WEEKLY, "b": DAILY}, id="of two internet lines the default one carries",
        ),
        pytest.param([Line("07375-1/a", "none", kind="internet"), OFFICE], {"b": DAILY}, id="one without a way to it"),
        pytest.param([INTERNET, Line("07375-1/d", "default", kind="internet")], {"a": DAILY}, id="two default ones"),
    ],
)  # fmt: skip
def test_how_often_a_line_is_tested(lines: list[Line], periods: dict[str, float]) -> None:
    found = drawn(*lines)
    assert {item.subject[-1]: item.period_s for item in found.items} == periods
    assert {(item.probe, item.target, item.deadline_s) for item in found.items} == {("bandwidth", "province", 75.0)}


def test_a_test_is_told_how_to_leave_by_its_line() -> None:
    settings = [dict(item.settings) for item in drawn(INTERNET, OFFICE, Line("07375-1/d", "source:192.0.2.7")).items]
    assert settings == [
        {"engine": "province", **COST},
        {"engine": "province", **COST, "interface": "tslcd0"},
        {"engine": "province", **COST, "source": "192.0.2.7"},
    ]


@pytest.mark.parametrize(
    ("role", "leads", "rhythm"),
    [
        pytest.param("box", True, None, id="no measurement server"),
        pytest.param("box", False, RHYTHM, id="a second box"),
        pytest.param("pc", True, RHYTHM, id="a PC"),
        pytest.param("vantage", True, RHYTHM, id="a vantage"),
    ],
)
def test_who_tests_no_lines(role: Role, leads: bool, rhythm: Rhythm | None) -> None:
    assert drawn(INTERNET, role=role, leads=leads, rhythm=rhythm).items == []
