"""Apprise: what it may be pointed at, and short messages by it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alerts.channels import ChannelError, Post, apprise
from tests.exams.channel_exam import SECRET
from tests.support.clock import FakeClock
from tests.support.letters import letter
from tests.support.mailing import receiving
from wire import strict


def pointed(home: Path, url: str) -> None:
    (home / "url").write_text(url, "utf-8")
    (home / "url").chmod(0o600)


def config(**changed: object) -> apprise.Config:
    return strict.convert({"url_file": "url", **changed}, apprise.Config, "test")


def post(home: Path) -> Post:
    return Post(home, FakeClock(), timeout_s=20)


def test_a_short_message_goes_to_the_number_and_its_length_is_told(tmp_path: Path) -> None:
    with receiving((200, {}, b"{}")) as gateway:
        pointed(tmp_path, f"{gateway.url.replace('http', 'json')}/send/{{address}}?+X-Token={SECRET}")
        told = apprise.send(config(sms=True, segments=2), letter(address="+84 000 001 001"), post(tmp_path))
    (came,) = gateway.came
    text = json.loads(came.body)["message"]
    assert came.line.startswith("POST /send/+84000001001")
    assert text.startswith("#12 ")
    assert text.endswith("https://motcua.example.vn/incidents/12")
    assert told == f"2 SMS, {len(text)}/134 UCS-2"


@pytest.mark.parametrize(
    ("tones", "encoding", "segments"), [(True, "UCS-2", 2), (False, "GSM-7", 1)], ids=["with tones", "without"]
)
def test_without_tone_marks_the_same_takes_less(tones: bool, encoding: str, segments: int, tmp_path: Path) -> None:
    pointed(tmp_path, "json://127.0.0.1/")
    order, size = apprise.order_of(config(sms=True, tones=tones), letter(), post(tmp_path))
    assert size is not None
    assert (size.encoding, size.segments) == (encoding, segments)
    assert ("Mã" in order.body) == tones


@pytest.mark.parametrize(
    ("url", "said"),
    [
        pytest.param("tgram://123456789:abcdefg_hijklmnop/12315544/", "Telegram is off", id="Telegram"),
        pytest.param("jsons://127.0.0.1/?verify=no", "always verified", id="unverified certificates"),
        pytest.param("json://127.0.0.1/{address}", "no telephone", id="nobody to write to"),
        pytest.param("nothing-it-knows://x", "none that it knows", id="no such service"),
    ],
)
def test_what_it_may_not_be_pointed_at_is_refused_for_good(url: str, said: str, tmp_path: Path) -> None:
    pointed(tmp_path, url)
    with pytest.raises(ChannelError, match=said) as caught:
        apprise.send(config(), letter(), post(tmp_path))
    assert caught.value.permanent


def test_telegram_may_be_allowed(tmp_path: Path) -> None:
    pointed(tmp_path, "tgram://123456789:abcdefg_hijklmnop/12315544/")
    order, size = apprise.order_of(config(telegram=True), letter(), post(tmp_path))
    assert (order.url.startswith("tgram://"), size) == (True, None)
