"""A channel for tests beside those of the table, and delivery on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from alerts import channels
from collector.store.databases import Store
from tests.support.delivering import PEOPLE, SETTINGS, Bench
from tests.support.handclock import HandClock
from tests.support.mailing import Receiver, receiving


@pytest.fixture(autouse=True)
def people(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(channels.CHANNELS, "people", PEOPLE)


@pytest.fixture
def bench(store: Store, clock: HandClock, tmp_path: Path) -> Bench:
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    return Bench(store, clock, home)


@pytest.fixture
def server(bench: Bench) -> Iterator[Receiver]:
    """A server that takes everything, set up as the one channel for everybody."""
    with receiving((200, {}, b"taken-1")) as receiver:
        bench.settle(SETTINGS.format(url=receiver.url, kind="people"))
        yield receiver
