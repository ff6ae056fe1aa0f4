"""Replay: simulated time goes as fast as the machine does, the collector's clock with it, and all of it is judged."""

from __future__ import annotations

import asyncio
from typing import Final

from simulator.agent import Agent
from simulator.crowd import SETTLE_MS, Crowd
from simulator.drive import DrivenClock
from simulator.errors import Broken
from simulator.stage import Progress, Stage

STEP_MS: Final = 20_000
BEAT_STEPS: Final = 2
"""A heartbeat every 40 s: silence begins after 50."""

ALL_STEPS: Final = 45
BEHIND_TRIES: Final = 600


async def replay(
    crowd: Crowd, stage: Stage, clock: DrivenClock, until_ms: int, told: asyncio.Event, *, progress: Progress
) -> None:
    """Play until then. Raises Broken where the collector refuses what it must take."""
    from_ms = now_ms = clock.wall_ms()
    number = 0
    while now_ms < until_ms and not told.is_set():
        now_ms, number = min(until_ms, now_ms + STEP_MS), number + 1
        clock.go_to(now_ms)
        await asyncio.to_thread(stage.step, all_of_it=number % ALL_STEPS == 0)
        turn = number % BEAT_STEPS
        await asyncio.gather(
            *(_one(crowd, agent, now_ms, beat=n % BEAT_STEPS == turn) for n, agent in enumerate(crowd.agents))
        )
        progress("replayed", (now_ms - from_ms) // 60_000, (until_ms - from_ms) // 60_000)
    await settle(stage)


async def settle(stage: Stage) -> None:
    """Judge all that came. Raises Broken where it does not come to an end."""
    for _ in range(BEHIND_TRIES):
        await asyncio.to_thread(stage.step, all_of_it=True)
        if not await asyncio.to_thread(stage.behind):
            return
    raise Broken("the collector does not come to the end of what it was sent; its log says more")


async def _one(crowd: Crowd, agent: Agent, now_ms: int, *, beat: bool) -> None:
    agent.advance(now_ms - SETTLE_MS)
    if not agent.sends(now_ms):
        return
    if beat:
        await crowd.beat(agent)
    while agent.waiting:
        await crowd.send_some(agent)
