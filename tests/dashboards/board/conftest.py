"""Boards for every test of this folder: the small one, the large one, the empty one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.board_server import Served, served
from tests.support.reader_double import World, province, this_machine


@pytest.fixture
def one() -> Iterator[Served]:
    with served(this_machine()) as board:
        yield board


@pytest.fixture
def many() -> Iterator[Served]:
    with served(province()) as board:
        yield board


@pytest.fixture
def empty() -> Iterator[Served]:
    with served(World()) as board:
        yield board
