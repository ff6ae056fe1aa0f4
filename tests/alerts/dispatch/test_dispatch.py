"""Whom to call, by owner, carrier, area, rota and load; how many wait, and until when it is to be repaired."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.api import Incident, Owner
from alerts.dispatch import Audience, Town, audiences, hands, target, waiting
from collector.api import Duty, LineInfo, Place, Team
from tests.support.telling import NOW_MS, incident, verdict

HOUR_MS = 3_600_000
NORTH = Team("vnpt-bac", "Bắc", "North", "vnpt", ("bac-giang", "chu"), ("line",), "+84 000 001 001", "n@example.com")
SOUTH = Team("vnpt-nam", "Nam", "South", "vnpt", ("tu-son",), ("line",))
EVERYWHERE = Team("viettel-tinh", "Viettel", "Viettel", "viettel", (), ("line",))
DESK = Team("tinh", "Tỉnh", "Province", "tinh", (), ("power", "lan", "device", "province", "service", "signing"))
DESK_2 = replace(DESK, key="tinh-2")


def line(key: str, carrier: str) -> LineInfo:
    return LineInfo(f"line:{key}", "internet", carrier, f"VD-{key}", None, "", "", "default")


def on(person: str, from_h: float, to_h: float, team: str = "vnpt-bac", phone: str = "+84 000 001 100") -> Duty:
    return Duty(team, person, phone, NOW_MS + round(from_h * HOUR_MS), NOW_MS + round(to_h * HOUR_MS))


TOWN = Town(
    places={
        "07210-1": Place(area="bac-giang", dossiers_per_hour=94.0),
        "07375-1": Place(area="chu", dossiers_per_hour=6.0),
        "09247-1": Place(area="tu-son"),
    },
    lines={
        "07210-1": [line("07210-1/a", "vnpt"), line("07210-1/b", "viettel")],
        "07375-1": [line("07375-1/a", "vnpt")],
        "09247-1": [line("09247-1/a", "vnpt")],
    },
    teams=[NORTH, SOUTH, EVERYWHERE, DESK, DESK_2],
    opens=lambda _centre, from_ms, to_ms: [(from_ms, to_ms)],
)


def of(
    owner: Owner = "line", cause: str = "", *, subjects: tuple[str, ...] = ("line:07210-1/a",),
    centres: tuple[str, ...] = ("07210-1",), visit: bool = True, affected: tuple[str, ...] = (),
) -> Incident:  # fmt: skip
    said = verdict(cause or subjects[0], owner=owner, subjects=subjects, centres=centres, visit=visit)
    return incident(replace(said, affected=affected))


@pytest.mark.parametrize(
    ("case", "told"),
    [
        pytest.param(of(), ["team:vnpt-bac"], id="a line: its carrier's team of the area"),
        pytest.param(of(subjects=("line:07210-1/b",)), ["team:viettel-tinh"], id="another carrier at the same centre"),
        pytest.param(
            of(subjects=("line:09247-1/a",), centres=("09247-1",)), ["team:vnpt-nam"], id="another area"
        ),
        pytest.param(
            of("carrier", "carrier:vnpt/north", subjects=("carrier:vnpt",), centres=("07210-1", "07375-1")),
            ["team:vnpt-bac"], id="a carrier in one district: one call",
        ),
        pytest.param(
            of("carrier", "carrier:vnpt/all", subjects=(), centres=("07210-1", "07375-1", "09247-1")),
            ["team:vnpt-bac", "team:vnpt-nam"], id="a carrier everywhere: each team once, the most concerned first",
        ),
        pytest.param(of("power", "power:07210-1"), ["team:tinh"], id="power"),
        pytest.param(of("device", "device:x", subjects=("device:x",)), ["team:tinh"], id="a device"),
        pytest.param(of("agent", "agent:x", subjects=("agent:x",)), ["team:tinh"], id="an agent is a device"),
        pytest.param(of("certificate", "certificate:x"), ["officer"], id="nobody's: the officer"),
        pytest.param(of("unknown", "unknown:07210-1"), ["officer"], id="unknown: the officer"),
        pytest.param(of(visit=False), ["officer"], id="nobody has to travel: no technician"),
        pytest.param(
            of("service", "service:dvcqg", subjects=("service:dvcqg",), centres=(), visit=False,
               affected=("07375-1", "07210-1", "07375-1")),
            ["officer", "centre:07210-1", "centre:07375-1"], id="a shared system: one note at every centre",
        ),
        pytest.param(of("planned", "planned:1"), [], id="planned: nobody"),
    ],
)  # fmt: skip
def test_an_incident_is_told_to_whom_it_concerns(case: Incident, told: list[str]) -> None:
    assert [one.key for one in audiences(case, TOWN, NOW_MS)] == told


def test_whoever_is_on_duty_is_called_with_their_own_number() -> None:
    town = replace(TOWN, rota={"vnpt-bac": [on("An", -5, 5), on("Bình", -1, 3, phone="")]})
    assert audiences(of(), town, NOW_MS) == [Audience("team:vnpt-bac", "An", "+84 000 001 100", "n@example.com")]
    (later,) = audiences(of(), replace(town, rota={"vnpt-bac": [on("Bình", -1, 3, phone="")]}), NOW_MS)
    assert (later.person, later.phone) == ("Bình", "+84 000 001 001")


@pytest.mark.parametrize(
    ("town", "team"),
    [
        pytest.param(TOWN, "team:tinh", id="alike: the first by name"),
        pytest.param(replace(TOWN, load={"tinh": 2, "tinh-2": 1}), "team:tinh-2", id="the less busy one"),
        pytest.param(
            replace(TOWN, load={"tinh": 2, "tinh-2": 1}, rota={"tinh-2": [on("An", 1, 2, "tinh-2")]}),
            "team:tinh", id="the busy one that is there before the other that is not",
        ),
        pytest.param(
            replace(TOWN, rota={"tinh": [], "tinh-2": []}), "team:tinh", id="nobody is there: still somebody"
        ),
    ],
)  # fmt: skip
def test_of_several_teams_one_is_called(town: Town, team: str) -> None:
    assert [one.key for one in audiences(of("lan", "lan:07210-1"), town, NOW_MS)] == [team]


def test_a_team_keeps_what_it_has_whatever_it_is_busy_with() -> None:
    town = replace(TOWN, load={"tinh": 9})
    mine = replace(of("lan", "lan:07210-1"), team="tinh")
    assert [one.key for one in audiences(mine, town, NOW_MS)] == ["team:tinh"]
    theirs = replace(mine, verdict=replace(mine.verdict, owner="line"))
    assert [one.key for one in audiences(theirs, town, NOW_MS)] == ["team:vnpt-bac"]


def test_a_revision_calls_the_new_hands_and_tells_the_old_ones() -> None:
    north, desk = Audience("team:vnpt-bac", "An"), Audience("team:tinh")
    changed = hands([north], [desk, replace(north, person="Bình")])
    assert (changed.fresh, changed.gone) == ([desk], [])
    changed = hands([north], [desk])
    assert (changed.fresh, changed.gone) == ([desk], [north])


# --- waiting --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("centres", "town", "dossiers"),
    [
        pytest.param(["07210-1"], TOWN, 188.0, id="two open hours"),
        pytest.param(["07210-1", "07375-1"], TOWN, 200.0, id="of two centres together"),
        pytest.param(["09247-1"], TOWN, None, id="nobody told how many come"),
        pytest.param(["07210-1", "09247-1", "00000-9"], TOWN, 188.0, id="what nobody told is left out"),
        pytest.param([], TOWN, None, id="no centre"),
        pytest.param(["07210-1"], replace(TOWN, opens=lambda *_: []), 0.0, id="closed: nobody waits"),
        pytest.param(["07210-1"], replace(TOWN, opens=lambda *_: None), None, id="nobody told the hours"),
    ],
)
def test_who_waits_is_counted_by_open_hours(centres: list[str], town: Town, dossiers: float | None) -> None:
    assert waiting(centres, town, NOW_MS - 2 * HOUR_MS, NOW_MS) == dossiers


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(1, 200)), max_size=8), st.integers(1, 3_000))
def test_the_target_is_where_so_much_working_time_is_over(raw: list[tuple[int, int]], repair_s: int) -> None:
    spans, at = list[tuple[int, int]](), NOW_MS
    for gap, length in raw:
        spans.append((at + gap * 1_000, at + (gap + length) * 1_000))
        at = spans[-1][1]
    opens = [(a, b) for a, b in spans if a < b]
    due = target(["x"], Town(opens=lambda *_: opens), NOW_MS, float(repair_s))
    total = sum(b - a for a, b in opens)
    if due is None:
        assert total < repair_s * 1000
    else:
        assert sum(min(b, due) - a for a, b in opens if a < due) == repair_s * 1000


def test_the_target_of_several_centres_counts_the_time_when_any_of_them_is_open() -> None:
    spans = {"a": [(NOW_MS, NOW_MS + HOUR_MS)], "b": [(NOW_MS + HOUR_MS // 2, NOW_MS + 2 * HOUR_MS)]}
    town = Town(opens=lambda centre, _from, _to: spans.get(centre))
    assert target(["a", "b", "c"], town, NOW_MS, 5_400.0) == NOW_MS + 3 * HOUR_MS // 2
    assert target(["c"], town, NOW_MS, 1.0) is None
