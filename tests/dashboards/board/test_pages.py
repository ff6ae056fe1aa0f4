"""Every page against a province in memory, over a real socket: golden facts, not whole pages."""

from __future__ import annotations

import gzip
import html
import re
import statistics
import time

import httpx
import pytest

from collector.api import NotFound, SubjectInfo
from dashboards.board.live import Live
from dashboards.board.render import Renderer
from dashboards.board.static_files import Shelf
from dashboards.board.visit import Visit
from dashboards.board.words import catalogue
from tests.support.board_server import Served
from tests.support.handclock import HandClock
from tests.support.reader_double import World, add_centre, observed, province

CUT_OFF = "07616-1"
LINE = f"/subjects/line:{CUT_OFF}/a"
PAGES = ["/", "/?view=list", "/?wall=1", f"/centres/{CUT_OFF}", LINE, "/policy", "/suite", "/login"]


def text_of(page: httpx.Response) -> str:
    """What a person reads: no tags, no doubled blanks, plain spaces."""
    body = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", page.text, flags=re.DOTALL)
    body = re.sub(r"</?a\b[^>]*>", "", body)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).replace("\u00a0", " ").split())


def observation_of(world: World, subject: str) -> str:
    return next(id_ for id_, stored in world.stored.items() if stored.observation.subject == subject)


@pytest.mark.parametrize(
    ("path", "lang", "facts"),
    [
        pytest.param("/", "vi", ["89 trung tâm phục vụ bình thường, 7 chậm, 2 mất kết nối, 1 chưa đo được",
                                 "đo được 98/99 trung tâm", "Tây Yên Tử, Yên Định: mất đường truyền",
                                 "Không trả lời, từ 08:41, đã 33 phút"], id="province vi"),
        pytest.param("/", "en", ["89 centres serve normally, 7 slow, 2 cut off, 1 not measured",
                                 "98 of 99 centres measured", "Tây Yên Tử, Yên Định: line down",
                                 "No answer, since 08:41, for 33 minutes"], id="province en"),
        pytest.param("/?view=list", "vi", ["Xã Tây Yên Tử", "Số đo cuối", "Ổ đĩa gần đầy"], id="list"),
        pytest.param(f"/centres/{CUT_OFF}", "vi", ["Mất kết nối từ 08:41", "Đường truyền A: không trả lời", "100 %",
                                                   "0,2 %", "Bộ nhớ đã dùng", "còn 94,7 GB / 256 GB",
                                                   "vạch = ngưỡng 95 %", "3 ngày 4 giờ"], id="centre vi"),
        pytest.param(f"/centres/{CUT_OFF}", "en", ["Cut off since 08:41", "0.2 %", "94.7 GB free of 256 GB"],
                     id="centre en"),
        pytest.param(LINE, "vi", ["Đường truyền A: mất từ 08:41", "đính chính lúc 08:44:25", "rút lại"], id="subject"),
        pytest.param("/policy", "vi", ["Ngưỡng bản số 3 áp dụng từ 04:26 18/11", "Trần Văn Bình đặt",
                                       "Chắc chắn mất gói quá mức này: đường truyền kém 2,5 % trước là 2 %",
                                       "Tốc độ danh định của cổng mạng 1 Gb/s trước là không xét",
                                       "Trung vị độ trễ quá mức này: đường truyền chậm: 50 ms → 80 ms",
                                       "Chạy bằng pin thì báo là có vấn đề: có → không", "104,858 MB",
                                       "motcua collector policy set --version 2"], id="policy vi"),
        pytest.param("/policy", "en", ["Policy version 3 is in force since 04:26 18/11", "Set by Trần Văn Bình",
                                       "Packets lost, at least this share for certain: degraded 2.5 % was 2 %",
                                       "Median round trip over this: degraded: 50 ms → 80 ms",
                                       "since 11/10/2026 09:14:05 · set by Nguyễn Thị Hoà", "The first version."],
                     id="policy en"),
        pytest.param("/suite", "vi", ["1 bộ đo im lặng", "142.560 gói, 61,2 MB", "Cách ly"], id="suite vi"),
        pytest.param("/suite", "en", ["1 agent is silent", "142,560 batches, 61.2 MB", "Quarantined"], id="suite en"),
        pytest.param("/login", "vi", ["Đăng nhập bằng đường dẫn một lần", "motcua collector login-link"], id="login"),
    ],
)  # fmt: skip
def test_a_page_says_what_is_true(many: Served, path: str, lang: str, facts: list[str]) -> None:
    said = text_of(many.page(path, lang=lang))
    assert [fact for fact in facts if fact not in said] == []


