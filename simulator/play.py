"""One run of `motcua simulate`, from an order to its closing count, on a stage that the roof has set up."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from simulator import console, history
from simulator.agent import Who
from simulator.causes import Cause
from simulator.chance import Dice
from simulator.crowd import Crowd, Joined, enrol, wanted
from simulator.drive import DrivenClock
from simulator.home import PROVINCE, TRUTH, Kept, State, keep_state
from simulator.order import AHEAD_MS, DAY_MS, Order
from simulator.owners import Planned
from simulator.province import Province
from simulator.replay import replay
from simulator.scenario import resolve, stops
from simulator.stage import Progress, Span, Stage
from simulator.truth import Told, append, tell
from simulator.verdict import Closing, compare
from simulator.world import World
from wire.client import pinned
from wire.clock import SystemClock

SERVERS: Final = {"MOTCUA_REFLECTOR": "192.0.2.20:8462", "MOTCUA_MEASURE": "http://192.0.2.21:8444,10000,200"}
"""Of documentation (RFC 5737), so that plans hold what is measured by them; nobody asks them anything."""

LOOK_S: Final = 0.5
LONGEST_LOOK_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class Scene:
    """What is played: the causes, the truth about them, all simulated time, and the moment it goes live.

    `all_ms`: from when everything is measured, and not only what is measured rarely.
    """

    world: World
    causes: Sequence[Cause]
    truth: Sequence[Told]
    stops: Sequence[Planned]
    span: Span
    all_ms: int
    zero_ms: int


@dataclass(frozen=True, slots=True)
class Run:
    """One run: the collector it is played on, who plays, what, and when to stop."""

    stage: Stage
    crowd: Crowd
    scene: Scene
    told: asyncio.Event
    progress: Progress
    began_s: float

    def count(self) -> dict[str, int]:
        """What came of it so far."""
        crowd = self.crowd
        return console.closing(crowd.counted(), len(crowd.agents), len(self.scene.causes), crowd.waiting)


class Play:
    """`clock` None: the machine's own; else this play drives it, and the collector does nothing by itself."""

    def __init__(
        self, order: Order, state: State, province: Province, *, clock: DrivenClock | None, as_json: bool
    ) -> None:
        self.order, self.clock = order, clock
        self._state, self._province, self._as_json = state, province, as_json
        self._dice, self._time = Dice(state.seed), clock or SystemClock()

    @property
    def home(self) -> Path:
        """Where the collector's data goes."""
        return self.order.home

    def settings(self) -> dict[str, str]:
        """Settings of the collector to play on, as the environment would say them; a replay takes any free port."""
        held = {"MOTCUA_HOME": str(self.home), **SERVERS}
        if self.clock is not None:
            held |= {"MOTCUA_AGENTS": f"127.0.0.1:{_free_port()}", "MOTCUA_DATABASE": ""}
        return held

    def roles(self, every: Sequence[str]) -> Sequence[str]:
        """Roles of that collector: of a replay nobody sees pages."""
        return every if self.clock is None else ("ingest",)

    async def run(self, stage: Stage, told: asyncio.Event) -> None:
        """Play all of it, until it is over or `told` to stop. Raises SimulatorError."""
        began_s = time.monotonic()
        with console.bar() as progress:
            people = await self._people(stage, progress)
            scene = self._scene()
            await asyncio.to_thread(_announce, stage, scene.stops)
            run = Run(
                stage, Crowd(stage.url, pinned(self._state.ca.encode()), self._time), scene, told, progress, began_s
            )
            try:
                await run.crowd.start(
                    people, scene.world, from_ms=scene.span[0], all_from_ms=scene.all_ms,
                    turn=self._state.turns, told=progress,
                )  # fmt: skip
                names = await asyncio.to_thread(self._names, stage, people)
                append(self.home / TRUTH, self._head(scene, names), scene.truth)
                closing = await (self._live(run) if self.clock is None else self._replay(run, self.clock, names))
                self._end(run, closing)
            finally:
                await run.crowd.close()

    # --- beginning --------------------------------------------------------------------------------------------------

    async def _people(self, stage: Stage, progress: Progress) -> list[Who]:
        """The agents of this home, enrolled where they are missing."""
        await asyncio.to_thread(stage.import_province, self.home / PROVINCE)
        self._say("province", f"{len(self._province.sites)} centres, {len(self._province.services)} shared systems")
        people = self._state.people()
        missing = wanted(self._province, people)
        if missing:
            new = Joined()
            try:
                await enrol(stage, missing, self._dice, progress, new)
            finally:  # who is enrolled stays known, whatever became of the others
                kept = [*self._state.agents, *(Kept(w.agent, w.centre, w.role, w.token) for w in new.people)]
                ca = new.ca.decode() or self._state.ca
                self._state = msgspec.structs.replace(self._state, ca=ca, agents=kept)
                keep_state(self.home, self._state)
            people += sorted(new.people, key=lambda who: (who.centre, who.role))
        self._state = msgspec.structs.replace(self._state, turns=self._state.turns + 1)
        keep_state(self.home, self._state)
        self._say("agents", f"{len(missing)} enrolled with one-time codes, {len(people) - len(missing)} known before")
        return people

    def _scene(self) -> Scene:
        now_ms, order = self._time.wall_ms(), self.order
        if self.clock is not None:
            span = now_ms, now_ms + round(order.replay_days * DAY_MS)
        else:
            back_days = max(order.back_days, order.rare_days)
            span = now_ms - round(back_days * DAY_MS), now_ms + (0 if order.only_back else AHEAD_MS)
        causes = resolve(order.scenario, self._province, self._dice, zero_ms=now_ms, span=span)
        world = World(self._province, self._dice, causes, span[0])
        all_ms = max(span[0], now_ms - round(order.back_days * DAY_MS))
        planned = list(stops(order.scenario, self._province, now_ms))
        return Scene(world, causes, tell(causes, self._province, planned), planned, span, all_ms, now_ms)

    def _names(self, stage: Stage, people: Sequence[Who]) -> dict[str, str]:
        """What agents and their machines are called in the register of this home."""
        machines = stage.machines()
        names = {f"agent@{who.centre}": f"agent:{who.agent}" for who in people}
        return names | {f"device@{who.centre}": machines[who.agent] for who in people if who.agent in machines}

    def _head(self, scene: Scene, names: dict[str, str]) -> dict[str, object]:
        return {
            "simulated": True, "turn": self._state.turns, "seed": self._state.seed, "about": self.order.scenario.about,
            "from_ms": scene.span[0], "live_ms": scene.zero_ms, "to_ms": scene.span[1], "names": names,
        }  # fmt: skip

    # --- live, with or without a history ----------------------------------------------------------------------------

    async def _live(self, run: Run) -> None:
        if not (self.order.back_days or self.order.rare_days):
            run.crowd.hear(run.told)
        else:
            await self._fill(run)
        if self.order.only_back:
            await _catch_up(run)
            return
        self._welcome(run.stage)
        alive = asyncio.create_task(self._tell_alive(run))
        try:
            await run.crowd.live(run.told)
        finally:
            alive.cancel()

    async def _fill(self, run: Run) -> None:
        """The history: heard in it, and heard from now on while it is sent."""
        scene, crowd = run.scene, run.crowd
        past = scene.all_ms, scene.zero_ms
        await asyncio.to_thread(run.stage.recall, history.heard(crowd.agents, scene.world, past))
        if not self.order.only_back:
            crowd.hear(run.told)
        began_s = time.monotonic()
        await history.fill(crowd, scene.zero_ms, run.told, run.progress)
        spent_s = time.monotonic() - began_s
        count = run.count()
        self._say("history", f"{console.told(count)}: {count['observations'] / spent_s:,.0f} observations a second")

    def _welcome(self, stage: Stage) -> None:
        console.show(f"\n  Board   {stage.board_link()}")
        console.show("          the link works once; for a new one: motcua collector login-link NAME")
        console.show(f"  Truth   {self.home / TRUTH}")
        console.show(f"          {self.order.scenario.about}")
        console.show("  Nothing here is measured. Ctrl-C stops; a second `motcua simulate` goes on.\n")

    async def _tell_alive(self, run: Run) -> None:
        sites, until = len(self._province.sites), run.began_s + LONGEST_LOOK_S
        while (seen := await asyncio.to_thread(run.stage.measured)) < sites and time.monotonic() < until:
            await asyncio.sleep(LOOK_S)
        spent_s = time.monotonic() - run.began_s
        self._say("alive", f"{seen} of {sites} centres are judged by what came over TLS, after {spent_s:.0f} s")

    # --- replay -----------------------------------------------------------------------------------------------------

    async def _replay(self, run: Run, clock: DrivenClock, names: dict[str, str]) -> Closing:
        began_s, scene = time.monotonic(), run.scene
        await replay(run.crowd, run.stage, clock, scene.span[1], run.told, progress=run.progress)
        spent_s, played_s = time.monotonic() - began_s, (clock.wall_ms() - scene.span[0]) / 1000
        self._say("replayed", f"{played_s / 3600:.1f} h in {spent_s:.0f} s, {played_s / spent_s:.0f} times as fast")
        return await asyncio.to_thread(compare, run.stage, scene.truth, names, (scene.span[0], clock.wall_ms()))

    # --- the end ----------------------------------------------------------------------------------------------------

    def _end(self, run: Run, closing: Closing | None) -> None:
        if self._as_json:
            console.document(run.count(), closing)
            return
        if closing is not None:
            console.table(closing)
        console.step("count", console.told(run.count()))
        if run.crowd.failures:
            console.step("failures", f"{run.crowd.failures} requests were refused or not answered, and made again")

    def _say(self, what: str, text: str) -> None:
        if not self._as_json:
            console.step(what, text)


def _announce(stage: Stage, planned: Sequence[Planned]) -> None:
    for stop in planned:
        stage.pause(stop.subject, stop.from_ms, stop.to_ms, stop.reason)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


async def _catch_up(run: Run) -> None:
    """Wait until every reader has taken what was sent."""
    most = 1
    while not run.told.is_set() and (behind := await asyncio.to_thread(run.stage.behind)):
        most = max(most, behind)
        run.progress("judged", most - behind, most)
        await asyncio.sleep(LOOK_S)
