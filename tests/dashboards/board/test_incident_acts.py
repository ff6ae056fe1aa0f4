"""What may be done about an incident, and by whom: an account with its mark, a signed link for its one incident."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest

from alerts.api import Said
from tests.dashboards.board.test_pages import text_of
from tests.support.alerts_double import CUT, REPAIRED, TOKEN, Desk, desk
from tests.support.board_server import Served, served
from tests.support.reader_double import MINUTE_MS, observed

PHONE = f"/t/{TOKEN}"
MARK = {"csrf": "mark-of-session-1"}


@pytest.fixture
def told() -> Iterator[Served]:
    made = desk()
    with served(made.world, desk=made) as board:
        yield board


def the(board: Served) -> Desk:
    assert board.desk is not None
    return board.desk


def post(board: Served, path: str, **form: str) -> httpx.Response:
    return board.client.post(path, data=form, headers={"origin": board.url})


def stage(board: Served, number: int) -> str:
    return the(board).incident(str(number)).stage


def last(board: Served, number: int) -> tuple[str, str, str]:
    one = the(board).story(the(board).incident(str(number)).id)[-1]
    return one.what, one.by, one.text


# --- with an account ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("act", "form", "happened"),
    [
        pytest.param("move", {"to": "acknowledged"}, ("stage", "Nguyễn Thị Hoà", ""), id="taken"),
        pytest.param("comment", {"text": " Đã gọi "}, ("comment", "Nguyễn Thị Hoà", "Đã gọi"), id="comment"),
        pytest.param("label", {"wrong": "1", "text": "mất điện"}, ("wrong", "Nguyễn Thị Hoà", "mất điện"), id="wrong"),
        pytest.param("label", {"wrong": "0"}, ("right", "Nguyễn Thị Hoà", ""), id="right"),
        pytest.param("mute", {"hours": "4"}, ("muted", "Nguyễn Thị Hoà", ""), id="muted"),
    ],
)  # fmt: skip
def test_an_act_is_an_event_of_the_incident(
    told: Served, act: str, form: dict[str, str], happened: tuple[str, str, str]
) -> None:
    told.log_in()
    answer = post(told, f"/incidents/1042/{act}", **MARK, **form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/incidents/1042#acts")
    assert last(told, 1042) == happened


def test_muting_holds_for_as_long_as_was_said_and_ends_at_once(told: Served) -> None:
    told.log_in()
    post(told, "/incidents/1042/mute", **MARK, hours="4")
    assert "im lặng đến 13:14" in text_of(told.client.get("/incidents/1042"))
    post(told, "/incidents/1042/mute", **MARK, hours="0")
    assert the(told).incident("1042").muted_until_ms is None


@pytest.mark.parametrize(
    ("act", "form", "status", "said"),
    [
        pytest.param("move", {"to": "nowhere"}, 400, "Không có giai đoạn nào như vậy", id="no such stage"),
        pytest.param("move", {"to": "notified"}, 409, "đã qua giai đoạn đó", id="backwards"),
        pytest.param("move", {"to": "closed"}, 409, "số đo cho thấy vẫn chưa hết", id="closed too early"),
        pytest.param("move", {"to": "on_site", "code": "000 000"}, 409, "không phải của nơi có sự cố", id="code"),
        pytest.param("move", {"to": "on_site", "code": "<b>"}, 400, "Mã này không đọc được", id="no code"),
        pytest.param("comment", {"text": "  "}, 400, "Chưa viết gì", id="empty"),
        pytest.param("comment", {"text": "x" * 1_001}, 400, "dài quá 1.000 chữ", id="long"),
        pytest.param("label", {"wrong": "maybe"}, 400, "thiếu hoặc sai", id="label"),
        pytest.param("mute", {"hours": "8760"}, 400, "thiếu hoặc sai", id="muted for a year"),
        pytest.param("link", {"team": "nobody"}, 400, "thiếu hoặc sai", id="no such team"),
        pytest.param("explode", {}, 404, "Không có trang này", id="no such act"),
    ],
)
def test_a_form_that_cannot_be_meant_is_refused_and_leads_back(
    told: Served, act: str, form: dict[str, str], status: int, said: str
) -> None:
    told.log_in()
    answer = post(told, f"/incidents/1042/{act}", **MARK, **form)
    assert answer.status_code == status
    assert said in answer.text
    assert 'href="/incidents/1042"' in answer.text
    assert stage(told, 1042) == "notified"


@pytest.mark.parametrize(
    "path", [f"/incidents/1042/{act}" for act in ("move", "test", "link")] + ["/alerts/retry", "/alerts/dismiss"]
)
def test_without_session_or_mark_nothing_is_done(told: Served, path: str) -> None:
    form = {"to": "acknowledged", "all": "1"}
    assert post(told, path, **MARK, **form).status_code == 403
    told.log_in()
    assert post(told, path, csrf="another", **form).status_code == 403
    foreign = told.client.post(path, data={**MARK, **form}, headers={"origin": "http://evil.example"})
    assert foreign.status_code == 403
    assert stage(told, 1042) == "notified"
    assert (the(told).retried, the(told).dismissed) == ([], [])
    assert told.world.listed_tasks == []


def test_dead_letters_are_tried_again_one_by_one_or_all(told: Served) -> None:
    told.log_in()
    first, second = (one.key for one in the(told).told(dead=True))
    assert post(told, "/alerts/retry", **MARK, key=first).status_code == 303
    assert the(told).retried == [first]
    assert post(told, "/alerts/retry", **MARK, key=first).status_code == 409
    post(told, "/alerts/retry", **MARK, all="1")
    assert the(told).retried == [first, second]
    assert "Mọi tin đều đã gửi được" in text_of(told.client.get("/alerts"))


def test_a_dead_letter_that_nobody_needs_any_more_is_taken_off_the_list(told: Served) -> None:
    told.log_in()
    first, second = (one.key for one in the(told).told(dead=True))
    assert post(told, "/alerts/dismiss", **MARK, key=first).status_code == 303
    assert post(told, "/alerts/dismiss", **MARK, key=first).status_code == 409
    post(told, "/alerts/dismiss", **MARK, all="1")
    assert (the(told).dismissed, the(told).retried) == ([first, second], [])
    assert "Mọi tin đều đã gửi được" in text_of(told.client.get("/alerts"))


def test_a_test_is_asked_for_where_the_agent_answers_and_from_the_province_where_not(told: Served) -> None:
    told.log_in()
    post(told, "/incidents/1039/test", **MARK)
    post(told, "/incidents/1043/test", **MARK)
    asked = [(task.agent[-3:], task.item) for task in told.world.listed_tasks]
    assert asked == [("013", "line-07375-1"), ("900", "far-07663-1")]
    said = text_of(told.client.get("/incidents/1043"))
    assert "Bộ đo tại chỗ không trả lời: đo từ phía tỉnh." in said
    assert "(từ phía tỉnh): đang chờ" in said
    assert post(told, "/incidents/1043/test", **MARK).status_code == 409, "it is still under way"
    told.world.move_task(1, state="done", outcome="ok", observation=next(iter(told.world.stored)))
    assert "(từ phía tỉnh): đã đo xong: đạt, xem kết quả" in text_of(told.client.get("/incidents/1043"))


def test_where_nobody_can_test_the_page_says_so(told: Served) -> None:
    told.log_in()
    told.world.items.clear()
    assert "Lúc này không đo được gì" in text_of(told.client.get("/incidents/1043"))
    assert post(told, "/incidents/1043/test", **MARK).status_code == 409


# --- closing --------------------------------------------------------------------------------------------------------


def test_what_is_repaired_is_closed_by_the_measurement_that_bears_it_out(told: Served) -> None:
    told.log_in()
    assert post(told, "/incidents/1036/move", **MARK, to="closed").status_code == 303
    assert stage(told, 1036) == "closed"
    assert "Đã đóng lúc 09:14" in text_of(told.client.get("/incidents/1036"))


def test_what_is_still_bad_is_named_and_not_closed(told: Served) -> None:
    told.log_in()
    told.world.stand(f"line:{REPAIRED}/a", "down", "no_answer", minutes=3)
    held = the(told).incident("1036")
    the(told).keep(replace(held, ended_ms=None))
    said = text_of(told.client.get("/incidents/1036"))
    assert "Chưa đóng được, vẫn còn: Internet VNPT (A) (không trả lời)." in said
    assert "Đóng sự cố" not in said, "nothing is offered that would be refused"
    assert post(told, "/incidents/1036/move", **MARK, to="closed").status_code == 409
    assert stage(told, 1036) == "repaired"


def test_what_was_not_measured_since_the_repair_proves_nothing(told: Served) -> None:
    line, told.world.stored = f"line:{REPAIRED}/a", dict(told.world.stored)
    for key in [key for key, one in told.world.stored.items() if one.observation.subject == line]:
        if told.world.stored[key].observation.outcome == "ok":
            del told.world.stored[key]
    assert "Chưa có số đo nào sau khi sửa" in text_of(told.page("/incidents/1036"))
    agent = next(one.id for one in told.world.listed_agents if one.centre == REPAIRED)
    found = observed(line, "reach", "collector", {"motcua_line_loss_ratio": 0.0})
    told.world.store(agent, found, ago_ms=MINUTE_MS)
    told.world.touch()
    assert "khớp với việc đã sửa: đóng được" in text_of(told.page("/incidents/1036"))


# --- by a signed link -----------------------------------------------------------------------------------------------


def test_a_link_is_made_for_a_team_and_opens_without_an_account(told: Served) -> None:
    told.log_in()
    answer = post(told, "/incidents/1042/link", **MARK, team="vnpt-bac")
    assert answer.headers["cache-control"] == "no-store"
    assert "<svg" in answer.text
    (url,) = set(re.findall(r"http://[^<\s]+/t/[^<\s\"]+", answer.text))
    told.client.cookies.clear()
    assert "Tổ VNPT Bắc Giang" in text_of(told.client.get(url, headers={"x-forwarded-for": "198.51.100.7"}))


def test_a_technician_goes_all_the_way_on_the_phone(told: Served) -> None:
    """Taken, on the way, on site by the code of the box's page, repaired; each with its one button next."""
    buttons = [("Nhận việc", {"to": "acknowledged"}), ("Tôi đang tới", {"to": "on_the_way"})]
    for button, form in buttons:
        assert button in text_of(told.page(PHONE))
        answer = post(told, f"{PHONE}/move", **form)
        assert (answer.status_code, answer.headers["location"]) == (303, f"{PHONE}#acts")
    assert "Mã tại chỗ (6 số)" in text_of(told.page(PHONE))
    code = told.world.codes_there[CUT[0]]
    read = told.page(f"{PHONE}/here?code={code}")
    assert f"Đã đọc mã {code}." in text_of(read)
    assert stage(told, 1042) == "on_the_way", "looking at a page does nothing"
    assert post(told, f"{PHONE}/move", to="on_site", code=f"{code[:3]} {code[3:]}").status_code == 303
    assert last(told, 1042) == ("stage", "team:vnpt-bac", "Đã khớp mã tại chỗ của Tây Yên Tử.")
    assert post(told, f"{PHONE}/test").status_code == 303
    assert post(told, f"{PHONE}/move", to="repaired", text="Nối lại cáp.").status_code == 303
    assert last(told, 1042) == ("stage", "team:vnpt-bac", "Nối lại cáp.")
    said = text_of(told.page(PHONE))
    assert "Chưa đóng được, vẫn còn: TSLCD VNPT (B) tại Tây Yên Tử (không trả lời)" in said
    assert "Nối lại cáp." in text_of(told.page(f"{PHONE}/sheet"))
    assert {task.requested_by for task in told.world.listed_tasks} == {"team:vnpt-bac"}