def test_the_worst_come_first_and_then_the_alphabet(many: Served) -> None:
    names = re.findall(r'<a class="t (\w+)" id="t[\d-]+"[^>]*title="(?:Xã|Phường) ([^"]+)"', many.page("/").text)
    assert [name for _, name in names[:13]] == [
        "Tây Yên Tử", "Yên Định", "An Lạc", "Biển Động", "Đại Sơn", "Kiên Lao", "Lục Sơn", "Sơn Động", "Vân Sơn",
        "Tuấn Đạo", "Bảo Đài", "Bắc Giang", "Bắc Lũng",
    ]  # fmt: skip
    assert len(names) == 99


def test_what_was_not_measured_is_a_dash_with_its_reason(many: Served) -> None:
    page = many.page(f"/centres/{CUT_OFF}").text
    assert '<span class="none" title="không trả lời">–' in page


def test_an_empty_board_teaches(empty: Served) -> None:
    said = text_of(empty.page("/"))
    assert "Chưa có trung tâm nào" in said
    assert "motcua collector join-code" in said


def test_the_first_centre_of_a_newcomer_is_called_by_its_name(one: Served) -> None:
    assert "Máy này: phục vụ bình thường" in text_of(one.page("/"))
    assert "This machine: serving normally" in text_of(one.page("/", lang="en"))


def test_an_observation_shows_what_was_asked_and_answered(many: Served) -> None:
    key = observation_of(many.world, f"line:{CUT_OFF}/a")
    said = text_of(many.page(f"/observations/{key}"))
    for fact in ("Gói thử đường đi: không đạt", "Không trả lời", "Mất gói 100 %", "192.0.2.1", key.split("/")[1],
                 '"reason": "no_answer"'):  # fmt: skip
        assert fact in said


def test_search_works_without_a_script_and_without_tone_marks(many: Served) -> None:
    page = many.page("/?q=lang+giang")
    assert re.findall(r'id="t([\d-]+)"', page.text) == ["07375-1"]
    assert "99 trung tâm" in text_of(page).lower()


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/centres/99999-9", id="centre"),
        pytest.param("/centres/99999-9/chart", id="chart"),
        pytest.param("/observations/nobody/x/1/0", id="observation"),
        pytest.param("/subjects/line:99999-9/a", id="subject"),
        pytest.param("/nowhere", id="page"),
        pytest.param("/static/0/../app.py", id="no file but the declared ones"),
        pytest.param("/observations/" + "%2e%2e/" * 20, id="dots"),
        pytest.param("/centres/%00", id="control character"),
    ],
)
def test_what_does_not_exist_is_a_page_that_says_what_to_do(many: Served, path: str) -> None:
    answer = many.page(path)
    assert answer.status_code == 404
    assert "Về trang toàn tỉnh" in answer.text


def test_machines_get_a_problem_document(many: Served) -> None:
    answer = many.client.get("/centres/99999-9", headers={"accept": "application/json"})
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() | {"title": "", "detail": "", "remedy": ""} == {
        "title": "", "status": 404, "detail": "", "instance": "/centres/99999-9", "code": "no_centre", "remedy": "",
    }  # fmt: skip


EVIL = '<script>alert("x")</script>' + "Đ" * 173


def test_what_comes_from_outside_stays_text(one: Served) -> None:
    world = one.world
    add_centre(world, "07375-1", EVIL, "", number=7)
    agent = next(a.id for a in world.listed_agents if a.centre == "07375-1")
    for place, info in enumerate(world.listed_subjects):
        if info.centre == "07375-1" and info.kind in {"device", "agent", "line"}:
            world.listed_subjects[place] = SubjectInfo(info.key, info.kind, info.centre, EVIL, info.agent)
    found = observed("line:07375-1/a", "reach", EVIL[:200], {f"motcua_line_loss_ratio|{EVIL[:200]}": 0.5})
    found.detail["note"] = EVIL
    key = world.store(agent, found)
    world.stand("line:07375-1/a", "down", "a_new_reason", note=EVIL)
    world.touch()
    for path in ("/", "/?view=list", "/centres/07375-1", "/subjects/line:07375-1/a", f"/observations/{key}", "/suite",
                 "/?q=" + EVIL[:90]):  # fmt: skip
        answer = one.page(path)
        assert answer.status_code == 200
        assert "<script>" not in answer.text
        assert "alert(" not in answer.text or "&lt;script&gt;" in answer.text


@pytest.mark.parametrize("path", ["/", f"/centres/{CUT_OFF}", LINE, "/policy", "/suite"])
def test_a_page_is_not_sent_twice_while_nothing_changed(many: Served, path: str) -> None:
    for address in (path, path + "?part=live"):
        first = many.page(address)
        again = many.page(address, **{"if-none-match": first.headers["etag"]})
        assert (first.status_code, again.status_code, again.content) == (200, 304, b"")


def test_a_change_reaches_the_live_part_at_once(many: Served) -> None:
    tag = many.page("/?part=live").headers["etag"]
    many.world.stand("centre:07210-1", "down", "no_line", minutes=1)
    answer = many.page("/?part=live", **{"if-none-match": tag})
    assert answer.status_code == 200
    assert "88 trung tâm phục vụ bình thường, 7 chậm, 3 mất kết nối" in text_of(answer)
    assert "<header" not in answer.text


