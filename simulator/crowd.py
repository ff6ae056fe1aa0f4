"""All agents of a simulation in one event loop: enrolled with join codes over TLS, heard, sending, asked to measure."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Final

from simulator.agent import Agent, Counts, Who
from simulator.chance import Dice
from simulator.errors import Broken
from simulator.province import VANTAGE, Province
from simulator.stage import Progress, Stage
from simulator.talk import Connection, Pool, Refused
from simulator.world import World
from wire import joincode
from wire.client import ClientError, ca_fingerprint, fetch_ca, pinned
from wire.clock import Clock
from wire.messages import Enrol, Role, Task

CONNECTIONS: Final = 12
TICK_S: Final = 1.0
SETTLE_MS: Final = 3_000
"""What was begun so long ago has come to its end: nothing is told before it was over."""

BUSY_MS: Final = 60_000
HASTY_S: Final = 0.5
AGAIN_S: Final = 2.0
PROBES: Final = ["bandwidth", "dns", "path", "pc", "quality", "reach", "service", "use", "wifi"]


class Crowd:
    """Agents and the connections they share. Between `enrol` and `close` everything happens in one event loop."""

    def __init__(self, url: str, tls: ssl.SSLContext, clock: Clock) -> None:
        self.url, self.tls, self.clock = url, tls, clock
        self.pool = Pool(url, tls, CONNECTIONS)
        self.agents: list[Agent] = []
        self.failures = 0
        self._busy: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(
        self, people: Sequence[Who], world: World, *, from_ms: int, all_from_ms: int, turn: int, told: Progress
    ) -> None:
        """Make an agent of each and have it fetch its plan. Raises Broken."""
        self.agents = [Agent(who, world, from_ms=from_ms, all_from_ms=all_from_ms, turn=turn) for who in people]
        done = 0

        async def follow(agent: Agent) -> None:
            nonlocal done
            async with self.pool.connection() as connection:
                agent.follow(*await connection.plan(agent.who.token))
            done += 1
            told("plans", done, len(self.agents))

        await asyncio.gather(*(follow(agent) for agent in self.agents))

    @property
    def waiting(self) -> int:
        """Batches that nobody has receipted."""
        return sum(len(agent.waiting) for agent in self.agents)

    def counted(self) -> Counts:
        """What all of them did so far."""
        total = Counts()
        for agent in self.agents:
            for name in ("observations", "batches", "receipted", "accepted", "rejected"):
                setattr(total, name, getattr(total, name) + getattr(agent.counts, name))
        return total

    # --- live -------------------------------------------------------------------------------------------------------

    def hear(self, told: asyncio.Event) -> None:
        """Have every agent heard from now on, until told to stop."""
        for agent in self.agents:
            self._run(self._poll(agent, told))

    async def live(self, told: asyncio.Event) -> None:
        """Measure and send as real agents do, until told to stop."""
        while not told.is_set():
            self._tick()
            await _sleep(TICK_S, told)

    def _run(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _tick(self) -> None:
        now_ms = self.clock.wall_ms()
        for agent in self.agents:
            agent.advance(now_ms - SETTLE_MS)
            if agent.waiting and agent.who.agent not in self._busy and agent.sends(now_ms):
                self._busy.add(agent.who.agent)
                self._run(self._send(agent))

    async def _send(self, agent: Agent) -> None:
        try:
            while agent.waiting and agent.sends(self.clock.wall_ms()):
                pause_s = await self.send_some(agent)
                await asyncio.sleep(pause_s)
        except Broken as error:
            self.failures += 1
            await asyncio.sleep(AGAIN_S + (error.retry_after_s if isinstance(error, Refused) else 0.0))
        finally:
            self._busy.discard(agent.who.agent)

    async def send_some(self, agent: Agent, *, as_then: bool = False) -> float:
        """One request with the oldest that waits; the seconds the collector asks to be left alone. Raises Broken.

        `as_then`: speak by the boot that measured it.
        """
        cuts = agent.some()
        async with self.pool.connection() as connection:
            envelope = agent.envelope(self.clock.wall_ms(), cuts[0].boot if as_then else None)
            answer = await connection.post(agent.who.token, envelope, [cut.raw for cut in cuts])
        agent.settle(cuts, answer.receipts)
        return answer.wait_s

    async def beat(self, agent: Agent) -> None:
        """One short call on the wait channel, for a collector that does not park it. Raises Broken."""
        async with self.pool.connection() as connection:
            answer = await connection.wait(agent.who.token, agent.plan_sha256)
            if answer.plan_sha256 != agent.plan_sha256:
                agent.follow(*await connection.plan(agent.who.token))

    async def _poll(self, agent: Agent, told: asyncio.Event) -> None:
        """One long poll after another, on a connection of its own."""
        mine, loop = Connection(self.url, self.tls), asyncio.get_running_loop()
        try:
            while not told.is_set():
                if not agent.sends(self.clock.wall_ms()):
                    mine.close()
                    await asyncio.sleep(TICK_S)
                    continue
                began = loop.time()
                try:
                    await self._one_poll(agent, mine)
                except Broken:
                    self.failures += 1
                    await asyncio.sleep(AGAIN_S)
                if loop.time() - began < HASTY_S:
                    await asyncio.sleep(HASTY_S)
        finally:
            mine.close()

    async def _one_poll(self, agent: Agent, mine: Connection) -> None:
        answer = await mine.wait(agent.who.token, agent.plan_sha256)
        now_ms = self.clock.wall_ms()
        if not agent.sends(now_ms):
            return  # the line was cut in the meantime: the answer never came
        if agent.now_ms < now_ms - BUSY_MS:
            await asyncio.sleep(AGAIN_S)  # still at its past, in another thread
            return
        if answer.plan_sha256 != agent.plan_sha256:
            agent.follow(*await mine.plan(agent.who.token))
        for task in answer.tasks:
            _take(agent, task, now_ms)

    async def close(self) -> None:
        """End what is under way, and hang up."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.pool.close()


