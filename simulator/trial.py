"""A trial: one seed's scenes, played on a collector from the first measurement to the last message, and its score.

The template of a home (province imported, agents enrolled, plans drawn) is made once a process and copied for every
trial: what it holds does not depend on the seed. Time goes in steps; nobody is heard less often than the contract says.
"""

from __future__ import annotations

import base64
import shutil
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Final

import msgspec

from simulator.agent import Agent, Cut, Who
from simulator.causes import Cause
from simulator.chance import Dice
from simulator.composing import Scenes, compose, pc_centres
from simulator.copying import write_copy
from simulator.crowd import PROBES, SETTLE_MS, wanted
from simulator.drive import DrivenClock
from simulator.ground import Ground, Roof
from simulator.home import PROVINCE, State, keep_state
from simulator.little import write_little
from simulator.province import Province, read_province
from simulator.scoring import Heard, Scored, score
from simulator.truth import tell
from simulator.world import World
from wire.codec import encode_request
from wire.messages import Enrol, PlanItem, Role

EDGE_MS: Final = 10_000
STEP_MS: Final = 20_000
CALM_MS: Final = 40_000
"""Steps: about beginnings and ends, while something holds or has just ended, and while all is found to be well."""

BEFORE_MS: Final = 20_000
SOON_MS: Final = 5 * 60_000
AFTER_MS: Final = 18 * 60_000
BEAT_MS: Final = 45_000
"""Nobody goes unheard for longer; silence begins after 50 s."""

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
_VIETNAM: Final = timezone(timedelta(hours=7))
MONDAY_MS: Final = round(datetime(2026, 11, 16, tzinfo=_VIETNAM).timestamp() * 1000)
"""A week for which the example province has a rota."""

MOST: Final = 5_000
_ITEMS: Final = msgspec.json.Decoder(list[PlanItem])
Progress = Callable[[float], None]
"""How much of a trial is played, 0 to 1."""


class Template:
    """A home in which everybody is enrolled, to be copied; kept in `folder`."""

    def __init__(self, source: Path, folder: Path, roof: Roof, *, whole: bool = False) -> None:
        """`whole`: all of the province, which takes many times as long. Raises HomeError."""
        self.folder, self._roof = folder, roof
        keep_state(self.home, State(0, 1))  # the mark first: nothing in here is measured
        if whole:
            write_copy(source, self.home / PROVINCE, None)
        else:
            write_little(source, self.home / PROVINCE)
        self.province: Province = read_province(self.home / PROVINCE)
        self.people, self.machines = self._enrol()

    @property
    def home(self) -> Path:
        return self.folder / "template"

    def _enrol(self) -> tuple[list[Who], Mapping[str, str]]:
        places: list[tuple[str, Role]] = wanted(self.province, [])
        places += [(key, "pc") for key in pc_centres(self.province)]
        with self._roof(self.home, DrivenClock(MONDAY_MS)) as ground:
            ground.stage.import_province(self.home / PROVINCE)
            codes = ground.stage.join_codes(places)
            words = [_word(code, centre, role) for code, (centre, role) in zip(codes, places, strict=True)]
            made = ground.road.enrol(words)
            people = [Who(one.agent, one.centre, role, one.token) for one, (_, role) in zip(made, places, strict=True)]
            return people, ground.stage.machines()

    def names(self) -> dict[str, str]:
        """What boxes and their machines are called in the register."""
        boxes = [who for who in self.people if who.role == "box"]
        names = {f"agent@{who.centre}": f"agent:{who.agent}" for who in boxes}
        return names | {f"device@{who.centre}": self.machines[who.agent] for who in boxes}

    def copy(self, name: str) -> Path:
        """A fresh home for one trial."""
        home = self.folder / name
        shutil.rmtree(home, ignore_errors=True)
        return Path(shutil.copytree(self.home, home))


def _word(code: str, centre: str, role: Role) -> Enrol:
    dice = Dice(0)
    sign, seal = (base64.b64encode(dice.secret(f"{centre}/{role}/{key}")).decode() for key in ("sign", "seal"))
    return Enrol(code, role, "simulated", PROBES, sign, seal, f"sim-{centre}")


def begins_ms(seed: int) -> int:
    """When the trial of a seed begins: a working day between half past seven and one o'clock."""
    draw = Dice(seed).draws(b"trial", 0)
    return MONDAY_MS + int(draw[0] * 5) * DAY_MS + 7 * HOUR_MS + 30 * 60_000 + int(draw[1] * 330) * 60_000


