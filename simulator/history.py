"""Backfill: a history that ends now, sent as backlog as fast as it is receipted, and presence for the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from simulator.agent import Agent
from simulator.crowd import Crowd
from simulator.errors import Broken
from simulator.stage import Progress, Span
from simulator.truth import without
from simulator.world import World

CHUNK_MS: Final = 30 * 60_000
"""Measured at once, in a thread: a request's worth of batches, and a bounded time without the other agents."""

AT_ONCE: Final = 4
AGAIN_S: Final = 1.0
TRIES: Final = 30


async def fill(crowd: Crowd, until_ms: int, told_to_stop: asyncio.Event, progress: Progress) -> None:
    """Have every agent measure up to `until_ms` and send all of it. Raises Broken where the collector gives up."""
    total = sum(until_ms - agent.now_ms for agent in crowd.agents)
    done = 0
    free = asyncio.Semaphore(AT_ONCE)

    async def one(agent: Agent) -> None:
        nonlocal done
        while agent.now_ms < until_ms and not told_to_stop.is_set():
            async with free:
                before, to_ms = agent.now_ms, min(until_ms, agent.now_ms + CHUNK_MS)
                await asyncio.to_thread(agent.advance, to_ms)
                await _send_all(crowd, agent)
            done += to_ms - before
            progress("history", done // 60_000, total // 60_000)
        agent.flush()
        await _send_all(crowd, agent)

    await asyncio.gather(*(one(agent) for agent in crowd.agents))


async def _send_all(crowd: Crowd, agent: Agent) -> None:
    failures = 0
    while agent.waiting:
        try:
            await asyncio.sleep(await crowd.send_some(agent, as_then=True))
            failures = 0
        except Broken:
            failures += 1
            crowd.failures += 1
            if failures == TRIES:
                raise
            await asyncio.sleep(AGAIN_S)


def heard(agents: Sequence[Agent], world: World, span: Span) -> dict[str, list[Span]]:
    """When each agent was heard within a span: always but for what kept it from measuring or sending."""
    return {agent.who.agent: without(span, world.silences(agent.who.centre)) for agent in agents}
