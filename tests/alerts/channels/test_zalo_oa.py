"""Zalo: failures inside HTTP 200, a refresh token that may be used once, and who renews it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from alerts.channels import ChannelError, Post, zalo_oa
from alerts.channels.letter import Letter
from alerts.channels.zalo_token import App, Pair, Tokens
from tests.exams.channel_exam import SECRET, keep_secrets
from tests.support.clock import FakeClock
from tests.support.letters import letter
from tests.support.mailing import Came, Receiver, Reply, receiving
from wire import strict

DAY_MS = 86_400_000


@dataclass(slots=True)
class Zalo:
    """Zalo's own side: one access token and one refresh token are good at a time. `says`: next answers to messages."""

    access: str = f"{SECRET}-a"
    refresh: str = f"{SECRET}-r"
    says: list[int] = field(default_factory=list)
    renewals: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, came: Came) -> Reply:
        with self.lock:
            return 200, {}, json.dumps(self.renew(came) if "/v4/oa/" in came.line else self.take(came)).encode()

    def take(self, came: Came) -> dict[str, object]:
        if came.headers.get("access_token") != self.access:
            return {"error": -216, "message": "Access token is invalid"}
        error = self.says.pop(0) if self.says else 0
        return {"error": error, "message": "", "data": {"message_id": "m-7"} if not error else {}}

    def renew(self, came: Came) -> dict[str, object]:
        given = {name: values[0] for name, values in parse_qs(came.body.decode()).items()}
        assert (given["app_id"], given["grant_type"], came.headers["secret_key"]) == ("1234", "refresh_token", SECRET)
        if given["refresh_token"] != self.refresh:
            return {"error": -14020, "error_name": "Invalid refresh token"}
        self.renewals += 1
        self.access, self.refresh = f"{SECRET}-a{self.renewals}", f"{SECRET}-r{self.renewals}"
        return {"access_token": self.access, "refresh_token": self.refresh, "expires_in": "90000"}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    keep_secrets(tmp_path)
    return tmp_path


@pytest.fixture
def zalo() -> Zalo:
    return Zalo()


@pytest.fixture
def server(zalo: Zalo) -> Iterator[Receiver]:
    with receiving(zalo) as receiver:
        yield receiver


def config(server: Receiver, **changed: object) -> zalo_oa.Config:
    plain = {
        "app_id": "1234", "secret_file": "secret", "token_file": "pair", "to": "group-1",
        "api_url": server.url, "oauth_url": server.url,
    }  # fmt: skip
    return strict.convert({**plain, **changed}, zalo_oa.Config, "test")


def send(server: Receiver, home: Path, sent: Letter | None = None, **changed: object) -> str:
    return zalo_oa.send(config(server, **changed), sent or letter(), Post(home, FakeClock(), timeout_s=5))


def refused(server: Receiver, home: Path) -> ChannelError:
    with pytest.raises(ChannelError) as caught:
        send(server, home)
    assert SECRET not in str(caught.getrepr())
    return caught.value


