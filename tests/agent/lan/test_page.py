"""The LAN page: says what was measured and when, works cut off, and takes one word from a clerk now and then."""

from __future__ import annotations

import http.client
import socket
import urllib.parse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agent.identity import Identity
from agent.joining import keys
from agent.lan.desk import LanDesk
from agent.lan.evidence import Evidence, signed_blob
from agent.lan.page import View, render, sentence
from agent.lan.seen import Seen, Sight
from agent.lan.server import MAX_FORM, Desk, LanPage
from agent.lan.words import EN, VI
from agent.talk.contact import Contact
from tests.support.handclock import HandClock
from wire import carried
from wire.carried import MAX_BLOB, CarriedError
from wire.messages import Notice, Observation, Value
from wire.onsite import SLOT_MS, here_code, here_url, is_here, token_hash
from wire.outcomes import Outcome

NOW = 1_763_700_000_000  # 11:40 in Vietnam
MINUTE = 60_000


def run(probe: str, subject: str, target: str, outcome: Outcome, **more: object) -> Observation:
    reason = None if outcome == "ok" else "no_answer" if outcome == "fail" else "line_down"
    return Observation(0, probe, subject, target, 0, 0, 5, outcome, reason, **more)  # type: ignore[arg-type]


def sight(subject: str, outcome: Outcome = "ok", target: str = "collector", since: int = 0) -> Sight:
    ok_ms = NOW if outcome == "ok" else NOW - since
    return Sight(subject, "reach", target, outcome, None, NOW, NOW - since, ok_ms, 0.0123, {})


def view(*sights: Sight, **more: object) -> View:
    plain = View("07375-1", NOW, NOW - 5_000, False, (), sights, "012345")
    return replace(plain, **more)  # type: ignore[arg-type]


# --- what it knows --------------------------------------------------------------------------------------------------


def test_what_is_seen_keeps_since_when_it_is_so_and_when_it_last_was_well() -> None:
    now = NOW
    seen = Seen(lambda: now)
    for minutes, outcome in enumerate(("ok", "fail", "fail", "unknown")):
        now = NOW + minutes * MINUTE
        seen.take(run("reach", "line:07375-1/a", "collector", outcome))  # type: ignore[arg-type]
        if minutes == 2:
            (one,) = seen.now()
            assert (one.outcome, one.since_ms, one.ok_ms, one.at_ms) == ("fail", NOW + MINUTE, NOW, NOW + 2 * MINUTE)
    (one,) = seen.now()
    assert (one.outcome, one.since_ms, one.ok_ms) == ("unknown", NOW + 3 * MINUTE, NOW)


def test_what_does_not_answer_stands_first_and_what_left_the_plan_is_forgotten() -> None:
    seen = Seen(lambda: NOW)
    seen.take(
        run("service", "service:dvcqg@07375-1", "https://portal.example/", "ok", phases={"dns": 0.1, "ttfb": 1.0})
    )
    seen.take(run("reach", "lan:07375-1", "gateway", "ok", values=[Value("motcua_lan_rtt_seconds", 0.002)]))
    seen.take(run("reach", "line:07375-1/b", "collector", "fail"))
    seen.take(run("pc", "device:x", "self", "ok"))
    assert [(one.subject, one.took_s) for one in seen.now()] == [
        ("line:07375-1/b", None), ("lan:07375-1", 0.002), ("service:dvcqg@07375-1", pytest.approx(1.1)),
    ]  # fmt: skip
    seen.forget({("lan:07375-1", "reach", "gateway")})
    assert [one.subject for one in seen.now()] == ["lan:07375-1"]


# --- what it says ---------------------------------------------------------------------------------------------------


