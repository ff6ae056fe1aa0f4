"""Who sees a shared system how, and whose fault that makes it: one sentence a case."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from collector.api import Standing, State, SystemView
from dashboards.board.system_words import sentence, systems_title
from dashboards.board.words import Lang, catalogue


def held(state: State) -> Standing:
    return Standing("service:x", state, "slow", 0, None, {}, ())


def view(
    shared: State | None, counts: Mapping[State, int], rooms: tuple[State, ...] = (), name: str = "x"
) -> SystemView:
    seen = {f"00000-{n}": held(state) for n, state in enumerate(rooms, start=1)}
    return SystemView(name, None if shared is None else held(shared), counts, seen)


@pytest.mark.parametrize(
    ("seen", "vi", "en"),
    [
        pytest.param(view("degraded", {"degraded": 80, "down": 7, "ok": 12}, ("degraded",)),
                     "chậm ở 87/99 trung tâm, từ tỉnh cũng vậy: lỗi phía họ",
                     "slow for 87 of 99 centres, and from the province too: theirs", id="theirs"),
        pytest.param(view("down", {"down": 60, "ok": 39}, ("ok",)),
                     "không vào được ở 60/99 trung tâm, từ tỉnh vẫn tốt: xem đường ra của các trung tâm",
                     "cannot be reached by 60 of 99 centres, but not from the province: look at the way there",
                     id="on the way"),
        pytest.param(view("degraded", {"degraded": 50, "ok": 49}, ("unknown",)),
                     "chậm ở 50/99 trung tâm, chưa có điểm đo phía tỉnh để so",
                     "slow for 50 of 99 centres, nothing measures from the province to compare", id="nobody to ask"),
        pytest.param(view("ok", {"ok": 98, "down": 1}, ("ok",)), "bình thường, 1/99 trung tâm thấy khác",
                     "fine, 1 of 99 centres sees otherwise", id="one centre only"),
        pytest.param(view("ok", {"ok": 96, "unknown": 3}), "bình thường ở cả 99 trung tâm", "fine for all 99 centres",
                     id="well"),
        pytest.param(view("down", {}, ("down",)), "không vào được, từ tỉnh cũng vậy: lỗi phía họ",
                     "cannot be reached, and from the province too: theirs", id="from the province only"),
        pytest.param(view(None, {}), "chưa đo được", "not measured yet", id="nobody measures"),
        pytest.param(view("unknown", {"unknown": 1}), "chưa kết luận, 1 trung tâm chưa đo được",
                     "not concluded, 1 centre does not measure it yet", id="one that is silent"),
    ],
)  # fmt: skip
def test_a_system_in_one_sentence(seen: SystemView, vi: str, en: str) -> None:
    assert (sentence(seen, catalogue("vi")), sentence(seen, catalogue("en"))) == (vi, en)


WELL, SLOW = view("ok", {"ok": 99}, name="a"), view("degraded", {"degraded": 87, "ok": 12}, ("degraded",), name="b")


@pytest.mark.parametrize(
    ("views", "lang", "said"),
    [
        pytest.param([], "vi", "Chưa theo dõi hệ thống dùng chung nào", id="none"),
        pytest.param([WELL], "en", "The one shared system is fine", id="one"),
        pytest.param([WELL, WELL], "vi", "Cả 2 hệ thống dùng chung bình thường", id="all well"),
        pytest.param([SLOW, *[WELL] * 11], "en",
                     "11 systems well, Portal slow for 87 of 99 centres, and from the province too: theirs",
                     id="one ill"),
        pytest.param([SLOW, SLOW, view("down", {}), WELL, view(None, {})], "vi",
                     "1 hệ thống bình thường, 2 chậm, 1 không vào được, 1 chưa đo được", id="several"),
    ],
)  # fmt: skip
def test_all_systems_in_one_sentence(views: list[SystemView], lang: Lang, said: str) -> None:
    assert systems_title(views, {"b": "Portal"}, catalogue(lang)) == said