def scenes_of(seed: int, province: Province) -> Scenes:
    """What the trial of a seed plays."""
    return compose(province, seed, begins_ms(seed))


class Trial:
    """One playing of scenes in a copy of the template."""

    def __init__(self, template: Template, seed: int, scenes: Scenes, from_ms: int) -> None:
        self._template, self.seed, self.scenes, self.from_ms = template, seed, scenes, from_ms
        self.clock = DrivenClock(from_ms)
        dice = Dice(seed)
        self.world = World(template.province, dice, scenes.causes, from_ms)
        self._heard_ms = 0
        self._edges, self._busy = _edges(scenes), _busy(scenes.causes)

    def run(self, roof: Roof, told: Progress) -> Scored:
        """Play it and score what came of it."""
        home = self._template.copy(f"seed-{self.seed}")
        try:
            with roof(home, self.clock) as ground:
                self._play(ground, told)
                return self._score(ground)
        finally:
            shutil.rmtree(home, ignore_errors=True)

    def _play(self, ground: Ground, told: Progress) -> None:
        for stop in self.scenes.stops:
            ground.stage.pause(stop.subject, stop.from_ms, stop.to_ms, stop.reason)
        agents = [Agent(who, self.world, from_ms=self.from_ms) for who in self._template.people]
        for agent in agents:
            plan = ground.road.plan(agent.who.token)
            agent.follow(plan.sha256, _ITEMS.decode(plan.items))
        now_ms, until_ms = self.from_ms, self.scenes.until_ms
        while now_ms < until_ms:
            now_ms = min(until_ms, now_ms + self._step_ms(now_ms))
            self.clock.go_to(now_ms)
            self._speak(ground, [agent for agent in agents if self._is_on(agent, now_ms)], now_ms)
            ground.stage.step(all_of_it=False)
            told((now_ms - self.from_ms) / (until_ms - self.from_ms))

    def _step_ms(self, now_ms: int) -> int:
        if any(at - BEFORE_MS <= now_ms < at + SOON_MS for at in self._edges):
            return EDGE_MS
        return STEP_MS if any(first <= now_ms < last for first, last in self._busy) else CALM_MS

    def _is_on(self, agent: Agent, now_ms: int) -> bool:
        return agent.who.role != "pc" or now_ms < self.scenes.off.get(agent.who.centre, self.scenes.until_ms)

    def _speak(self, ground: Ground, agents: Sequence[Agent], now_ms: int) -> None:
        """Everybody measures; whoever can be heard is, and brings what it has."""
        for agent in agents:
            agent.advance(now_ms - SETTLE_MS)
        heard = [agent for agent in agents if agent.sends(now_ms)]
        if now_ms + self._step_ms(now_ms) - self._heard_ms > BEAT_MS:
            self._heard_ms = now_ms
            ground.road.hear([agent.who.token for agent in heard])
        while waiting := [agent for agent in heard if agent.waiting]:
            _bring(ground, waiting, now_ms)

    def _score(self, ground: Ground) -> Scored:
        span = self.from_ms, self.scenes.until_ms
        truth = tell(self.scenes.causes, self._template.province, self.scenes.stops)
        incidents, messages = ground.witness.incidents(*span, MOST), ground.witness.told(limit=MOST)
        stories = {one.id: ground.witness.story(one.id) for one in incidents}
        heard = Heard(incidents, messages, self._template.names(), self._template.province, stories)
        return score(self.seed, truth, heard)


def _bring(ground: Ground, agents: Sequence[Agent], now_ms: int) -> None:
    """One request of each, all stored together."""
    brought: list[tuple[Agent, list[Cut]]] = [(agent, agent.some()) for agent in agents]
    posts = [
        (agent.who.token, encode_request(agent.envelope(now_ms), [cut.raw for cut in cuts])) for agent, cuts in brought
    ]
    for (agent, cuts), answer in zip(brought, ground.road.take(posts), strict=True):
        agent.settle(cuts, answer.receipts)


def _edges(scenes: Scenes) -> list[int]:
    """Moments after which much is learned soon."""
    spans = [(one.from_ms, one.to_ms) for one in scenes.causes] + [(one.from_ms, one.to_ms) for one in scenes.stops]
    return [at for span in spans for at in span]


def _busy(causes: Sequence[Cause]) -> list[tuple[int, int]]:
    return [(cause.from_ms, cause.to_ms + AFTER_MS) for cause in causes]