def test_both_languages_have_the_same_words_with_the_same_places() -> None:
    assert VI.keys() == EN.keys()
    for key, text in VI.items():
        assert sorted(part for part in text.split("{")[1:]) is not None
        assert {p.partition("}")[0] for p in text.split("{")[1:]} == {
            p.partition("}")[0] for p in EN[key].split("{")[1:]
        }


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_the_page_is_whole_small_and_dates_everything(lang: str) -> None:
    notice = Notice("n1", "Cổng DVCQG chậm <toàn quốc>", "The national portal is slow <everywhere>", NOW, NOW - MINUTE)
    told = view(sight("line:07375-1/a", "fail", since=4 * MINUTE), sight("lan:07375-1"), notices=(notice,))
    text = render(told, lang)
    assert len(text) < 12_000
    assert "11:36 21/11" in text  # since when the line does not answer
    assert "11:39 21/11" in text  # as of when the notice is
    assert "&lt;" in text
    assert "<toàn" not in text
    assert "<everywhere" not in text
    assert "012345" in text


def test_the_sentence_for_the_group_leaves_out_what_lies_behind_a_dead_network() -> None:
    assert sentence(view(sight("lan:07375-1")), "vi") == (
        "Trung tâm 07375-1: lúc 11:40 21/11 các hệ thống đo tại chỗ đều trả lời."
    )
    bad = view(sight("lan:07375-1", "fail", since=MINUTE), sight("line:07375-1/a", "fail"))
    assert sentence(bad, "vi") == (
        "Trung tâm 07375-1, lúc 11:40 21/11: Mạng nội bộ không trả lời từ 11:39 21/11. (đo tại chỗ)"
    )


def test_cut_off_it_says_since_when_and_names_nobody() -> None:
    text = render(view(sight("line:07375-1/a", "fail"), heard_ms=NOW - 9 * MINUTE, cut=True, carry="<svg></svg>"), "vi")
    assert "Không liên lạc được với tỉnh từ 11:31 21/11" in text
    assert "<svg>" in text
    assert "nhà mạng" not in text


# --- the code, and the evidence -------------------------------------------------------------------------------------


def test_the_code_is_good_for_half_an_hour_and_a_little_around_and_nowhere_else() -> None:
    mine, other = token_hash("token"), token_hash("another")
    code = here_code(mine, NOW)
    assert [is_here(mine, code, NOW + n * SLOT_MS) for n in (-2, -1, 0, 1, 2)] == [False, True, True, True, False]
    assert not is_here(other, code, NOW)
    assert not is_here(mine, "không", NOW)


def test_evidence_is_signed_small_and_read_back(tmp_path: Path) -> None:
    keys.make(tmp_path)
    keys.adopt(tmp_path)
    many = [
        sight(f"service:system-{n}@07375-1", "fail", f"https://host-{n}.example/path", n * MINUTE) for n in range(60)
    ]
    blob = signed_blob(tmp_path, "01ARZ3NDEKTSV4RRFFQ69G5FAV", many, NOW - MINUTE, NOW)
    assert len(blob) <= MAX_BLOB
    agent, told, _, signature = carried.parse(blob)
    assert (agent, told.at_ms, told.heard_ms, len(signature)) == ("01ARZ3NDEKTSV4RRFFQ69G5FAV", NOW, NOW - MINUTE, 64)
    assert len(told.sights) >= 20
    assert told.sights[0] == carried.Sight(
        "service:system-0@07375-1", "https://host-0.example/path", "fail", "", NOW, NOW
    )
    code, why = Evidence(tmp_path, agent, "https://motcua.example/e#", lambda: NOW).code(many, NOW)
    assert (code.startswith("<svg"), why) == (True, "")


@pytest.mark.parametrize(
    "blob",
    [
        pytest.param("", id="nothing"),
        pytest.param("2.a.b.c", id="another version"),
        pytest.param("1.agent.@@@.c", id="no base64"),
        pytest.param("1.agent.AAAA.AAAA", id="no zlib"),
        pytest.param("1.agent." + "A" * 2_000 + ".AAAA", id="too long"),
        pytest.param("1.agent.ü.AAAA", id="letters of no code"),
    ],
)
def test_what_is_no_evidence_is_refused(blob: str) -> None:
    with pytest.raises(CarriedError, match="scan the code again"):
        carried.parse(blob)


def test_without_a_key_the_page_says_why_there_is_no_code(tmp_path: Path) -> None:
    code, why = Evidence(tmp_path, "a", "https://motcua.example/e#", lambda: NOW).code([sight("lan:07375-1")], None)
    assert (code, "failed" in why) == ("", True)


