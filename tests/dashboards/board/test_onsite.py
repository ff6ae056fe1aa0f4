"""The code of a place: how often it may be guessed, and where the QR code of a centre's own page leads."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest

from collector.api import Actor
from dashboards.board.faults import Refused
from dashboards.board.incidents.tries import KEPT, PER_ADDRESS, PER_INCIDENT, WINDOW_MS, Tries
from tests.dashboards.board.test_incident_acts import MARK, PHONE, post, stage, the
from tests.dashboards.board.test_pages import text_of
from tests.support.alerts_double import CUT, SLOW_LINE, TOKEN, desk
from tests.support.board_server import Served, served
from tests.support.reader_double import MINUTE_MS

NOON_MS = 1_763_700_000_000
CODE = "481516"  # of Tây Yên Tử


@pytest.fixture
def told() -> Iterator[Served]:
    made = desk()
    with served(made.world, desk=made) as board:
        post(board, f"{PHONE}/move", to="acknowledged")
        yield board


class Watch:
    def __init__(self) -> None:
        self.ms = NOON_MS

    def __call__(self) -> int:
        return self.ms


# --- how often ------------------------------------------------------------------------------------------------------


def spend(tries: Tries, incident: str, address: str, count: int) -> None:
    for _ in range(count):
        tries.take(incident, address)


def test_after_a_handful_of_wrong_codes_an_incident_has_to_wait_and_others_have_not() -> None:
    watch = Watch()
    tries = Tries(watch)
    spend(tries, "a", "192.0.2.1", PER_INCIDENT)
    with pytest.raises(Refused) as refused:
        tries.take("a", "192.0.2.2")
    assert (refused.value.status, refused.value.code) == (429, "incident_tries")
    tries.take("b", "192.0.2.1")
    watch.ms += refused.value.wait_ms
    tries.take("a", "192.0.2.2")


def test_an_address_has_to_wait_whatever_incident_it_tries() -> None:
    tries = Tries(Watch())
    for n in range(PER_ADDRESS):
        tries.take(f"incident {n}", "192.0.2.1")
    with pytest.raises(Refused):
        tries.take("another", "192.0.2.1")
    tries.take("another", "192.0.2.2")


def test_whoever_waits_until_the_minute_that_is_told_may_try_again_and_the_window_moves() -> None:
    watch = Watch()
    tries = Tries(watch)
    for _ in range(PER_INCIDENT):
        tries.take("a", "x")
        watch.ms += MINUTE_MS
    with pytest.raises(Refused) as refused:
        tries.take("a", "x")
    until_ms = watch.ms + refused.value.wait_ms
    assert until_ms % MINUTE_MS == 0
    assert until_ms >= NOON_MS + WINDOW_MS
    assert refused.value.told["until"] == "11:55"
    watch.ms = until_ms
    tries.take("a", "x")
    with pytest.raises(Refused):
        tries.take("a", "x")


def test_a_right_code_ends_the_count_of_its_incident() -> None:
    tries = Tries(Watch())
    for _ in range(3):
        spend(tries, "a", "x", PER_INCIDENT)
        tries.right("a", "x")
    tries.take("a", "x")


def test_a_clock_that_is_set_back_locks_nobody_out_for_longer() -> None:
    watch = Watch()
    tries = Tries(watch)
    spend(tries, "a", "x", PER_INCIDENT)
    watch.ms -= 24 * 60 * MINUTE_MS
    with pytest.raises(Refused) as refused:
        tries.take("a", "x")
    assert refused.value.wait_ms <= WINDOW_MS + MINUTE_MS


def test_what_is_remembered_is_bounded() -> None:
    tries = Tries(Watch())
    for n in range(KEPT):
        tries.take(f"incident {n}", f"address {n}")
    assert len(tries._of) == KEPT


def test_guesses_on_a_phone_end_at_a_page_that_says_until_when(told: Served) -> None:
    wrong = [post(told, f"{PHONE}/move", to="on_site", code=f"00000{n}") for n in range(PER_INCIDENT)]
    assert {answer.status_code for answer in wrong} == {409}
    last = post(told, f"{PHONE}/move", to="on_site", code=CODE)
    assert last.status_code == 429
    assert int(last.headers["retry-after"]) > 0
    said = text_of(last)
    assert "Thử quá nhiều lần" in said
    assert "Chờ đến 09:30 rồi nhập lại, hoặc để trống mã" in said
    assert f'href="/t/{TOKEN}"' in last.text
    assert stage(told, 1042) == "acknowledged"
    told.world.now += WINDOW_MS + MINUTE_MS
    assert post(told, f"{PHONE}/move", to="on_site", code=CODE).status_code == 303
    assert stage(told, 1042) == "on_site"


def test_guesses_by_link_and_by_account_are_counted_together_and_without_a_code_one_goes_on(told: Served) -> None:
    told.log_in()
    for n in range(PER_INCIDENT):
        path = PHONE if n % 2 else "/incidents/1042"
        assert post(told, f"{path}/move", **MARK, to="on_site", code=f"00000{n}").status_code == 409
    assert post(told, "/incidents/1042/move", **MARK, to="on_site", code=CODE).status_code == 429
    assert post(told, f"{PHONE}/move", to="on_site").status_code == 303


# --- where the QR code leads ----------------------------------------------------------------------------------------


def here(centre: str = CUT[0], code: str = CODE) -> str:
    return f"/here?at={quote(centre)}&code={quote(code)}"


def test_a_phone_that_opened_its_link_is_led_there_with_the_code_filled_in(told: Served) -> None:
    assert told.client.get(PHONE).status_code == 200
    answer = told.client.get(here())
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PHONE}/here?code={CODE}#acts")
    shown = told.client.get(answer.headers["location"])
    assert f"Đã đọc mã {CODE}." in text_of(shown)
    assert f'name="code" value="{CODE}"' in shown.text


def test_of_several_links_the_one_for_this_place_is_meant(told: Served) -> None:
    told.log_in()
    for number in (1042, 1039):
        told.client.get(f"/t/{the(told).link(Actor('Hoà', 'session'), str(number), team='x')}")
    answer = told.client.get(here())
    assert answer.headers["location"] == f"/t/guest-token-of-incident-1042/here?code={CODE}#acts"


def test_a_code_that_was_read_waits_until_it_is_asked_for(told: Served) -> None:
    answer = post(told, f"{PHONE}/move", to="on_the_way", code=CODE)
    assert answer.headers["location"] == f"{PHONE}/here?code={CODE}#acts"
    assert post(told, f"{PHONE}/move", to="on_site", code=CODE).headers["location"] == f"{PHONE}#acts"


def test_an_account_is_led_to_the_incident_of_the_place(told: Served) -> None:
    told.log_in()
    answer = told.client.get(here())
    assert answer.headers["location"] == f"/incidents/1042?code={CODE}#acts"
    assert f"Đã đọc mã {CODE}." in text_of(told.client.get(answer.headers["location"]))


def test_where_nothing_is_open_the_code_is_shown_with_what_to_do(told: Served) -> None:
    stranger = text_of(told.page(here()))
    assert f"Mã tại chỗ {CODE}" in stranger
    assert "Mở đường dẫn đã nhận" in stranger
    told.log_in()
    assert "không có sự cố nào cần người tới" in text_of(told.client.get(here("07100-9")))


def test_a_link_to_another_place_is_not_meant(told: Served) -> None:
    told.client.get(PHONE)
    assert told.client.get(here(SLOW_LINE)).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/here", id="nothing"),
        pytest.param(here(code="<b>"), id="no code"),
        pytest.param(here(centre="../../t"), id="no centre"),
        pytest.param(here(code="1" * 41), id="long"),
    ],
)
def test_what_is_no_code_is_refused(told: Served, path: str) -> None:
    assert told.page(path).status_code == 400


def test_forged_links_in_a_cookie_lead_nowhere(told: Served) -> None:
    answer = told.page(here(), cookie="motcua_links=forged:../../evil:%3a:x")
    assert answer.status_code == 200


# --- the team of one's work -----------------------------------------------------------------------------------------


def test_the_team_that_was_chosen_is_remembered_and_may_be_changed(told: Served) -> None:
    assert "Mọi tổ: 6 nơi phải đi" in text_of(told.client.get("/work"))
    assert "Tổ VNPT Bắc Giang: 4 nơi phải đi" in text_of(told.client.get("/work?team=vnpt-bac"))
    again = told.client.get("/work")
    assert "Tổ VNPT Bắc Giang: 4 nơi phải đi" in text_of(again)
    assert 'href="/work?team=all"' in again.text
    told.client.get("/work?team=all")
    assert "Mọi tổ: 6 nơi phải đi" in text_of(told.client.get("/work"))


def test_a_page_that_only_looks_again_chooses_no_team(told: Served) -> None:
    told.client.get("/work?team=viettel-tinh")
    told.client.get("/work?team=vnpt-bac&part=live")
    assert "Tổ Viettel tỉnh: không phải đi đâu" in text_of(told.client.get("/work"))


def test_a_team_that_is_gone_is_forgotten(told: Served) -> None:
    for held in ("gone", '"><b>'):
        assert "Mọi tổ: 6 nơi phải đi" in text_of(told.page("/work", cookie=f"motcua_team={held}"))
