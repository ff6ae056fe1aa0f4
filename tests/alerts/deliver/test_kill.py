"""kill -9 at every step of delivery: each person told at least once, and never again once the answer is on record."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.store.databases import open_store
from tests.support.delivering import OFFICER, SETTINGS, Bench, letters
from tests.support.handclock import HandClock
from tests.support.mailing import Receiver, receiving
from tests.support.telling import NOW_MS, incident

PAUSE_MS = 130_000  # the lease of what was claimed is over by then
NEVER = 1_000_000
MOMENTS = 28
"""Two around each job of the writer and each request, in the turn that does everything."""


class Mother:
    """The process that has loaded everything, and whose children die."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.support.dying"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def bear(self, home: Path, last: int, now_ms: int) -> str:
        """What is said of a life: `killed`, or the number of its moments."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{last} {now_ms} {home}\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()

    def close(self) -> None:
        self._process.communicate(timeout=20)


class Mortal:
    """Delivery that dies when told to, with five calls to a team and one to the officer in its outbox."""

    def __init__(self, home: Path, mother: Mother, server: Receiver) -> None:
        self._home, self._mother, self._server = home, mother, server
        self._now_ms, self._killed = NOW_MS, 0
        self.bench = Bench(open_store(home, HandClock()), HandClock(), home)
        self.bench.settle(SETTINGS.format(url=server.url, kind="people"))
        self._cases = self.bench.many(5)
        for case in self._cases:
            self.bench.put(case)
        self.bench.put(self.bench.open(incident(key="01J0000000000000000000000Z", number=99)), audience=OFFICER)

    def live(self, last: int = NEVER) -> int | None:
        """The moments of a life; None where it ended at `last`. Whatever was on record as sent stays at one letter."""
        before = self._on_record()
        said = self._mother.bear(self._home, last, self._now_ms)
        self._now_ms += PAUSE_MS
        counts = self._counts()
        assert {key: counts[key] for key in before} == before, "a second message after an answered one"
        self._killed += said == "killed"
        return None if said == "killed" else int(said)

    def judge(self) -> None:
        """Everybody was told, by two letters in all, each at most once more than processes died."""
        assert set(self.bench.states()) == {"sent"}
        told = self._on_record()
        assert set(told) == set(self._counts())
        assert sorted(key.startswith("digest/") for key in told) == [False, True]
        assert all(1 <= count <= 1 + self._killed for count in told.values())
        assert [self.bench.stage(case) for case in self._cases] == ["notified"] * 5
        assert all(len(self.bench.story(case)) == 1 for case in self._cases)

    def _counts(self) -> Counter[str]:
        return Counter(left.key for left in letters(self._server))

    def _on_record(self) -> dict[str, int]:
        """How often every letter came whose answer is on record."""
        counts = self._counts()
        sent = [str(row["key"]) for row in self.bench.rows() if row["state"] == "sent" and not row["within"]]
        return {key: counts[key] for key in sent}


@pytest.fixture(scope="module")
def mother() -> Iterator[Mother]:
    made = Mother()
    yield made
    made.close()


@pytest.fixture
def mortal(tmp_path: Path, sqlite_pattern: Path, mother: Mother) -> Iterator[Mortal]:
    home = Path(shutil.copytree(sqlite_pattern, tmp_path / "home"))
    with receiving((200, {}, b"taken")) as server:
        made = Mortal(home, mother, server)
        yield made
        made.bench.store.close()


def test_a_life_without_death_has_so_many_moments(mortal: Mortal) -> None:
    assert mortal.live() == MOMENTS
    mortal.judge()


@pytest.mark.parametrize("moment", range(MOMENTS))
def test_whoever_dies_at_a_moment_leaves_nobody_untold_and_nobody_told_again(mortal: Mortal, moment: int) -> None:
    assert mortal.live(moment) is None
    mortal.live()
    mortal.judge()


@pytest.mark.parametrize("seed", range(2))
def test_however_often_it_dies_everybody_is_told(mortal: Mortal, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(6):
        mortal.live(chance.randrange(MOMENTS))
    mortal.live()
    mortal.judge()