def test_the_code_can_be_scanned_where_the_board_s_address_is_known_and_stands_by_itself_where_not(
    tmp_path: Path,
) -> None:
    who = Identity(agent="01ARZ3NDEKTSV4RRFFQ69G5FAV", centre="07375-1", token="secret", url="https://c.example:8443")
    clock = HandClock(NOW)

    def page(board: str) -> View:
        desk = LanDesk(
            who, tmp_path, board, clock=clock, contact=Contact(clock), due=lambda _item: None, items=list,
            sink=lambda _o: None,
        )  # fmt: skip
        return desk.look()

    shown, plain = page("https://motcua.example"), page("")
    assert shown.code == plain.code
    assert (shown.way.startswith("<svg"), plain.way) == (True, "")
    assert here_url("https://motcua.example", "07375-1", shown.code) == (
        f"https://motcua.example/here?at=07375-1&code={shown.code}"
    )
    assert "mã này được điền sẵn" in render(shown, "vi")
    assert "điền sẵn" not in render(plain, "vi")


# --- over HTTP ------------------------------------------------------------------------------------------------------


class Clerk:
    """A page that is served, and what was pressed."""

    def __init__(self) -> None:
        self.mono, self.pressed = 0, list[str]()
        self.page = LanPage(("127.0.0.1", 0), Desk(lambda: view(sight("lan:07375-1")), self._slow, lambda: self.mono))
        self.page.start()

    def _slow(self, text: str) -> bool:
        self.pressed.append(text)
        return True

    def ask(self, method: str, path: str, body: str = "", **headers: str) -> tuple[int, str]:
        there = http.client.HTTPConnection("127.0.0.1", self.page.port, timeout=5)
        told = {"Content-Type": "application/x-www-form-urlencoded", **headers}
        there.request(method, path, body.encode(), told)
        answer = there.getresponse()
        text = answer.read().decode()
        there.close()
        return answer.status, text


@pytest.fixture
def clerk() -> Iterator[Clerk]:
    made = Clerk()
    yield made
    made.page.stop()


def test_the_button_is_heard_once_a_minute_with_the_clerks_words(clerk: Clerk) -> None:
    body = urllib.parse.urlencode({"text": "  cổng \n dịch vụ công  "})
    assert clerk.ask("POST", "/slow", body)[0] == 200
    status, text = clerk.ask("POST", "/slow", body)
    assert (status, "60 giây" in text) == (429, True)
    clerk.mono += 60_001
    assert clerk.ask("POST", "/slow?lang=en", "")[0] == 200
    assert clerk.pressed == ["cổng dịch vụ công", ""]


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        pytest.param("GET", "/", {}, 200, id="the page"),
        pytest.param("GET", "/?lang=xx", {}, 200, id="a language that is none"),
        pytest.param("GET", "/metrics", {}, 404, id="another path"),
        pytest.param("POST", "/", {}, 404, id="a post elsewhere"),
        pytest.param("POST", "/slow", {"Origin": "http://evil.example"}, 403, id="a stranger's page"),
        pytest.param("POST", "/slow", {"Host": "evil.example"}, 403, id="a name that was rebound"),
        pytest.param("POST", "/slow", {"Content-Length": str(MAX_FORM + 1)}, 413, id="a long form"),
        pytest.param("POST", "/slow", {"Content-Length": "many"}, 413, id="a length that is none"),
        pytest.param("DELETE", "/", {}, 501, id="another method"),
    ],
)
def test_nothing_else_is_answered(clerk: Clerk, method: str, path: str, headers: dict[str, str], status: int) -> None:
    assert clerk.ask(method, path, "", **headers)[0] == status
    assert clerk.pressed == []


def test_slow_readers_do_not_take_all_the_room(clerk: Clerk) -> None:
    idle = [socket.create_connection(("127.0.0.1", clerk.page.port)) for _ in range(40)]
    try:
        refused = 0
        for one in idle[20:]:
            one.settimeout(2)
            refused += one.recv(1) == b""
        assert refused >= 10
    finally:
        for one in idle:
            one.close()
