"""The map: everybody in its frame, north on top, the worst over the others; and areas, the worst first."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.api import Place, State
from dashboards.board.areas import areas_of
from dashboards.board.mapping import WIDTH, draw, ground_of, hull, survey
from dashboards.board.province import Tile
from dashboards.board.words import catalogue

VI = catalogue("vi")
POINTS = st.lists(st.tuples(st.floats(-80, 80), st.floats(-170, 170)), min_size=1, max_size=30)


def tile(key: str, state: State = "ok", title: str = "Xã <b>") -> Tile:
    return Tile(key, title, title, title, f"/centres/{key}", state, "")


def placed(lat: float | None, lon: float | None, area: str = "") -> Place:
    return Place(area=area, lat=lat, lon=lon, located="area_centroid")


@given(POINTS)
def test_every_place_lies_in_the_frame_and_north_is_up(points: list[tuple[float, float]]) -> None:
    places = [placed(lat, lon) for lat, lon in points]
    ground = ground_of(places)
    assert ground is not None
    at = [ground.at(lat, lon) for lat, lon in points]
    assert all(-0.1 <= x <= WIDTH + 0.1 and -0.1 <= y <= ground.height + 0.1 for x, y in at)
    north = max(range(len(points)), key=lambda n: points[n][0])
    assert at[north][1] == min(y for _, y in at)


def test_nobody_placed_is_no_map() -> None:
    assert ground_of([placed(None, None), Place()]) is None


def test_a_degree_is_as_long_as_it_is() -> None:
    ground = ground_of([placed(21.0, 106.0), placed(21.5, 106.5)])
    assert ground is not None
    (x1, y1), (x2, y2) = ground.at(21.0, 106.25), ground.at(21.5, 106.25)
    assert ground.km * ((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5 == pytest.approx(0.5 * 111.32, rel=0.01)


def test_the_worst_lie_on_top_and_names_stay_text() -> None:
    tiles = [tile("07001-1", "down"), tile("07002-1"), tile("07003-1", "degraded"), tile("07004-1", "unknown")]
    places = {t.key: placed(21 + n / 10, 106 + n / 10, "chu") for n, t in enumerate(tiles[:3])}
    ground = ground_of(places.values())
    assert ground is not None
    drawn = draw(tiles, places, ground, VI)
    assert re.findall(r'class="pt (\w+)" id="p([\d-]+)"', drawn.html) == [
        ("ok", "07002-1"), ("degraded", "07003-1"), ("down", "07001-1"),
    ]  # fmt: skip
    assert "<b>" not in drawn.html
    seen = survey(tiles, places, areas_of(((places[t.key].area, t.title, t.state) for t in tiles[:3]), VI), ground)
    assert (seen.placeless, seen.estimated, [name for name, _ in seen.hulls]) == (1, 3, ["Chu"])
    assert seen.bar == pytest.approx(seen.bar_km / ground.km, abs=0.1)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=40))
def test_a_hull_holds_every_point(points: list[tuple[int, int]]) -> None:
    corners = hull([(float(x), float(y)) for x, y in points])
    assert set(corners) <= {(float(x), float(y)) for x, y in points}
    if len(corners) < 3:
        return
    for x, y in points:
        for (ax, ay), (bx, by) in zip(corners, [*corners[1:], corners[0]], strict=True):
            assert (bx - ax) * (y - ay) - (by - ay) * (x - ax) >= 0


def test_areas_come_worst_first_under_the_name_of_their_seat() -> None:
    centres: list[tuple[str, str, State]] = [
        ("yen-the", "Xã Yên Thế", "ok"), ("chu", "Phường Chũ", "degraded"), ("chu", "Xã Lục Ngạn", "ok"),
        ("bac-giang", "Phường Bắc Giang", "ok"), ("xa-xoi", "Xã Đèo Gia", "down"), ("", "Xã Lạ", "ok"),
    ]  # fmt: skip
    found = areas_of(centres, VI)
    assert [area.name for area in found] == ["Xa Xoi", "Chũ", "Bắc Giang", "Chưa rõ khu vực", "Yên Thế"]
    assert (found[1].total, found[1].bad) == (2, [("degraded", 1)])
    assert areas_of([("", "Xã Lạ", "down")], VI) == []
