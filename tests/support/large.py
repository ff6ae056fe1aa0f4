"""A country of 3,321 centres behind `collector.api`: only what the wide pages show, no observations."""

from __future__ import annotations

from dataclasses import replace

from collector.api import AgentInfo, Centre, Expected, Standing, State, SubjectInfo
from tests.support.reader_double import COMMUNES, DAY_MS, MINUTE_MS, World, ulid

COMMUNES_OF_VIETNAM = 3_321


def country(count: int = COMMUNES_OF_VIETNAM) -> World:
    """`count` centres: one in fifty is cut off, one in thirty slow, one in forty silent."""
    world = World()
    names = [line.split(",")[1] for line in COMMUNES.strip().splitlines()]
    for number in range(1, count + 1):
        again = (number - 1) // len(names)
        name = names[number % len(names)] + (f" {again + 1}" if again else "")
        _add(world, f"{number:05d}-1", name, number)
    world.codes = [Expected(f"{n:05d}-1", "box", world.now - 3 * DAY_MS, world.now - (n % 2) * DAY_MS) for n in (1, 2)]
    return world


def _add(world: World, key: str, name: str, number: int) -> None:
    agent = ulid(number, "A")
    state, reason = _state(number)
    world.listed_centres.append(Centre(key, name, ""))
    kinds: list[tuple[str, str, State, str | None]] = [
        (f"centre:{key}", "centre", state, {"down": "no_line", "degraded": "own_fault"}.get(state, reason)),
        (f"lan:{key}", "lan", "unknown" if reason == "silent" else "ok", reason if reason == "silent" else None),
        (f"line:{key}/a", "line", state, reason),
        (f"agent:{agent}", "agent", "unknown" if reason == "silent" else "ok", reason if reason == "silent" else None),
    ]
    for subject, kind, held, why in kinds:
        since = world.now - (30 + number % 600) * MINUTE_MS
        world.listed_subjects.append(SubjectInfo(subject, kind, key, "box-" + key if kind == "agent" else "", agent))
        world.held_standings[subject] = Standing(subject, held, why, since, world.now - number % 60_000, {}, ())
    enrolled, heard = world.now - 30 * DAY_MS, world.now - 2_000
    info = AgentInfo(agent, key, "box", "box-" + key, "0.2.0", enrolled, None, heard, False, 12, 3, ())
    world.listed_agents.append(
        replace(info, silent=reason == "silent", version="0.1.0" if number % 97 == 0 else "0.2.0")
    )


def _state(number: int) -> tuple[State, str | None]:
    if number % 50 == 0:
        return "down", "no_answer"
    if number % 30 == 0:
        return "degraded", "loss"
    return ("unknown", "silent") if number % 40 == 0 else ("ok", None)