def kept(home: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((home / "pair").read_text("utf-8"))
    return found


def test_a_group_gets_the_whole_text_and_the_link(server: Receiver, home: Path) -> None:
    assert send(server, home) == "m-7"
    (came,) = server.came
    body = json.loads(came.body)
    assert came.line.startswith("POST /v3.0/oa/group/message ")
    assert body["recipient"] == {"group_id": "group-1"}
    assert body["message"]["text"].startswith("#12 ")
    assert "Đầu mối tại chỗ: Trực một cửa Phường Bắc Giang" in body["message"]["text"]


def test_a_person_may_be_written_to_instead(server: Receiver, home: Path) -> None:
    send(server, home, letter(address="user-9"), recipient="user")
    assert server.came[0].line.startswith("POST /v3.0/oa/message/cs ")
    assert json.loads(server.came[0].body)["recipient"] == {"user_id": "user-9"}


def test_a_long_text_is_cut_and_keeps_its_link() -> None:
    long = Letter(key="k", title_vi="", text_vi="đ" * 5_000, title_en="", text_en="", link="https://x.vn/1")
    text = zalo_oa.text_of(long)
    assert (len(text), text.endswith("…\nhttps://x.vn/1")) == (2_000, True)


def test_an_expired_token_is_renewed_once_and_the_letter_goes(server: Receiver, zalo: Zalo, home: Path) -> None:
    zalo.access = "another"
    assert send(server, home) == "m-7"
    assert zalo.renewals == 1
    assert kept(home) == {
        "access_token": zalo.access, "refresh_token": zalo.refresh,
        "expires_at_ms": FakeClock().wall_ms() + 90_000_000,
    }  # fmt: skip
    assert (home / "pair").stat().st_mode & 0o777 == 0o600
    assert send(server, home) == "m-7"
    assert zalo.renewals == 1


def test_a_token_near_its_end_is_renewed_before_it_is_used(server: Receiver, zalo: Zalo, home: Path) -> None:
    near = {**kept(home), "expires_at_ms": FakeClock().wall_ms() + 30_000}
    (home / "pair").write_text(json.dumps(near), "utf-8")
    assert send(server, home) == "m-7"
    assert [("/v4/" in came.line) for came in server.came] == [True, False]
    assert zalo.renewals == 1


def test_a_token_that_is_never_good_is_not_asked_for_again_and_again(home: Path) -> None:
    def stubborn(came: Came) -> Reply:
        pair = {"access_token": "n", "refresh_token": "n", "expires_in": 1} if "/v4/" in came.line else {"error": -216}
        return 200, {}, json.dumps(pair).encode()

    with receiving(stubborn) as server:
        assert not refused(server, home).permanent
        assert len(server.came) == 3


def test_a_refresh_token_that_was_used_needs_a_person(server: Receiver, zalo: Zalo, home: Path) -> None:
    zalo.access = zalo.refresh = "another"
    error = refused(server, home)
    assert (error.permanent, "consent" in str(error)) == (True, True)
    assert kept(home)["refresh_token"] == f"{SECRET}-r"


@pytest.mark.parametrize(("said", "permanent"), [(-224, True), (-32, False), (-211, False), (12_345, False)], ids=str)
def test_a_failure_inside_http_200_is_one(said: int, permanent: bool, server: Receiver, zalo: Zalo, home: Path) -> None:
    zalo.says = [said]
    error = refused(server, home)
    assert (error.permanent, str(said) in str(error)) == (permanent, True)


@pytest.mark.parametrize("content", ["{}", "not json", '{"access_token": 1}'], ids=ascii)
def test_a_file_without_a_pair_says_what_to_write(content: str, server: Receiver, home: Path) -> None:
    (home / "pair").write_text(content, "utf-8")
    error = refused(server, home)
    assert (error.permanent, "first consent" in str(error)) == (True, True)


def test_of_many_who_find_it_expired_one_renews_and_all_send(server: Receiver, zalo: Zalo, home: Path) -> None:
    zalo.access = "another"
    answers: list[str] = []
    threads = [threading.Thread(target=lambda: answers.append(send(server, home))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert (answers, zalo.renewals) == (["m-7"] * 8, 1)


def test_a_lock_that_is_never_given_back_is_not_waited_for_for_ever(server: Receiver, home: Path) -> None:
    import fcntl

    post = Post(home, FakeClock(), timeout_s=0.3)
    tokens = Tokens(App("1234", "secret", server.url), home / "pair", post)
    with (home / "pair.lock").open("wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(ChannelError, match="for too long"):
            tokens.renewed(Pair(access_token=f"{SECRET}-a", refresh_token=""))


def test_a_crash_between_the_answer_and_the_file_leaves_the_old_pair_whole(
    server: Receiver, zalo: Zalo, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def torn(_self: Path, _target: object) -> Path:
        raise OSError(28, "No space left on device")

    before = kept(home)
    zalo.access = "another"
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", torn)
        error = refused(server, home)
    assert "could not be kept" in str(error)
    assert kept(home) == before


def test_no_token_is_in_what_python_shows_of_it() -> None:
    assert SECRET not in repr(Pair(access_token=SECRET, refresh_token=SECRET))
