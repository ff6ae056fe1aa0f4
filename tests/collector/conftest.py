"""The store suite runs on both databases: ask for `store` or `hub`, and a test is run twice."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.hub import Hub
from collector.settings import Settings
from collector.store.databases import Store, migrate, open_store
from tests.support import postgres
from tests.support.handclock import HandClock

BOTH = (pytest.param("sqlite", id="sqlite"), pytest.param("postgresql", id="postgresql", marks=pytest.mark.postgres))


@pytest.fixture(scope="session")
def cluster() -> Iterator[postgres.Cluster]:
    with postgres.cluster() as running:
        yield running


@pytest.fixture(scope="session")
def sqlite_pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pattern")
    store = open_store(folder, HandClock())
    migrate(store)
    store.close()
    return folder


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture(params=BOTH)
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str | Path]:
    """The address of a fresh migrated store; may be opened by several."""
    if request.param == "postgresql":
        running: postgres.Cluster = request.getfixturevalue("cluster")
        url = running.database()
        yield url
        running.drop(url)
    else:
        pattern: Path = request.getfixturevalue("sqlite_pattern")
        yield Path(shutil.copytree(pattern, tmp_path / "home"))


@pytest.fixture
def store(store_url: str | Path, clock: HandClock) -> Iterator[Store]:
    opened = open_store(store_url, clock)
    yield opened
    opened.close()


@pytest.fixture
def hub(store: Store, clock: HandClock, tmp_path: Path) -> Hub:
    home = store.folder or tmp_path / "home"
    home.mkdir(exist_ok=True)
    return Hub(store, clock, Settings(home=home, database=str(store.core.url) if store.folder is None else ""))
