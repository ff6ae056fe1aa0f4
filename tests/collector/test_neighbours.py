"""Processes that share a home on SQLite wake each other."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from collector import claims
from collector.hub import Hub
from collector.neighbours import FOLDER, Neighbours
from collector.settings import Settings
from collector.store.databases import Store


@pytest.fixture
def pair(store: Store, tmp_path: Path) -> tuple[Hub, Hub]:
    settings = Settings(tmp_path)
    return Hub(store, store.clock, settings), Hub(store, store.clock, settings)


def test_what_is_said_in_one_process_wakes_the_other_and_not_twice_the_first(pair: tuple[Hub, Hub]) -> None:
    here, there = pair
    heard, echoes = threading.Event(), list[str]()
    there.on("agent:", lambda _topic: heard.set())
    here.on("agent:", echoes.append)
    with Neighbours(here), Neighbours(there):
        here.wake("agent:a")
        assert heard.wait(10)
    assert echoes == ["agent:a"]


def test_the_last_words_of_a_command_are_heard(pair: tuple[Hub, Hub]) -> None:
    here, there = pair
    heard = threading.Event()
    there.on("register", lambda _topic: heard.set())
    with Neighbours(there):
        with Neighbours(here):
            here.wake("register")
        assert heard.wait(10)


def test_a_neighbour_that_ended_without_a_word_is_forgotten(pair: tuple[Hub, Hub], tmp_path: Path) -> None:
    here, _ = pair
    dead = tmp_path / FOLDER / "99999-1"
    dead.parent.mkdir()
    dead.touch()
    with Neighbours(here):
        here.wake("flips")
    assert not dead.exists()
    assert list(dead.parent.iterdir()) == []


def test_a_home_too_deep_for_a_socket_is_said_and_borne(
    store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    deep = tmp_path / ("d" * 120)
    deep.mkdir()
    hub = Hub(store, store.clock, Settings(deep))
    with Neighbours(hub):
        hub.wake("flips")
    assert "wake-ups between processes are late" in caplog.text


def test_a_process_for_pages_or_history_shares_the_home_and_a_second_judge_does_not(tmp_path: Path) -> None:
    one = ("ingest", "judge"), ("board",), ("history",)
    with claims.home(tmp_path, one[0]), claims.home(tmp_path, one[1]), claims.home(tmp_path, one[2]):
        for roles in (("judge",), ("board",), ("history",), ("ingest", "board"), ("board", "history")):
            with pytest.raises(claims.Taken, match="is in use by process"), claims.home(tmp_path, roles):
                pass
