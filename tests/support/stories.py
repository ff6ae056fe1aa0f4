"""Random troubles of the small province of `tests.support.scenes`, told as a judge would tell them, in their time."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from collector.api import AgentInfo, Boot, Flip, LineInfo, Place, PlannedItem, State, SubjectInfo, Window
from tests.support.reader_double import World
from tests.support.scenes import CENTRES, NINE_MS, SYSTEMS, TOPOLOGY, lines_of

S, MINUTE, HOUR = 1_000, 60_000, 3_600_000
TAKEN_BACK: Sequence[State | None] = (None, None, "ok", "degraded", "down")
"""What a flip becomes that did not hold; None: there was none."""


def small_province(now_ms: int = NINE_MS) -> World:
    """What a reader says of the province of the scenes while all is well."""
    lines: dict[str, list[LineInfo]] = {}
    for one in TOPOLOGY.lines.values():
        info = LineInfo(one.subject, one.kind, one.carrier, one.circuit, None, "", one.group, "")
        lines.setdefault(one.centre, []).append(info)
    world = World(
        now=now_ms,
        known_places={centre: Place(area) for centre, area in TOPOLOGY.areas.items()},
        known_lines=lines,
        listed_subjects=[
            SubjectInfo(key, key.partition(":")[0], centre, "", None) for key, centre in TOPOLOGY.centre_of.items()
        ],
        listed_agents=[_agent(key) for key in TOPOLOGY.agents],
        items=[PlannedItem(key, "a", key, "reach", "gateway", 10.0) for key in sorted(TOPOLOGY.measured)],
    )
    world.set_policy("a test")
    return world


def _agent(key: str) -> AgentInfo:
    one = TOPOLOGY.agents[key]
    name = key.partition(":")[2]
    return AgentInfo(name, one.centre, one.role, "", "", 0, None, None, False, None, 1, (), one.device)


class _News(NamedTuple):
    known_ms: int
    number: int
    subject: str
    to: State | None
    reason: str | None
    at_ms: int


@dataclass
class Story:
    """One story. `go_on()` lets time pass and puts on record what became known meanwhile."""

    seed: int
    often: float = 0.3  # how likely something begins with every step
    world: World = field(default_factory=small_province)
    _told: int = 0
    _queue: list[_News] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance = Random(self.seed)
        self._troubles: Sequence[Callable[[int], None]] = (
            self._blip, self._flaps, self._power, self._area, self._carrier, self._silence, self._system, self._pc,
            self._device, self._late, self._blip, self._slow,
        )  # fmt: skip

    def go_on(self) -> None:
        pause = self.chance.choice([1, 1, 5, 5, 5, 20, 60, 60, 180, 300, 700])
        self.world.now += pause * S
        if self.chance.random() < self.often:
            trouble = self.chance.choice(self._troubles)
            trouble(self.world.now - self.chance.randint(0, 60) * S)
        elif self.chance.random() < 0.04:
            self._plan()
        elif self.chance.random() < 0.04:
            self._rewire()
        elif self.chance.random() < 0.02:
            self._everything()
        while self._queue and self._queue[0].known_ms <= self.world.now:
            self._record(heapq.heappop(self._queue))
        if self.chance.random() < 0.05:
            self._take_back()

    # --- what becomes known -----------------------------------------------------------------------------------------

    def _ill(self, subject: str, told: tuple[State, str], from_ms: int, to_ms: int, late_s: float = 30.0) -> None:
        self._put(subject, *told, from_ms, late_s)
        self._put(subject, "ok", None, to_ms, late_s)

    def _put(self, subject: str, to: State, reason: str | None, at_ms: int, late_s: float) -> None:
        self._told += 1
        heapq.heappush(self._queue, _News(at_ms + round(late_s * S), self._told, subject, to, reason, at_ms))

    def _record(self, news: _News, supersedes: int | None = None) -> None:
        flips, now = self.world.recorded_flips, self.world.now
        seq = len(flips) + 1
        flips.append(
            Flip(seq, news.subject, news.at_ms, "ok", news.to, news.reason, {}, 1, ("o1",), now, supersedes)
        )  # fmt: skip

    def _take_back(self) -> None:
        gone = {flip.supersedes for flip in self.world.recorded_flips}
        live = [flip for flip in self.world.recorded_flips if flip.to is not None and flip.seq not in gone]
        if live:
            old = self.chance.choice(live[-20:])
            to = self.chance.choice(TAKEN_BACK)
            at = old.at_ms + self.chance.choice([0, 0, 7 * S])
            self._record(_News(0, 0, old.subject, to, None if to in {None, "ok"} else "no_answer", at), old.seq)

    # --- troubles -----------------------------------------------------------------------------------------------------

    def _lasts(self, at: int) -> int:
        return at + self.chance.choice([20, 50, 150, 290, 400, 1_000, 2_500, 9_000]) * S

    def _choose(self, *states: State) -> State:
        return self.chance.choice(states)

    def _line(self) -> str:
        return self.chance.choice([f"line:{line}" for centre in CENTRES for line in lines_of(centre)])

    def _blip(self, at: int) -> None:
        self._ill(self._line(), ("down", "no_answer"), at, self._lasts(at))

    def _slow(self, at: int) -> None:
        reason = self.chance.choice(["loss", "dns_slow", "below_contract"])
        self._ill(self._line(), ("degraded", reason), at, self._lasts(at))

    def _late(self, at: int) -> None:
        then = at - self.chance.choice([20 * MINUTE, 2 * HOUR, 5 * HOUR])
        self._ill(self._line(), ("down", "no_answer"), then, then + 10 * MINUTE, (at - then) / S)

    def _flaps(self, at: int) -> None:
        line, state = self._line(), self._choose("down", "degraded")
        for n in range(self.chance.randint(3, 6)):
            begun = at + n * self.chance.choice([100, 170, 400]) * S
            self._ill(line, (state, "loss"), begun, begun + 20 * S)

    def _device(self, at: int) -> None:
        reason = self.chance.choice(["on_battery", "disk_low"])
        self._ill(f"device:{self.chance.choice(CENTRES)}", ("degraded", reason), at, self._lasts(at))

    def _pc(self, at: int) -> None:
        self._ill(f"agent:b1-pc{self.chance.randint(1, 2)}", ("unknown", "silent"), at, self._lasts(at))

    def _silence(self, at: int) -> None:
        self._silent(self.chance.choice(CENTRES), at, self._lasts(at))

    def _silent(self, centre: str, at: int, to: int) -> None:
        for key in (f"agent:{centre}", f"lan:{centre}", f"device:{centre}"):
            self._ill(key, ("unknown", "silent"), at, to, 50.0)
        for line in lines_of(centre):
            if self.chance.random() < 0.5:
                until = at + self.chance.choice([60, 100, 250]) * S if self.chance.random() < 0.5 else to
                self._ill(f"line:{line}", ("unknown", "silent"), at, min(until, to), 50.0)
        if self.chance.random() < self.often:
            self.world.started.append(Boot(centre, f"boot{at}", min(to, self.world.now) - 5 * S, self.world.now))

    def _power(self, at: int) -> None:
        self._dark(self.chance.choice(CENTRES), at, self._lasts(at))

    def _dark(self, centre: str, at: int, to: int) -> None:
        self._silent(centre, at, to)
        for n, line in enumerate(lines_of(centre)):
            self._ill(f"line:{line}", ("down", "lost_from_province"), at + n * 10 * S, to, 180.0)

    def _area(self, at: int) -> None:
        letter, to = self.chance.choice("bn"), self._lasts(at)
        for centre in CENTRES:
            if centre.startswith(letter):
                self._dark(centre, at + self.chance.randint(0, 30) * S, to)

    def _carrier(self, at: int) -> None:
        group, to = self.chance.choice(["vnpt-bac", "vnpt-nam", "viettel-bac"]), self._lasts(at)
        for line in TOPOLOGY.lines.values():
            if line.group == group:
                begun = at + self.chance.randint(0, 40) * S
                seen = self.chance.random() < 0.6
                reason, late = ("no_answer", 30.0) if seen else ("lost_from_province", 180.0)
                self._ill(line.subject, ("down", reason), begun, to + self.chance.choice([0, 20, 400]) * S, late)
                if line.leads and not seen:
                    self._ill(f"agent:{line.centre}", ("unknown", "silent"), begun, to, 50.0)

    def _system(self, at: int) -> None:
        system, to = self.chance.choice(SYSTEMS), self._lasts(at)
        for centre in CENTRES:
            if self.chance.random() < 0.5:
                self._ill(f"service:{system}@{centre}", ("down", "refused"), at, to + 30 * S)
        if self.chance.random() < 0.7:
            self._ill(f"service:{system}", ("down", "service_down"), at + MINUTE, to)

    def _everything(self) -> None:
        at = self.world.now - 10 * S
        to = self._lasts(at)
        for centre in CENTRES:
            self._ill(f"agent:{centre}", ("unknown", "silent"), at + self.chance.randint(0, 9) * S, to, 50.0)

    # --- what people do -----------------------------------------------------------------------------------------------

    def _plan(self) -> None:
        keys = ["centre:b1", "line:b1/a", "carrier:vnpt/vnpt-bac", "area:nam", "service:dvcqg", "lan:b2", "device:b3"]
        begins = self.world.now + self.chance.choice([-20 * MINUTE, -MINUTE, 5 * MINUTE])
        ends = begins + self.chance.choice([10, 30, 120]) * MINUTE
        number = len(self.world.stops) + 1
        self.world.stops.append(
            Window(number, self.chance.choice(keys), "", begins, ends, "đổi cáp", "officer", self.world.now)
        )

    def _rewire(self) -> None:
        """A line is measured by no plan any more, or is again."""
        items = self.world.items
        if self.chance.random() < 0.5 and len(items) > 40:
            items.remove(self.chance.choice(items))
        else:
            key = self._line()
            items.append(PlannedItem(key, "a", key, "reach", "gateway", 10.0))