def test_a_sentence_with_a_full_stop_of_its_own_gets_no_second_one(told: Served) -> None:
    held = the(told).incident("1042")
    said = Said("verdict.power_confirmed", {"centre": f"centre:{CUT[0]}", "since_ms": held.since_ms})
    the(told).keep(replace(held, verdict=replace(held.verdict, said=said)))
    for path in (PHONE, f"{PHONE}/sheet", "/work", "/incidents", "/incidents/1042"):
        page = text_of(told.page(path))
        assert ("không cần cử người" in page, "cử người.." in page) == (True, False), path


def test_the_phone_s_page_leads_nowhere_else(told: Served) -> None:
    for path in (PHONE, f"{PHONE}/sheet", f"{PHONE}/here?code=X"):
        addresses = re.findall(r'(?:href|action|hx-get)="(/[^"]*)"', told.page(path).text)
        assert [one for one in addresses if not one.startswith((f"{PHONE}", "/static/"))] == [], path


@pytest.mark.parametrize("act", ["label", "mute", "link", "explode"])
def test_a_link_may_not_do_what_an_account_may(told: Served, act: str) -> None:
    answer = post(told, f"{PHONE}/{act}", wrong="1", hours="4", team="vnpt-bac")
    assert answer.status_code in {404, 405}
    assert the(told).incident("1042").wrong is None


