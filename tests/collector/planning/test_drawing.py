"""The plan of one agent: by its role, by the lines of its centre, and what is left out with its reason."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.probes import reach as agents_reach
from agent.work import plan as agents_plan
from collector.planning.drawing import LINES_A_MINUTE, MAX_ITEMS, UNDECLARED, Drawn, Line, Post, Turn, bind, draw
from collector.planning.watching import add_watches
from wire.identity import parse_subject
from wire.messages import MAX_PLAN_BYTES, PlanItem, Role, Scalar

DEVICE = "device:01ARZ3NDEKTSV4RRFFQ69G5FAW"
TRAIN: dict[str, Scalar] = {"packets": 5, "interval_s": 0.2, "timeout_s": 2.0}
PORTAL = Turn("portal", "https://portal.example.vn/", 120.0, private=True)


def post(role: Role = "box", *, centre: str = "07375-1", leads: bool = True) -> Post:
    return Post("01ARZ3NDEKTSV4RRFFQ69G5FAV", role, centre, DEVICE, leads)


def told(drawn: Drawn) -> list[tuple[str, str, str, float]]:
    return [(item.subject, item.probe, item.target, item.period_s) for item in drawn.items]


def plan_items(drawn: Drawn) -> list[PlanItem]:
    return [
        PlanItem(f"{n:026d}", w.subject, w.probe, w.target, w.period_s, w.deadline_s, dict(w.settings))
        for n, w in enumerate(drawn.items)
    ]


def test_a_centre_without_declared_lines_has_one_line() -> None:
    drawn = draw(post(), [Line("07375-1/a", UNDECLARED)], [])
    assert told(drawn) == [
        (DEVICE, "pc", "self", 60.0), ("lan:07375-1", "reach", "gateway", 10.0),
        ("line:07375-1/a", "reach", "collector", 10.0), ("lan:07375-1", "wifi", "default", 300.0),
    ]  # fmt: skip
    assert [item.settings for item in drawn.items[1:3]] == [TRAIN, TRAIN]


@pytest.mark.parametrize(
    ("reach_by", "settings"),
    [
        pytest.param("default", {}, id="the default route"),
        pytest.param("interface:tslcd0", {"interface": "tslcd0"}, id="an interface"),
        pytest.param("source:192.0.2.7", {"source": "192.0.2.7"}, id="a source address"),
        pytest.param("source:2001:db8::7", {"source": "2001:db8::7"}, id="a source address of IPv6"),
    ],
)
def test_a_train_is_told_how_to_leave_by_its_line(reach_by: str, settings: dict[str, Scalar]) -> None:
    drawn = draw(post(), [Line("07375-1/b", reach_by)], [])
    train = next(item for item in drawn.items if item.subject == "line:07375-1/b" and item.probe == "reach")
    assert (train.target, train.period_s, train.settings) == ("collector", 10.0, TRAIN | settings)
    assert drawn.left_out == []


@pytest.mark.parametrize(
    ("reach_by", "why"),
    [
        pytest.param("none", "not measurable from here", id="none"),
        pytest.param("", "reach_by is empty", id="nothing said"),
        pytest.param("gateway:192.0.2.1", "write source:", id="a gateway, with the way round"),
        pytest.param("snmp:wan1", "only its router's counters", id="its router's counters"),
    ],
)
def test_a_line_that_cannot_be_measured_says_why(reach_by: str, why: str) -> None:
    drawn = draw(post(), [Line("07375-1/b", reach_by)], [])
    assert [item.subject for item in drawn.items] == [DEVICE, "lan:07375-1", "lan:07375-1"]
    [(subject, text)] = drawn.left_out
    assert subject == "line:07375-1/b"
    assert why in text


def test_a_pinned_line_is_told_by_whom_its_trains_ask() -> None:
    lines = [Line("07375-1/a", "pinned:198.51.100.9"), Line("07375-1/b", "pinned:198.51.100.10")]
    trains = [item for item in draw(post(), lines, []).items if item.subject.startswith("line:")]
    assert [(t.target, t.settings, t.period_s) for t in trains] == [
        ("198.51.100.9", TRAIN, 10.0), ("198.51.100.10", TRAIN, 10.0),
    ]  # fmt: skip
    assert bind("pinned:198.51.100.9")[0] is None, "what goes anywhere else does not go by that line"


def test_only_one_line_is_the_default_one_and_its_resolver_is_asked() -> None:
    lines = [Line("07375-1/a", "default"), Line("07375-1/b", "interface:eth1"), Line("07375-1/c", "default")]
    drawn = draw(post(), lines, [], name="portal.example.vn")
    assert drawn.left_out == [("line:07375-1/c", "line:07375-1/a is the default line already")]
    [resolver] = [item for item in drawn.items if item.probe == "dns"]
    assert (resolver.subject, resolver.target, resolver.period_s) == ("line:07375-1/a", "resolver", 60.0)
    assert resolver.settings == {"name": "portal.example.vn"}


def test_without_a_name_the_agent_takes_the_collectors() -> None:
    [resolver] = [i for i in draw(post(), [Line("07375-1/a", "default")], []).items if i.probe == "dns"]
    assert resolver.settings == {}


def test_a_service_is_asked_over_both_versions_of_ip_within_its_deadline() -> None:
    national = Turn("dvcqg", "https://dvc.example.vn/", 300.0, private=False, why="stretched")
    found = draw(post(), [], [PORTAL, national]).items[-2:]
    assert [(w.subject, w.target, w.period_s, w.why) for w in found] == [
        ("service:portal@07375-1", PORTAL.target, 120.0, ""),
        ("service:dvcqg@07375-1", national.target, 300.0, "stretched"),
    ]
    assert [w.settings.get("allow_private") for w in found] == [True, None]
    assert all(w.settings["dual"] and w.settings["redirects"] == 3 for w in found)
    assert all(w.deadline_s < w.period_s for w in found)
    assert draw(post(), [], [Turn("x", "tcp://x.example.vn:1", 30.0, private=False)]).items[-1].deadline_s == 24.0


@pytest.mark.parametrize("role", [pytest.param("pc", id="pc"), pytest.param("box", id="second box")])
def test_who_does_not_lead_measures_itself_only(role: Role) -> None:
    drawn = draw(post(role, leads=role == "pc"), [Line("07375-1/a", "default")], [PORTAL])
    assert told(drawn) == [(DEVICE, "pc", "self", 60.0)]


def test_a_vantage_looks_at_services_and_at_the_far_end_of_every_line() -> None:
    lines = [Line("07375-1/a", "default", "192.0.2.9"), Line("07330-1/a", "default")]
    drawn = draw(post("vantage", centre="00000-2"), lines, [PORTAL])
    assert told(drawn) == [
        (DEVICE, "pc", "self", 60.0), ("service:portal@00000-2", "service", PORTAL.target, 120.0),
        ("line:07375-1/a", "reach", "192.0.2.9", 60.0),
    ]  # fmt: skip
    assert drawn.left_out == [("line:07330-1/a", "cpe_address is empty")]
    settings = msgspec.convert(drawn.items[-1].settings, agents_reach.Settings)
    assert 0 < settings.confirm_s < 60, "what changed is asked again before its turn"


def test_a_vantage_of_a_country_holds_what_an_agent_takes_and_says_what_it_leaves_out() -> None:
    lines = [Line(f"{n:05d}-1/a", "default", f"192.0.2.{n % 254}") for n in range(1, 10_001)]
    drawn = draw(post("vantage", centre="00000-2"), lines, [PORTAL])
    items = plan_items(drawn)
    assert len(items) == MAX_ITEMS == agents_plan.MAX_ITEMS
    assert len(msgspec.json.encode(items)) < MAX_PLAN_BYTES / 2
    assert len(drawn.left_out) == 10_000 - (MAX_ITEMS - 2)
    trains = [item for item in items if item.probe == "reach"]
    assert sum(60 / item.period_s for item in trains) <= LINES_A_MINUTE
    assert {item.period_s for item in trains} == {240.0}


keys = st.builds("{:05d}-1/{}".format, st.integers(1, 99_999), st.sampled_from("abc"))
ways = st.sampled_from([
    "", "none", "default", "gateway:192.0.2.1", "source:192.0.2.7", "interface:eth1", "pinned:198.51.100.9", "snmp:w",
])  # fmt: skip
counting = st.sampled_from(["", "none", "snmp:wan1", "snmp:3@192.0.2.254"])
lines_of = st.lists(
    st.builds(Line, keys, ways, st.sampled_from(["", "192.0.2.9"]), counters=counting), unique_by=lambda line: line.key
)


def whole(agent: Post, lines: list[Line]) -> Drawn:
    drawn = draw(agent, lines, [PORTAL])
    add_watches(drawn, agent, lines)
    return drawn


@given(lines=lines_of, role=st.sampled_from(["box", "pc", "vantage"]), leads=st.booleans())
def test_any_plan_is_one_that_travels_and_no_measurement_is_in_it_twice(
    lines: list[Line], role: Role, leads: bool
) -> None:
    drawn = whole(post(role, leads=leads), lines)
    items = plan_items(drawn)
    assert msgspec.json.decode(msgspec.json.encode(items), type=list[PlanItem]) == items
    assert len({(item.subject, item.probe, item.target) for item in items}) == len(items)
    assert all(parse_subject(item.subject) for item in items)
    assert drawn == whole(post(role, leads=leads), lines)
