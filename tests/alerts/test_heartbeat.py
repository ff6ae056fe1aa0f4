"""The dead man's switch: heard as long as the collector can write, and silent when it cannot."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from alerts.channels import Post, alertmanager
from alerts.deliver.heartbeat import MISSED, Config, Heartbeat
from tests.support.clock import NOON_MS, FakeClock
from tests.support.mailing import receiving
from wire import strict


def config(**text: object) -> Config:
    return strict.convert(text, Config, "test")


def heart(
    home: Path, own: Config, clock: FakeClock, *, urls: list[str] | None = None, proof: Callable[[], object] = int
) -> Heartbeat:
    to = strict.convert({"urls": urls, "labels": {"province": "x"}}, alertmanager.Config, "test") if urls else None
    return Heartbeat(own, Post(home, clock, timeout_s=1), proof, to)


def test_it_beats_each_minute_with_the_time_it_believes(tmp_path: Path) -> None:
    clock = FakeClock()
    with receiving((200, {}, b"OK")) as listener:
        beating = heart(tmp_path, config(url=f"{listener.url}/beat"), clock)
        for _ in range(3):
            clock.advance(beating.step())
        assert [json.loads(came.body)["at_ms"] - NOON_MS for came in listener.came] == [0, 60_000, 120_000]
        assert beating.unheard == {}


def test_an_address_may_be_a_secret(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with receiving((500, {}, b"")) as listener:
        (tmp_path / "where").write_text(f"{listener.url}/s3cr3t", "utf-8")
        (tmp_path / "where").chmod(0o600)
        heart(tmp_path, config(url_file="where"), FakeClock()).step()
        assert listener.came[0].line.startswith("POST /s3cr3t ")
    assert "s3cr3t" not in caplog.text


def test_alertmanager_gets_an_alert_that_ends_by_itself(tmp_path: Path) -> None:
    with receiving((200, {}, b"")) as listener:
        heart(tmp_path, config(channel="am", every_s=30), FakeClock(), urls=[listener.url]).step()
        (alert,) = json.loads(listener.came[0].body)
    assert alert["labels"] == {"alertname": "motcua_heartbeat", "province": "x"}
    assert (alert["startsAt"], alert["endsAt"]) == ("2026-09-21T14:13:20.000Z", "2026-09-21T14:15:50.000Z")
    assert MISSED * 30 == 150


def test_a_collector_that_cannot_write_is_silent(tmp_path: Path) -> None:
    def full() -> None:
        raise OSError(28, "No space left on device")

    with receiving((200, {}, b"OK")) as listener:
        with pytest.raises(OSError, match="No space"):
            heart(tmp_path, config(url=listener.url), FakeClock(), proof=full).step()
        assert listener.came == []


def test_who_does_not_hear_it_is_told_once_and_so_is_the_end_of_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    statuses = [500, 500, 200, 200]
    with (
        caplog.at_level(logging.WARNING, "motcua.alerts"),
        receiving(lambda _: (statuses.pop(0), {}, b"")) as listener,
    ):
        beating = heart(tmp_path, config(url=listener.url), FakeClock())
        said = [(beating.step(), list(beating.unheard.values()))[1] for _ in range(4)]
    assert said == [["127.0.0.1 answered 500"], ["127.0.0.1 answered 500"], [], []]
    assert [record.message for record in caplog.records] == [
        "the heartbeat is not heard: 127.0.0.1 answered 500",
        "the heartbeat is heard again",
    ]


def test_one_who_does_not_hear_it_does_not_silence_the_other(tmp_path: Path) -> None:
    with receiving((200, {}, b"")) as listener:
        own = config(url="http://127.0.0.1:9/", channel="am")
        heart(tmp_path, own, FakeClock(), urls=[listener.url]).step()
        assert len(listener.came) == 1