@pytest.mark.parametrize("token", ["forged-token-of-incident", "x", "%2e%2e%2f", "a" * 2_000])
@pytest.mark.parametrize("tail", ["", "/sheet", "/here?code=1"])
def test_a_link_that_is_not_right_shows_nothing(told: Served, token: str, tail: str) -> None:
    answer = told.page(f"/t/{token}{tail}")
    assert answer.status_code in {403, 404}
    assert "Tây Yên Tử" not in answer.text
    assert post(told, f"/t/{token}/move", to="acknowledged").status_code in {403, 404}


def test_another_site_cannot_press_the_technician_s_buttons(told: Served) -> None:
    answer = told.client.post(f"{PHONE}/move", data={"to": "acknowledged"}, headers={"origin": "http://evil.example"})
    assert answer.status_code == 403
    assert stage(told, 1042) == "notified"


def test_the_board_answers_a_link_by_its_own_name_only(told: Served) -> None:
    assert told.client.get(PHONE, headers={"host": "rebound.example"}).status_code == 421


# --- evidence that a phone brings -----------------------------------------------------------------------------------


def test_a_phone_without_an_account_brings_evidence_and_sees_what_came_of_it(told: Served) -> None:
    page = told.client.get("/e")
    assert (page.status_code, "carry.js" in page.text) == (200, True)
    taken = post(told, "/e/send", blob="https://motcua.example.vn/e#good")
    assert taken.status_code == 200
    assert "Lạng Giang" in text_of(taken)
    assert "07375-1/a" in text_of(taken)


@pytest.mark.parametrize("blob", [pytest.param("forged", id="forged"), pytest.param("x" * 2_000, id="too long")])
def test_what_is_no_evidence_is_refused_with_the_remedy(told: Served, blob: str) -> None:
    refused = post(told, "/e/send", blob=blob)
    assert (refused.status_code, "quét mã lần nữa" in refused.text) == (422, True)