def test_a_minute_later_the_ages_are_told_anew(many: Served) -> None:
    tag = many.page("/?part=live").headers["etag"]
    many.world.now += 60_000
    assert "đã 34 phút" in text_of(many.page("/?part=live", **{"if-none-match": tag}))


def test_one_language_is_never_answered_with_the_other(many: Served) -> None:
    tag = many.page("/").headers["etag"]
    assert many.page("/", lang="en", **{"if-none-match": tag}).status_code == 200


def test_the_language_and_the_look_are_remembered(many: Served) -> None:
    assert many.client.get("/?lang=en").headers["set-cookie"].startswith("motcua_lang=en")
    answer = many.client.get("/suite?theme=dark")
    assert "motcua_theme=dark" in answer.headers["set-cookie"]
    assert 'lang="en" data-theme="dark"' in answer.text
    many.client.cookies.clear()
    assert 'lang="vi" data-theme="auto"' in many.client.get("/?lang=xx&theme=%22onload").text


def test_static_files_may_be_kept_for_ever_because_their_address_is_their_content(many: Served) -> None:
    page = many.page("/").text
    addresses = re.findall(r'(?:src|href)="(/static/[^"]+)"', page)
    assert len(addresses) >= 6
    for address in addresses:
        answer = many.client.get(address)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
    old = many.client.get("/static/0000000000/board.css")
    assert (old.status_code, old.headers["cache-control"]) == (200, "no-cache")


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("lang", ["vi", "en"])
def test_no_page_calls_anything_from_elsewhere_or_carries_code(many: Served, path: str, lang: str) -> None:
    page = many.page(path, lang=lang).text
    assert re.findall(r"""(?:src|href|action|hx-get|hx-post)=["'](?:https?:)?//""", page) == []
    assert re.findall(r"<script(?![^>]*\bsrc=)", page) == []
    assert re.findall(r"\son\w+=|\sstyle=|javascript:", page) == []


@pytest.mark.parametrize("path", [*PAGES, "/nowhere", "/healthz"])
def test_every_answer_carries_the_strict_headers(many: Served, path: str) -> None:
    headers = many.page(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["x-frame-options"] == "DENY"


def test_99_centres_weigh_little_and_come_quickly(many: Served) -> None:
    total = 0
    page = many.page("/", **{"accept-encoding": "gzip"})
    for address in re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text):
        total += len(gzip.compress(many.client.get(address).content))
    assert page.headers["content-encoding"] == "gzip"
    assert int(page.headers["content-length"]) + total <= 200_000
    spent = []
    for _ in range(15):
        many.world.touch()  # nothing comes out of the cache
        begun = time.perf_counter()
        many.page("/")
        spent.append(time.perf_counter() - begun)
    assert statistics.median(spent) < 0.25  # the bar proper (50 ms at p95) is measured in bench/


def test_readers_of_one_second_share_one_page() -> None:
    world, clock = province(), HandClock()
    live = Live(world, Renderer(Shelf()), "build", clock=clock, settle_ms=1_000)
    seen = Visit("/", {}, catalogue("vi"), "auto", wall=False, actor=None)
    first = live.tag(seen)
    world.touch()
    assert live.tag(seen) == first
    clock.forward(1_001)
    assert live.tag(seen) != first


def test_older_observations_are_a_press_away(one: Served) -> None:
    agent = one.world.listed_agents[0].id
    for n in range(40):
        found = observed("line:00000-1/a", "reach", "collector", {"motcua_line_loss_ratio": n / 100})
        one.world.store(agent, found, ago_ms=10_000 * n + 5_000)
    page = one.page("/subjects/line:00000-1/a")
    assert page.text.count("/observations/") == 25 + 1
    (older,) = re.findall(r'href="(/subjects/[^"]*before=\d+)(?:#observations)?"', page.text)
    assert one.page(html.unescape(older)).text.count("/observations/") == 16 + 1
    assert one.page("/subjects/line:00000-1/a?before=yesterday").status_code == 200


def test_health_is_told_to_machines(many: Served) -> None:
    assert many.client.get("/healthz").text == "ok\n"


def test_a_store_that_fails_is_told_as_our_fault(many: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> str:
        raise RuntimeError("disk on fire")

    monkeypatch.setattr(many.world, "revision", broken)
    answer = many.page("/")
    assert answer.status_code == 500
    assert "Bảng gặp lỗi" in answer.text
    assert "disk on fire" not in answer.text
    assert many.client.get("/healthz").status_code == 500


def test_a_centre_that_vanishes_between_two_questions_is_not_found(
    many: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_subject: str) -> None:
        raise NotFound("gone")

    monkeypatch.setattr(many.world, "latest", gone)
    assert many.page(f"/centres/{CUT_OFF}").status_code == 404
