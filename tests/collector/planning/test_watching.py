"""The way and the use of lines in a plan, and why the use of one is not counted."""

from __future__ import annotations

import pytest

from collector.planning.drawing import UNDECLARED, Drawn, Line, Post, draw
from collector.planning.watching import add_watches
from wire.messages import Role, Scalar

LINE = "line:07375-1/b"


def watched(line: Line, role: Role = "box", *, leads: bool = True) -> Drawn:
    post = Post("01ARZ3NDEKTSV4RRFFQ69G5FAV", role, "07375-1", "device:01ARZ3NDEKTSV4RRFFQ69G5FAW", leads)
    drawn = draw(post, [line], [])
    add_watches(drawn, post, [line])
    return drawn


def settings(drawn: Drawn, probe: str) -> tuple[str, dict[str, Scalar]] | None:
    found = [(item.target, dict(item.settings)) for item in drawn.items if item.probe == probe]
    return found[0] if found else None


AT_LOSS: dict[str, Scalar] = {"after_lost": 3, "rest_s": 600.0}


@pytest.mark.parametrize(
    ("reach_by", "target", "leaving"),
    [
        pytest.param(UNDECLARED, "collector", {}, id="a line that nobody declared"),
        pytest.param("default", "collector", {}, id="the default route"),
        pytest.param("interface:wan1", "collector", {"interface": "wan1"}, id="an interface"),
        pytest.param("source:192.0.2.7", "collector", {"source": "192.0.2.7"}, id="a source address"),
        pytest.param("pinned:198.51.100.9", "198.51.100.9", {}, id="a pinned target"),
    ],
)
def test_the_way_goes_where_the_trains_go(reach_by: str, target: str, leaving: dict[str, Scalar]) -> None:
    drawn = watched(Line("07375-1/b", reach_by))
    [path] = [item for item in drawn.items if item.probe == "path"]
    [train] = [item for item in drawn.items if item.probe == "reach" and item.subject == LINE]
    assert (path.subject, path.target, path.period_s) == (LINE, target, 86_400.0)
    assert path.settings == AT_LOSS | leaving
    assert (train.target, {k: v for k, v in train.settings.items() if k in leaving}) == (target, leaving)


@pytest.mark.parametrize(
    ("line", "use"),
    [
        pytest.param(Line("07375-1/b", UNDECLARED), ("port", {}), id="a line that nobody declared"),
        pytest.param(Line("07375-1/b", "default"), ("port", {}), id="the default route"),
        pytest.param(Line("07375-1/b", "interface:wan1"), ("port", {"interface": "wan1"}), id="an interface"),
        pytest.param(Line("07375-1/b", "source:192.0.2.7"), ("port", {"source": "192.0.2.7"}), id="a source address"),
        pytest.param(
            Line("07375-1/b", "snmp:wan1", "192.0.2.9"), ("192.0.2.9", {"snmp": "wan1"}), id="its router alone"
        ),
        pytest.param(
            Line("07375-1/b", "pinned:198.51.100.9", "192.0.2.9", counters="snmp:3@192.0.2.254"),
            ("192.0.2.254", {"snmp": "3"}), id="a router at another address",
        ),
        pytest.param(
            Line("07375-1/b", "interface:wan1", "192.0.2.9", counters="snmp:wan1"),
            ("192.0.2.9", {"snmp": "wan1"}), id="the router rather than the port",
        ),
        pytest.param(
            Line("07375-1/b", "none", "192.0.2.9", counters="snmp:wan1"),
            ("192.0.2.9", {"snmp": "wan1"}), id="counted although nothing can be sent",
        ),
    ],
)  # fmt: skip
def test_the_use_is_counted_where_it_can_be(line: Line, use: tuple[str, dict[str, Scalar]]) -> None:
    drawn = watched(line)
    assert settings(drawn, "use") == use
    assert [item.period_s for item in drawn.items if item.probe == "use"] == [300.0]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        pytest.param(Line("07375-1/b", "pinned:198.51.100.9"), "counters = snmp:", id="pinned, and no router named"),
        pytest.param(Line("07375-1/b", "snmp:wan1"), "cpe_address is empty", id="a router without an address"),
    ],
)
def test_what_nobody_counts_is_said_with_its_remedy(line: Line, why: str) -> None:
    drawn = watched(line)
    assert settings(drawn, "use") is None
    assert any(subject == LINE and why in text for subject, text in drawn.left_out)


@pytest.mark.parametrize("line", [Line("07375-1/b", "none"), Line("07375-1/b", "default", counters="none")], ids=str)
def test_none_is_not_asked_for(line: Line) -> None:
    assert settings(watched(line), "use") is None


def test_a_line_that_cannot_be_reached_is_left_out_once_and_has_no_way() -> None:
    drawn = watched(Line("07375-1/b", "none"))
    assert [item.subject for item in drawn.items if item.subject == LINE] == []
    assert drawn.left_out == [(LINE, "the inventory says none: not measurable from here")]


@pytest.mark.parametrize(
    ("role", "leads"), [pytest.param("vantage", True, id="vantage"), pytest.param("pc", True, id="pc"),
                        pytest.param("box", False, id="second box")]
)  # fmt: skip
def test_only_the_leading_box_watches_lines(role: Role, leads: bool) -> None:
    drawn = watched(Line("07375-1/b", "default", "192.0.2.9"), role, leads=leads)
    assert {item.probe for item in drawn.items} <= {"pc", "reach"}
