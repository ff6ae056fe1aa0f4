"""What the judge keeps in memory and asks for together changes nothing of what it tells: rows and all."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

import pytest
from sqlalchemy import select

from collector.hub import Hub
from collector.judge.facts import Fact
from collector.judging import round as rounds
from collector.judging.loop import Judge
from collector.settings import Settings
from collector.store import tables
from collector.store.databases import open_store
from tests.support.handclock import HandClock
from tests.support.measured import BOX, DEVICE, LAN, LINE, T0, ms, report, train
from tests.support.town import Town

CENTRES: Final = 3
MINUTES: Final = 26
DISK: Final = "motcua_device_disk_used_ratio"


@dataclass(frozen=True, slots=True)
class Sent:
    """A batch of one centre's box, and the minute at the end of which it comes."""

    centre: int
    facts: list[Fact]
    minute: int


@dataclass(frozen=True, slots=True)
class Story:
    """What boxes send, and in which minutes they are heard."""

    sent: list[Sent]
    heard: list[set[int]]


def box(n: int) -> str:
    return f"{BOX[:-1]}{n}"


def story(seed: int) -> Story:
    """Half an hour of weather; batches that come late, torn or in no order, and boxes that fall silent."""
    dice = Random(seed)
    sent: list[Sent] = []
    heard: list[set[int]] = [set() for _ in range(MINUTES)]
    for n in range(CENTRES):
        gone = dice.randint(5, MINUTES) if dice.random() < 0.5 else MINUTES
        back = gone + dice.randint(2, 6)
        bad = dice.randint(4, MINUTES)
        for minute in range(MINUTES):
            away = gone <= minute < back
            if not away:
                heard[minute].add(n)
            facts = list(minute_of(n, minute, dice, worse=bad <= minute < bad + 5))
            late = back - minute if away else dice.choice([0] * 12 + [1, 4])
            cut = dice.choice([0, 0, 0, 5])
            pieces = [piece for piece in (facts[:cut], facts[cut:]) if piece]
            sent += [Sent(n, piece, minute + late) for piece in dice.sample(pieces, len(pieces))]
    return Story(sent, heard)


def minute_of(n: int, minute: int, dice: Random, *, worse: bool) -> Iterator[Fact]:
    spell = dice.choice(["lost", "lossy", "slow", "blind", "well"]) if worse else dice.choice(["well"] * 15 + ["lossy"])
    lan, line, device = (key.replace("00000-1", f"00000-{n + 1}") for key in (LAN, LINE, DEVICE))
    for second in range(60 * minute, 60 * minute + 60, 10):
        yield train(second, lan, target="gateway", agent=box(n))
        lost = {"lost": 5, "lossy": dice.choice([0, 2])}.get(spell, 0)
        yield train(
            second + 0.5, line, agent=box(n), lost=lost, rtt_s=0.2 if spell == "slow" else 0.01,
            outcome="unknown" if spell == "blind" else None,
        )  # fmt: skip
    yield report(60 * minute + 30, (DISK, "/", dice.choice([0.5, 0.5, 0.5, 0.99])), subject=f"{device[:-1]}{n}")


def rows(hub: Hub) -> list[tuple[object, ...]]:
    flip = tables.flip
    with hub.store.reading() as conn:
        return [tuple(row) for row in conn.execute(select(flip).order_by(flip.c.subject, flip.c.at_ms, flip.c.seq))]


def told(hub: Hub) -> set[tuple[object, ...]]:
    """The rows without their numbers: in which order subjects of one step are written tells nothing."""
    every = {row[0]: row for row in rows(hub)}
    return {
        (*row[1:-1], every[row[-1]][1:4] if row[-1] in every else None)
        for row in every.values()
    }  # fmt: skip


def lived(hub: Hub, clock: HandClock, played: Story, *, forgetful: bool) -> None:
    """The story, judged minute by minute; `forgetful`: by a judge that begins from the store each time."""
    town, judge = Town(hub), Judge(hub)
    clock.wall = T0
    for n in range(CENTRES):
        town.settle(f"00000-{n + 1}", box(n), f"{DEVICE[:-1]}{n}")
    for minute in range(MINUTES + 8):
        clock.wall = ms(60 * minute + 61)
        for n in range(CENTRES) if minute >= MINUTES else played.heard[minute]:
            town.hear(clock.wall, box(n), since_ms=clock.wall - 59_000)
        for one in played.sent:
            if one.minute == minute:
                town.send(one.facts, received_ms=clock.wall, agent=box(one.centre))
        while judge.step() == 0.0:
            pass
        if forgetful:
            judge = Judge(hub)


@pytest.mark.parametrize("seed", range(3))
def test_a_judge_that_remembers_tells_what_one_that_begins_anew_each_time_tells(
    sqlite_pattern: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    played, found = story(seed), []
    for forgetful in (False, True):
        home, clock = Path(shutil.copytree(sqlite_pattern, tmp_path / str(forgetful))), HandClock()
        with ExitStack() as stack, monkeypatch.context() as alone:
            hub = Hub(stack.enter_context(closing(open_store(home, clock))), clock, Settings(home=home))
            if forgetful:
                alone.setattr(rounds, "NEAR_MS", 0)  # each centre asks for itself
            lived(hub, clock, played, forgetful=forgetful)
            found.append(told(hub))
    assert found[0] == found[1]
    assert {row[3] for row in found[0]} >= {"ok", "down", "degraded", "unknown"}