def _take(agent: Agent, task: Task, now_ms: int) -> None:
    item = task.args.get("item")
    if task.kind == "probe" and isinstance(item, str):
        agent.measure_now(item, task.id, now_ms)


async def _sleep(seconds: float, told: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(seconds):
            await told.wait()
    except TimeoutError:
        return


# --- enrolment ------------------------------------------------------------------------------------------------------


def wanted(province: Province, known: Sequence[Who]) -> list[tuple[str, Role]]:
    """Whom a province is still missing: a box for every centre, and one vantage on the province's side."""
    there = {(who.centre, who.role) for who in known}
    every: list[tuple[str, Role]] = [(VANTAGE, "vantage"), *((key, "box") for key in province.sites)]
    return [one for one in every if one not in there]


def trusted_ca(url: str, code: str) -> bytes:
    """The collector's CA, PEM, compared with a join code. Raises Broken."""
    try:
        ca = fetch_ca(url)
        if not joincode.parse(code).trusts(ca_fingerprint(ca)):
            raise Broken(f"{url} is not the collector that the join codes were made for")
    except (ClientError, ValueError, ssl.SSLError) as error:
        raise Broken(f"{url}: {error}") from error
    return ca


@dataclass(slots=True)
class Joined:
    """What enrolment has come to: the CA to pin from now on, PEM, and the agents there are."""

    ca: bytes = b""
    people: list[Who] = field(default_factory=list)


async def enrol(stage: Stage, missing: Sequence[tuple[str, Role]], dice: Dice, told: Progress, joined: Joined) -> None:
    """Enrol whoever is missing, each with its own one-time code, into `joined`. Raises Broken."""
    codes = await asyncio.to_thread(stage.join_codes, missing)
    joined.ca = await asyncio.to_thread(trusted_ca, stage.url, codes[0])
    pool = Pool(stage.url, pinned(joined.ca), CONNECTIONS)

    async def one(code: str, centre: str, role: Role) -> None:
        sign, seal = (base64.b64encode(dice.secret(f"{centre}/{role}/{key}")).decode() for key in ("sign", "seal"))
        word = Enrol(code, role, "simulated", PROBES, sign, seal, f"sim-{centre}")
        async with pool.connection() as connection:
            enrolled = await connection.enrol(word)
        joined.people.append(Who(enrolled.agent, enrolled.centre, role, enrolled.token))
        told("agents", len(joined.people), len(missing))

    try:
        await asyncio.gather(*(one(code, *place) for code, place in zip(codes, missing, strict=True)))
    finally:
        pool.close()
